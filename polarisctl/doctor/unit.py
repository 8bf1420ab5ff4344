"""polarisd's units: installed, enabled, running; its socket.  Pure; made by `gather.unit`."""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor.daemon import LOG, START
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisd.api.reading import Reading, Unknown

NO_SYSTEMD = "systemd is not running this machine"
# sysexits(3) EX_CONFIG: how polarisd ends when its configuration is bad.
BAD_CONFIG = "78"


@dataclass(frozen=True, slots=True)
class Unit:
    """`properties` are systemd's own; None where systemd is not running."""

    name: str
    properties: Reading[dict[str, str] | None]


def parse_properties(text: str) -> dict[str, str]:
    """KEY=value lines of `systemctl show`."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, separator, value in pairs if separator}


def installed(unit: Unit) -> Finding:
    needed = f"{unit.name}, installed"
    properties = _properties(unit, needed)
    if isinstance(properties, Finding):
        return properties
    match properties.get("LoadState"):
        case "loaded":
            return ok(unit.name)
        case "masked":
            return failure("masked", needed, "Unmask it:", f"sudo systemctl unmask {unit.name}")
        case "not-found":
            return failure("not installed", needed, "Install the package polaris.")
        case state:
            return failure(
                f"systemd cannot load it ({state})",
                needed,
                "See what is wrong with it:",
                f"systemd-analyze verify {unit.name}",
            )


def enabled(unit: Unit) -> Finding:
    needed = "enabled: started with the machine"
    properties = _loaded(unit, needed)
    if isinstance(properties, Finding):
        return properties
    state = properties.get("UnitFileState", "")
    if state in ("enabled", "static", "alias", "linked", "indirect", "generated"):
        return ok(state)
    return warning(
        state or "not enabled",
        needed,
        "It will not come back after a reboot. Enable it:",
        f"sudo systemctl enable {unit.name}",
    )


def active(unit: Unit) -> Finding:
    needed = "active"
    properties = _loaded(unit, needed)
    if isinstance(properties, Finding):
        return properties
    state = properties.get("ActiveState", "")
    if state in ("active", "reloading"):
        restarts = properties.get("NRestarts", "0")
        return ok(state if restarts in ("", "0") else f"{state}, restarted {restarts} times")
    if properties.get("SubState") == "auto-restart":
        return failure(
            f"it keeps failing: restarted {properties.get('NRestarts', '?')} times",
            needed,
            "Its log says why:",
            LOG,
        )
    if state in ("activating", "deactivating"):
        return unknown(state, needed, "Look again in a moment.")
    status = properties.get("ExecMainStatus", "0")
    if state == "failed" and status == BAD_CONFIG:
        return failure(
            "failed: its configuration is bad",
            needed,
            "Correct what the check config-valid names, then:",
            START,
        )
    found = state or "not active"
    if state == "failed":
        found += f" ({properties.get('Result', 'no result')}, exit status {status})"
    return failure(found, needed, "Start it; if it does not stay up, its log says why:", START, LOG)


def socket(socket: Unit, service: Unit) -> Finding:
    """The socket comes and goes with the service, so it counts only while that runs."""
    needed = f"{socket.name}, listening"
    properties = _properties(socket, needed)
    if isinstance(properties, Finding):
        return properties
    running = service.properties
    if not isinstance(running, dict) or running.get("ActiveState") not in ("active", "reloading"):
        return skipped(f"{service.name} is not running, and it comes with that")
    match properties.get("LoadState"), properties.get("ActiveState"):
        case "loaded", "active":
            return ok("listening")
        case "loaded", state:
            return failure(
                state or "not active",
                needed,
                "Start it; if it does not stay up, its log says why:",
                f"sudo systemctl restart {socket.name}",
                f"journalctl -u {socket.name}",
            )
        case "masked", _:
            return failure(
                "masked",
                needed,
                "Unmask and start it:",
                f"sudo systemctl unmask {socket.name}",
                f"sudo systemctl start {socket.name}",
            )
    return failure(
        "not installed",
        needed,
        "Reinstall the package; restart polarisd after an upgrade:",
        "sudo apt install --reinstall polaris",
        f"sudo systemctl restart {service.name}",
    )


def _properties(unit: Unit, needed: str) -> dict[str, str] | Finding:
    if unit.properties is None:
        return skipped(NO_SYSTEMD)
    if isinstance(unit.properties, Unknown):
        return cannot_tell(unit.name, unit.properties, needed)
    return unit.properties


def _loaded(unit: Unit, needed: str) -> dict[str, str] | Finding:
    properties = _properties(unit, needed)
    if isinstance(properties, Finding) or properties.get("LoadState") == "loaded":
        return properties
    return skipped(f"{unit.name} is not installed")
