"""What gpu-setup is going to do, decided before it touches anything.  Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from polarisctl.doctor.driver import parse_driver_version, show_driver
from polarisctl.doctor.versions import find_version, older
from polarisctl.failures import failed
from polarisctl.gpu_stack.lock import Lock, Wheel
from polarisctl.gpu_stack.system import Spared
from polarisctl.values import size
from polarisd.api.reading import Reading
from polarisd.bench.stack import FORMAT

# Byte code, directories, and a file system's own keeping of books.
MARGIN = 1.15

# Where wheels keep the CUDA libraries, by the project that brings them.
LIBRARY_DIRS = {
    "nvidia-cublas-cu12": "nvidia/cublas/lib",
    "nvidia-cuda-nvrtc-cu12": "nvidia/cuda_nvrtc/lib",
    "nvidia-cuda-runtime-cu12": "nvidia/cuda_runtime/lib",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One stack: for which Python, of which wheels, and which the system spares it.

    `id` differs whenever anything of it does.
    """

    tag: str
    wheels: tuple[Wheel, ...]
    spared: tuple[Spared, ...]

    @property
    def id(self) -> str:
        parts = [self.tag, *(wheel.sha256 for wheel in self.wheels)]
        parts += [f"{k}={v}" for s in self.spared for k, v in sorted(s.libraries.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    @property
    def download_bytes(self) -> int:
        return sum(wheel.size_bytes for wheel in self.wheels)

    @property
    def unpacked_bytes(self) -> int:
        return sum(wheel.unpacked_bytes for wheel in self.wheels)

    @property
    def versions(self) -> dict[str, str]:
        return {wheel.project: wheel.version for wheel in self.wheels}


def make(lock: Lock, tag: str, *, machine: str, libc: str, spared: Iterable[Spared] = ()) -> Plan:
    """Error handling: fails where there are no wheels for this Python or machine."""
    if machine != "x86_64" or not libc:
        raise failed(
            f"cannot set up the GPU stack: it is for x86_64 and glibc, this is {machine}"
            f"{'' if libc else ' without glibc'}",
            "the numpy and host backends work without it",
        )
    if tag not in lock.pythons:
        raise failed(
            f"cannot set up the GPU stack: there is none for this Python ({tag})",
            f"run polarisctl with one of: {', '.join(lock.pythons)}",
        )
    without = {s.project: s for s in spared}
    wheels = lock.pythons[tag]
    return Plan(
        tag=tag,
        wheels=tuple(wheel for wheel in wheels if wheel.project not in without),
        spared=tuple(without[wheel.project] for wheel in wheels if wheel.project in without),
    )


def manifest(plan: Plan) -> str:
    """What polarisd.bench.stack reads."""
    return json.dumps(
        {
            "format": FORMAT,
            "python": plan.tag,
            "id": plan.id,
            "versions": plan.versions,
            "library_dirs": [
                LIBRARY_DIRS[project] for project in plan.versions if project in LIBRARY_DIRS
            ],
            "system_libraries": {k: v for s in plan.spared for k, v in s.libraries.items()},
        },
        indent=1,
    )


def needed_bytes(plan: Plan, here: Mapping[str, int]) -> int:
    """Of disk, from now on; `here` is how much of each file has been downloaded."""
    missing = sum(max(w.size_bytes - here.get(w.filename, 0), 0) for w in plan.wheels)
    return missing + round(plan.unpacked_bytes * MARGIN)


def check_space(needed: int, free: int, directory: str) -> None:
    if free < needed:
        raise failed(
            f"cannot set up the GPU stack: it needs {size(needed)} in {directory}, "
            f"and {size(free)} are free",
            f"free {size(needed - free)} there, or mount a larger disk at {directory}",
        )


def driver_warning(text: Reading[str | None], driver_min: str) -> str:
    """Why the driver will not run the stack; empty if it will, or if that cannot be told.

    No failure: the driver may come later, or be upgraded.
    """
    after = f"CUDA 12 needs {driver_min} or newer"
    if text is None:
        return f"none is loaded; {after}"
    found = parse_driver_version(text) if isinstance(text, str) else None
    needed = find_version(driver_min)
    if found is None or needed is None or not older(found, needed):
        return ""
    return f"{show_driver(found)} is too old; {after}"
