"""The machine as the doctor may touch it: bounded reads and bounded subprocesses.

Built once by `polarisctl.commands.doctor` and handed to every gatherer; tests
build one over a directory of ordinary files and a PATH of small scripts.  Every
read has a size cap, every subprocess a deadline, an output cap and no stdin.
Standard library only.
"""

from __future__ import annotations

import errno
import os
import platform
import pwd
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from polarisctl.doctor.child import Ran, run_program
from polarisd.api.reading import NO_PERMISSION, READ_ERROR, Reading, Unknown

FILE_CAP_BYTES = 1 << 20
# The engine that counts is this machine's own, not whichever these point at.
DROPPED = ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST")
SYSTEM_PLACES = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Where things are and who asks.

    `root` stands before every absolute path that is read; `search_path` is the
    PATH on which programs are found; `libc` is empty where the C library is not
    glibc.
    """

    root: Path
    search_path: str
    socket_path: str
    config_path: str
    uid: int
    user: str
    groups: frozenset[int]
    machine: str
    kernel: str
    python: tuple[int, int, int]
    libc: str
    environment: Mapping[str, str]
    deadline_s: float = 4.0

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def read_text(self, path: str) -> Reading[str | None]:
        """The text of a file, None where there is no such file."""
        try:
            with open(self.at(path), "rb") as file:
                return file.read(FILE_CAP_BYTES).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            return unknown_from(problem)

    def list_names(self, path: str) -> Reading[tuple[str, ...] | None]:
        """Sorted names in a directory, None where there is no such directory."""
        try:
            return tuple(sorted(os.listdir(self.at(path))))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            return unknown_from(problem)

    def stat(self, path: str) -> Reading[os.stat_result | None]:
        """Status of what `path` leads to, None where there is nothing."""
        try:
            return os.stat(self.at(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            return unknown_from(problem)

    def which(self, program: str) -> str | None:
        return shutil.which(program, path=self.search_path)

    def run(self, *argv: str, deadline_s: float = 0.0) -> Reading[Ran | None]:
        """What a program on `search_path` answered, None where there is none."""
        program = self.which(argv[0])
        if program is None:
            return None
        environment = {k: v for k, v in self.environment.items() if k not in DROPPED}
        environment |= {"PATH": self.search_path, "LC_ALL": "C"}
        return run_program((program, *argv[1:]), environment, deadline_s or self.deadline_s)


def unknown_from(problem: OSError) -> Unknown:
    denied = problem.errno in (errno.EACCES, errno.EPERM)
    text = problem.strerror or str(problem)
    return Unknown(NO_PERMISSION if denied else READ_ERROR, text)


def this_machine(
    *,
    socket_path: str,
    config_path: str,
    program: str,
    environment: Mapping[str, str],
    uid: int,
) -> Edge:
    """The Edge over the machine that we run on; `program` is how polarisctl was started."""
    libc, version = platform.libc_ver()
    # Debian keeps sbin off an ordinary user's PATH; a venv has polarisd beside polarisctl.
    beside = [f"{sys.exec_prefix}/bin"]
    if "/" in program:
        beside.insert(0, os.path.dirname(os.path.realpath(program)))
    places = (*beside, *environment.get("PATH", "").split(os.pathsep), *SYSTEM_PLACES)
    return Edge(
        root=Path("/"),
        search_path=os.pathsep.join(place for place in places if place.startswith("/")),
        socket_path=socket_path,
        config_path=config_path,
        uid=uid,
        user=_user_name(uid),
        groups=frozenset((os.getegid(), *os.getgroups())),
        machine=platform.machine(),
        kernel=platform.release(),
        python=sys.version_info[:3],
        libc=version if libc == "glibc" else "",
        environment=environment,
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
