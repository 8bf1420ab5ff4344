"""The ports that Polaris opens, and the firewall around them.  Pure; made by `gather.network`."""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor.config import Settings
from polarisctl.doctor.engine import Engines
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisctl.doctor.limits import SERVICE_UNIT
from polarisd.api.reading import Reading, Unknown

LEASE_UNIT = "polaris-lease@"
# Programs that hold a port on behalf of a container.
FORWARDERS = ("docker-proxy", "conmon", "rootlessport", "netavark", "pasta")
NOBODY_SEEN = "who holds it cannot be seen from here"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens; `unit` is its systemd unit, empty where it has none."""

    pid: int
    name: str
    unit: str

    def label(self) -> str:
        place = f", {self.unit}" if self.unit else ""
        return f"{self.name} (pid {self.pid}{place})"


@dataclass(frozen=True, slots=True)
class Port:
    """`holder` is None where nobody listens, or nobody could be found who does."""

    number: int
    taken: Reading[bool]
    holder: Holder | None


@dataclass(frozen=True, slots=True)
class Ports:
    """`listens` is whether a daemon runs that should listen on the API port: one with a hotkey."""

    settings: Settings
    api: Port
    ssh: tuple[Port, ...]
    daemon_pid: int | None
    listens: bool = False


def parse_listeners(text: str) -> dict[int, tuple[int, ...]]:
    """Socket inodes by port, of the listening lines of /proc/net/tcp or tcp6."""
    found: dict[int, tuple[int, ...]] = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != "0A":
            continue
        try:
            port, inode = int(fields[1].rpartition(":")[2], 16), int(fields[9])
        except ValueError:
            continue
        found[port] = (*found.get(port, ()), inode)
    return found


def parse_unit(cgroup_text: str) -> str:
    """The systemd unit in /proc/PID/cgroup, empty where there is none."""
    for line in cgroup_text.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith((".service", ".scope")):
                return part
    return ""


def api_port(ports: Ports) -> Finding:
    port = ports.api
    needed = f"port {port.number} free, or held by polarisd"
    if isinstance(port.taken, Unknown):
        return cannot_tell(f"port {port.number}", port.taken, needed)
    if not port.taken and ports.listens:
        return failure(
            f"polarisd runs, but does not listen on {port.number}",
            f"polarisd listening on {port.number}",
            "Its log says why:",
            "journalctl -u polarisd -n 50 --no-pager",
        )
    if not port.taken:
        return ok(f"{port.number} is free")
    holder = port.holder
    if holder is None:
        return unknown(
            f"{port.number} is taken; {NOBODY_SEEN}",
            needed,
            "Run with sudo to find out:",
            f"sudo ss -ltnp 'sport = :{port.number}'",
        )
    if holder.pid == ports.daemon_pid or holder.unit == SERVICE_UNIT:
        return ok(f"{port.number} is held by polarisd")
    return failure(
        f"{port.number} is held by {holder.label()}",
        needed,
        "Stop that program, or set another api port under [ports] in the configuration. See:",
        f"sudo ss -ltnp 'sport = :{port.number}'",
    )


def ssh_ports(ports: Ports) -> Finding:
    """Free or held by leases; another holder takes a slot away."""
    span = _span([port.number for port in ports.ssh])
    needed = f"ports {span} free, or held by leases"
    untold = [port for port in ports.ssh if isinstance(port.taken, Unknown)]
    if untold and isinstance(reason := untold[0].taken, Unknown):
        return cannot_tell(f"port {untold[0].number}", reason, needed)
    taken = [port for port in ports.ssh if port.taken is True]
    strange = [p for p in taken if p.holder and not _for_a_container(p.holder)]
    see = "sudo ss -ltnp"
    if strange:
        found = "; ".join(f"{p.number} is held by {p.holder.label()}" for p in strange if p.holder)
        return failure(
            found,
            needed,
            "Each is a slot lost. Stop those programs, or move ssh_first and ssh_last"
            " under [ports] in the configuration. See:",
            see,
        )
    unclear = [p for p in taken if p.holder is None or not p.holder.unit.startswith(LEASE_UNIT)]
    if unclear:
        found = "; ".join(
            f"{p.number} is held by {p.holder.label()}"
            if p.holder
            else f"{p.number} is taken; {NOBODY_SEEN}"
            for p in unclear
        )
        return unknown(found, needed, "If these are not leases of Polaris, stop them. See:", see)
    if taken:
        return ok(f"{span}: {len(taken)} held by leases, the others free")
    return ok(f"{span} are free")


def _for_a_container(holder: Holder) -> bool:
    return holder.unit.startswith(LEASE_UNIT) or holder.name in FORWARDERS


def _span(numbers: list[int]) -> str:
    if not numbers:
        return "(none)"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"


@dataclass(frozen=True, slots=True)
class Firewall:
    """`ufw` is whether ufw is switched on, None where it is not installed; likewise firewalld."""

    ufw: Reading[bool | None]
    firewalld: Reading[bool | None] = None


def parse_ufw(text: str) -> bool:
    """ENABLED=yes in /etc/ufw/ufw.conf."""
    settings = (line.strip().partition("=") for line in text.splitlines())
    return any(
        key == "ENABLED" and value.strip("\"' ").lower() == "yes" for key, _, value in settings
    )


def docker_around_ufw(firewall: Firewall, engines: Engines, settings: Settings) -> Finding:
    needed = "no published port that you count on ufw to close"
    if isinstance(firewall.ufw, Unknown):
        return cannot_tell("/etc/ufw/ufw.conf", firewall.ufw, needed)
    if not firewall.ufw:
        return ok("ufw is off" if firewall.ufw is False else "ufw is not installed")
    if engines.docker is None:
        return skipped("Docker is not installed")
    span = _span(list(settings.ssh_ports)).replace("-", ":")
    return warning(
        "ufw is on, and Docker publishes ports around it",
        needed,
        "Publish what is yours on 127.0.0.1 (docker run -p 127.0.0.1:PORT:PORT). What Polaris"
        " opens itself must be let in:",
        f"sudo ufw allow {settings.api_port}/tcp",
        f"sudo ufw allow {span}/tcp",
    )
