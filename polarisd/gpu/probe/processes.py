"""Who uses a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from polarisd.api import reading
from polarisd.api.gpu import GpuProcess
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.probe.calls import Calls
from polarisd.gpu.raw import MAX_PROCESSES

_KINDS = (
    ("compute", "nvmlDeviceGetComputeRunningProcesses"),
    ("graphics", "nvmlDeviceGetGraphicsRunningProcesses"),
    ("mps", "nvmlDeviceGetMPSComputeRunningProcesses"),
)


def read_processes(calls: Calls, proc: Path = Path("/proc")) -> Reading[tuple[GpuProcess, ...]]:
    """Who is on the GPU, the MAX_PROCESSES with most memory; Unknown only if not one
    kind could be asked."""
    found: dict[tuple[int, str], Any] = {}
    refusal: Unknown | None = None
    answered = False
    for kind, function in _KINDS:
        answer = calls.first((function,), (f"{function}_v2",))
        if isinstance(answer, Unknown):
            refusal = refusal or answer
            continue
        answered = True
        found.update(((entry.pid, kind), entry.usedGpuMemory) for entry in answer)
    if not answered:
        return refusal or Unknown(reading.NOT_SUPPORTED)
    largest = sorted(found, key=lambda key: found[key] or 0, reverse=True)[:MAX_PROCESSES]
    return tuple(_process(*key, found[key], proc) for key in sorted(largest))


def _process(pid: int, kind: str, used_bytes: int | None, proc: Path) -> GpuProcess:
    return GpuProcess(
        pid=pid,
        kind=kind,
        vram_bytes=Unknown(reading.NOT_SUPPORTED) if used_bytes is None else used_bytes,
        name=_name(pid, proc),
    )


def _name(pid: int, proc: Path) -> Reading[str]:
    """The process may have vanished, or be hidden from us by the sandbox."""
    try:
        raw = (proc / str(pid) / "comm").read_bytes()[:64]
    except OSError as error:
        return Unknown(reading.READ_ERROR, f"/proc/{pid}: {error.strerror}")
    return raw.decode("utf-8", "replace").strip()
