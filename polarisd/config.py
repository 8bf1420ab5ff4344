"""What the operator may set: polaris.toml, read and checked as a whole.

`main` loads it at start and `daemon` again on reload.  The keys are in `sections`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from polarisd.api.encode import to_wire
from polarisd.checking import CheckFailed, Problem, check
from polarisd.sections import (
    Chain,
    Commune,
    Control,
    Gpu,
    Heartbeat,
    Log,
    Network,
    Node,
    Ports,
    State,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of polaris.toml."""

    node: Node = field(default_factory=Node)
    control: Control = field(default_factory=Control)
    state: State = field(default_factory=State)
    gpu: Gpu = field(default_factory=Gpu)
    ports: Ports = field(default_factory=Ports)
    chain: Chain = field(default_factory=Chain)
    network: Network = field(default_factory=Network)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    commune: Commune = field(default_factory=Commune)
    log: Log = field(default_factory=Log)

    def problems(self) -> Iterable[Problem]:
        if self.node.mode == "bittensor":
            for key in ("network", "genesis_hash"):
                if not getattr(self.chain, key):
                    yield Problem(
                        f"chain.{key}",
                        'must be set where node.mode is "bittensor": sudo polarisctl register does',
                    )


# What is fixed while the daemon runs: a reload reports these instead of using them.
RESTART_ONLY = frozenset(
    (
        "node.role",
        "node.mode",
        "control.socket_path",
        "control.max_sessions",
        "state.directory",
        "ports.api",
        "chain.network",
        "chain.fallback_endpoints",
        "chain.netuid",
        "chain.genesis_hash",
        "network.listen_address",
        "heartbeat.interval_s",
    )
)


class ConfigError(Exception):
    """The file at `path` cannot be used; its text has one line per problem."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in self.problems))


def parse(text: str) -> Config:
    """Error handling: raises CheckFailed with every problem of the text."""
    if text.startswith("\ufeff"):
        why = "it starts with a byte order mark; save it as UTF-8 without one"
        raise CheckFailed([Problem("", f"is not valid TOML: {why}")])
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why = str(error)[:1].lower() + str(error)[1:]
    except ValueError:
        why = "a number has too many digits"
    except RecursionError:
        why = "nested too deeply"
    else:
        return check(Config, data)
    raise CheckFailed([Problem("", f"is not valid TOML: {why}")])


def load(path: Path) -> Config:
    """Blocking, but never for long: what is not a regular file is not read.

    Error handling: raises ConfigError.
    """
    try:
        return parse(_read(path).decode())
    except OSError as error:
        why = error.strerror or type(error).__name__
        problem = Problem("", f"cannot read the configuration: {why}")
    except UnicodeDecodeError as error:
        problem = Problem(
            "", f"is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        )
    except CheckFailed as failed:
        raise ConfigError(path, failed.problems) from None
    raise ConfigError(path, [problem])


def _read(path: Path) -> bytes:
    # O_NONBLOCK: to open a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CheckFailed([Problem("", "cannot read the configuration: not a regular file")])
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_BYTES:
        raise CheckFailed([Problem("", f"is too large: must be at most {MAX_FILE_BYTES} bytes")])
    return content


def values(config: Config) -> dict[str, dict[str, object]]:
    """Plain values by section and key; `check(Config, values(c)) == c`."""
    return cast("dict[str, dict[str, object]]", to_wire(config))


def changed(old: Config, new: Config) -> tuple[str, ...]:
    """Dotted paths of the keys whose values differ, in the order of the file."""
    before, after = values(old), values(new)
    return tuple(
        f"{section}.{key}"
        for section, keys in after.items()
        for key, value in keys.items()
        if before[section][key] != value
    )
