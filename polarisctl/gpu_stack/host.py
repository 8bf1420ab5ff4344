"""The host that gpu-setup works on: its Python, its libraries, and where things go.

`commands.gpu_setup` takes `this_host`; a test makes one over a directory of its own.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from polarisctl.doctor.child import run_program
from polarisctl.gpu_stack import lock as locks
from polarisctl.gpu_stack import trial
from polarisctl.gpu_stack.fetch import Waits
from polarisctl.gpu_stack.lock import Lock
from polarisctl.gpu_stack.place import Place
from polarisctl.gpu_stack.web import Web
from polarisd.api.reading import READ_ERROR, Reading, Unknown
from polarisd.bench.stack import PACKAGE, Candidate, Stack, python_tag

LDCONFIG = "/sbin/ldconfig"
DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """`libraries` is the output of `ldconfig -p`, `driver` the kernel's text on it, None
    without one; `worker` is the command that tries a stack out."""

    tag: str
    machine: str
    libc: str
    lock: Lock
    package: Candidate
    place: Place
    libraries: Callable[[], str]
    driver: Callable[[], Reading[str | None]]
    worker: Callable[[Stack], Sequence[str]]
    web: Web
    waits: Waits

    @property
    def own(self) -> Candidate:
        return Candidate(str(self.place.root), "polarisctl gpu-setup")

    @property
    def candidates(self) -> tuple[Candidate, Candidate]:
        return (self.package, self.own)


def this_host() -> Host:
    libc, version = platform.libc_ver()
    return Host(
        # A Python without the global lock is another one to compiled modules.
        tag=python_tag() + ("t" if "t" in sys.abiflags else ""),
        machine=platform.machine(),
        libc=version if libc == "glibc" else "",
        lock=locks.load(),
        package=PACKAGE,
        place=Place(),
        libraries=_ldconfig,
        driver=_driver,
        worker=trial.argv,
        web=Web(),
        waits=Waits(),
    )


def _ldconfig() -> str:
    """Empty where it cannot be had: then no library of the system's is used."""
    ran = run_program((LDCONFIG, "-p"), {"PATH": os.defpath, "LC_ALL": "C"}, 10.0)
    return "" if isinstance(ran, Unknown) else ran.stdout


def _driver() -> Reading[str | None]:
    try:
        return DRIVER.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as problem:
        return Unknown(READ_ERROR, problem.strerror or "")
