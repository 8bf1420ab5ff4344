"""What the operator may set: the sections of polaris.toml, checked as a whole.

`main` loads it at start and `daemon` again on reload.  Each key, its default and
what it accepts are declared here once; polaris.toml.example and the man page
polaris.toml(5) follow, and tests hold them to it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, cast

from polarisd.api.encode import to_wire
from polarisd.checking import (
    AbsolutePath,
    CheckFailed,
    Matches,
    MaxItems,
    Problem,
    Range,
    check,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE_BYTES = 1 << 20
MAX_SSH_PORTS = 256
MAX_SOCKET_PATH_BYTES = 107  # sun_path, less its end

Port = Annotated[int, Range(1, 65535)]
Uuid = Annotated[
    str,
    Matches(
        # "MIG-GPU-.../1/0" is how drivers before 470 name a MIG device.
        r"(GPU|MIG|MIG-GPU)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9]{1,3}){0,2}",
        "a UUID in small letters as `polarisctl gpus` prints it, such as "
        '"GPU-5f2c81d0-90ab-4c1e-8f02-7d3b9a6e1c44"',
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What this machine is in the network."""

    role: Literal["miner"] = "miner"
    mode: Literal["independent"] = "independent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The socket on which polarisctl speaks to polarisd."""

    socket_path: Annotated[str, AbsolutePath(MAX_SOCKET_PATH_BYTES)] = "/run/polaris/polarisd.sock"
    local_users_may_read: bool = False
    max_sessions: Annotated[int, Range(1, 1024)] = 64

    def problems(self) -> Iterable[Problem]:
        if self.socket_path.endswith("/"):
            yield Problem("socket_path", 'names a directory; must not end with "/"')


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where polarisd keeps what must outlive it."""

    directory: Annotated[str, AbsolutePath()] = "/var/lib/polaris"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """How the GPUs are read, and which of them are never offered."""

    sample_interval_s: Annotated[float, Range(0.1, 60)] = 1.0
    condition_interval_s: Annotated[float, Range(5, 3600)] = 30.0
    call_deadline_s: Annotated[float, Range(0.1, 60)] = 2.0
    history_s: Annotated[int, Range(60, 3600)] = 600
    withhold: Annotated[tuple[Uuid, ...], MaxItems(256)] = ()

    def problems(self) -> Iterable[Problem]:
        if self.sample_interval_s > self.condition_interval_s:
            yield Problem(
                "sample_interval_s",
                f"is {self.sample_interval_s:g}; must not be longer than"
                f" condition_interval_s, which is {self.condition_interval_s:g}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The TCP ports that this machine opens to the outside."""

    api: Port = 8000
    ssh_first: Port = 11000
    ssh_last: Port = 11002

    def problems(self) -> Iterable[Problem]:
        if self.ssh_first > self.ssh_last:
            yield Problem(
                "ssh_last",
                f"is {self.ssh_last}; must not be below ssh_first, which is {self.ssh_first}",
            )
        elif (count := self.ssh_last - self.ssh_first + 1) > MAX_SSH_PORTS:
            yield Problem(
                "ssh_last",
                f"is {self.ssh_last}, which makes {count} ports from ssh_first"
                f" ({self.ssh_first}); must make at most {MAX_SSH_PORTS}",
            )
        if self.ssh_first <= self.api <= self.ssh_last:
            yield Problem(
                "api",
                f"is {self.api}; must not be one of the SSH ports"
                f" {self.ssh_first} to {self.ssh_last}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What goes to the journal."""

    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of polaris.toml."""

    node: Node = field(default_factory=Node)
    control: Control = field(default_factory=Control)
    state: State = field(default_factory=State)
    gpu: Gpu = field(default_factory=Gpu)
    ports: Ports = field(default_factory=Ports)
    log: Log = field(default_factory=Log)


# What is fixed while the daemon runs: a reload reports these instead of using them.
RESTART_ONLY = frozenset(
    (
        "node.role",
        "node.mode",
        "control.socket_path",
        "control.max_sessions",
        "state.directory",
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
