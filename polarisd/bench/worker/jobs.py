"""What the daemon asks for, on what it asks for.  For main; here NumPy is known to be there.

A job is one frame; what comes of it are frames, the last of them `done`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polarisd.api.benchmark import BACKENDS, CUPY, HOST, TESTS
from polarisd.bench.worker import bench, check, prove
from polarisd.bench.worker.cupy_device import CupyDevice
from polarisd.bench.worker.device import Device
from polarisd.bench.worker.frames import Reader, Writer
from polarisd.bench.worker.host_device import HostDevice
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.proof.messages import HOTKEY_BYTES

_BENCH, _CHECK, _PROVE = "bench", "check", "prove"


class BadJob(Exception):
    """The text says what is wrong with what was asked for."""


@dataclass(frozen=True, slots=True)
class Job:
    """`gpu_uuid` is empty when the environment has chosen the GPU already; whoever proves
    does so for one `hotkey` and `slot`."""

    job: str
    backend: str
    gpu_uuid: str
    quick: bool
    tests: tuple[str, ...]
    hotkey: bytes = b""
    slot: int = 0


def parse(frame: dict[str, Any]) -> Job:
    """Raises BadJob.  No tests means all of them."""
    job, backend = frame.get("job"), frame.get("backend")
    gpu_uuid, quick = frame.get("gpu_uuid", ""), frame.get("quick", False)
    tests = frame.get("tests") or list(TESTS)
    if job not in (_BENCH, _CHECK, _PROVE):
        raise BadJob(f"there is no job {job!r:.40}")
    if backend not in BACKENDS:
        raise BadJob(f"there is no backend {backend!r:.40}")
    if not isinstance(gpu_uuid, str) or not isinstance(quick, bool):
        raise BadJob("gpu_uuid is not text, or quick neither true nor false")
    if not isinstance(tests, list) or not all(test in TESTS for test in tests):
        raise BadJob(f"there are no such tests: {tests!r:.80}")
    hotkey, slot = frame.get("hotkey", b""), frame.get("slot", 0)
    if not isinstance(hotkey, bytes) or (job == _PROVE and len(hotkey) != HOTKEY_BYTES):
        raise BadJob("hotkey is not 32 bytes")
    if type(slot) is not int:
        raise BadJob("slot is no number")
    chosen = tuple(t for t in TESTS if t in tests)
    return Job(job, backend, gpu_uuid, quick, chosen, hotkey, slot)


def run(job: Job, reader: Reader, writer: Writer) -> None:
    """All of a job but its last frame.  Raises DeviceError, EndOfInput."""
    if job.gpu_uuid:
        os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu_uuid
    device = _open(job.backend)
    writer.send(_hello(device))
    if job.job == _BENCH:
        bench.run(device, job.tests, quick=job.quick, send=writer.send)
    elif job.job == _CHECK:
        check.verify(device)
    else:
        prove.run(device, reader, writer, job.hotkey, job.slot)


def _open(backend: str) -> Device:
    if backend == CUPY:
        return CupyDevice()
    if backend == HOST:
        return HostDevice(_cache())
    return NumpyDevice()


def _cache() -> Path | None:
    """Where systemd lets us keep what was built; without it, nothing is kept."""
    first = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None


def _hello(device: Device) -> dict[str, object]:
    info = device.describe()
    return {
        "kind": "hello",
        "pid": os.getpid(),
        "backend": device.backend,
        "device": {
            "name": info.name,
            "uuid": info.uuid,
            "total_bytes": info.total_bytes,
            "compute_capability": info.compute_capability,
        },
        "versions": info.versions,
    }
