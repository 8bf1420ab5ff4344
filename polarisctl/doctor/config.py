"""The configuration: is the file valid, and what is in force.  Pure; made by `gather.config`.

`Settings` is what other topics need of it: from the running daemon where it
tells, else from the file, else the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from polarisctl.doctor import limits
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, unknown
from polarisd.api.reading import READ_ERROR, Reading, Unknown

SHOWN_PROBLEMS = 10
EXAMPLE = "/usr/share/doc/polaris/examples/polaris.toml.example"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict of `polarisd --check-config --json`."""

    problems: tuple[str, ...]
    values: dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Config:
    """`checked` is None where there is no polarisd to ask."""

    path: str
    exists: Reading[bool]
    checked: Reading[Checked | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """`source` names where they are from; `values` are all of them, as far as they are known."""

    source: str
    api_port: int
    ssh_ports: tuple[int, ...]
    state_directory: str
    role: str = "miner"
    mode: str = "independent"
    values: dict[str, dict[str, object]] = field(default_factory=dict)

    def text(self, section: str, key: str) -> str:
        """Empty where it is not known, or no text."""
        value = self.values.get(section, {}).get(key)
        return value if isinstance(value, str) else ""


def read_checked(answer: object) -> Reading[Checked]:
    """From the JSON that `polarisd --check-config FILE --json` prints."""
    match answer:
        case {"problems": list(problems), **rest}:
            return Checked(
                tuple(_problem(problem) for problem in problems), _sections(rest.get("values"))
            )
    return Unknown(READ_ERROR, "polarisd --check-config printed something else")


def _problem(problem: object) -> str:
    match problem:
        case {"path": str(path), "message": str(message)}:
            return f"{path}: {message}" if path else message
    return str(problem)


def _sections(values: object) -> dict[str, dict[str, object]]:
    if not isinstance(values, dict):
        return {}
    return {str(name): keys for name, keys in values.items() if isinstance(keys, dict)}


def settings(daemon: Daemon, config: Config) -> Settings:
    if isinstance(daemon.config, dict):
        return _settings("polarisd", _sections(daemon.config.get("values")))
    if isinstance(config.checked, Checked) and not config.checked.problems:
        return _settings(config.path, config.checked.values)
    return _settings("defaults", {})


def _settings(source: str, values: dict[str, dict[str, object]]) -> Settings:
    ports, state = values.get("ports", {}), values.get("state", {})
    first, last = limits.DEFAULT_SSH_PORTS
    first, last = _port(ports, "ssh_first", first), _port(ports, "ssh_last", last)
    directory = state.get("directory")
    return Settings(
        source=source,
        api_port=_port(ports, "api", limits.DEFAULT_API_PORT),
        # The configuration allows 256; a daemon that says otherwise is not followed.
        ssh_ports=tuple(range(first, min(last, first + 255) + 1)),
        state_directory=directory
        if isinstance(directory, str) and directory.startswith("/")
        else limits.DEFAULT_STATE_DIRECTORY,
        role=_word(values, "role", "miner"),
        mode=_word(values, "mode", "independent"),
        values=values,
    )


def _word(values: dict[str, dict[str, object]], key: str, default: str) -> str:
    value = values.get("node", {}).get(key)
    return value if isinstance(value, str) else default


def _port(ports: dict[str, object], key: str, default: int) -> int:
    value = ports.get(key)
    return value if isinstance(value, int) and 0 < value < 65536 else default


def valid(config: Config) -> Finding:
    needed = f"a valid {config.path}"
    if isinstance(config.exists, Unknown):
        return cannot_tell(config.path, config.exists, needed)
    if not config.exists:
        return failure(
            f"there is no {config.path}",
            needed,
            "Start from the example:",
            f"sudo install -D -m 644 {EXAMPLE} {config.path}",
        )
    if isinstance(config.checked, Unknown):
        return cannot_tell(config.path, config.checked, needed)
    if config.checked is None:
        return unknown("polarisd is not installed here to check it", needed, "Install polaris.")
    problems = config.checked.problems
    if not problems:
        return ok(config.path)
    shown = list(problems[:SHOWN_PROBLEMS])
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    return failure(
        "; ".join(shown), needed, "Correct it, then:", f"polarisd --check-config {config.path}"
    )
