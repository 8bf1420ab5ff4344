"""What the two devices without a GPU have in common: memory, products, time.

Base of host_device and numpy_device.  Everything is done when the call returns, so a
mark is the time of day.  Imports numpy, device, demands and exact_product.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker import demands, exact_product
from polarisd.bench.worker.device import (
    DTYPES,
    OUT_OF_MEMORY,
    Array,
    Buffer,
    DeviceError,
    DeviceInfo,
    Kind,
    Mark,
    Pinned,
    Product,
)

# What vector loads like best, and one cache line.
_ALIGNMENT = 64


class HostBuffer:
    """Memory of this process.  `array` is flat."""

    def __init__(self, kind: Kind, array: Array) -> None:
        self.kind: Kind = kind
        self._array: Array | None = array

    @property
    def array(self) -> Array:
        if self._array is None:
            raise ValueError("this buffer has been freed")
        return self._array

    @property
    def count(self) -> int:
        return len(self.array)

    @property
    def nbytes(self) -> int:
        return int(self.array.nbytes)

    @property
    def address(self) -> int:
        return int(self.array.ctypes.data)

    def part(self, first: int, count: int) -> HostBuffer:
        demands.for_part(first, count, self.count)
        return HostBuffer(self.kind, self.array[first : first + count])

    def free(self) -> None:
        self._array = None

    def entries(self, kind: Kind, count: int) -> Array:
        """The first `count` entries, read as another kind."""
        dtype = DTYPES[kind]
        whole: Array = self.array.view(np.uint8)[: count * dtype.itemsize].view(dtype)
        return whole


class HostPinned:
    """Ordinary memory: a processor can reach all of it."""

    def __init__(self, nbytes: int) -> None:
        self._array: NDArray[np.uint8] | None = _aligned_bytes(nbytes)

    @property
    def array(self) -> NDArray[np.uint8]:
        if self._array is None:
            raise ValueError("this memory has been freed")
        return self._array

    @property
    def nbytes(self) -> int:
        return len(self.array)

    def free(self) -> None:
        self._array = None


class HostMark:
    """A point in time."""

    def __init__(self) -> None:
        self.at_s = time.perf_counter()


class ProcessorDevice:
    """Backend and versions are told by whoever derives from it."""

    backend = ""

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}

    def describe(self) -> DeviceInfo:
        memory = _memory_bytes()
        return DeviceInfo(
            name=processor_name(),
            uuid="",
            total_bytes=memory["MemTotal"],
            free_bytes=memory["MemAvailable"],
            compute_capability="",
            multiprocessors=processors(),
            versions=self.versions(),
        )

    def empty(self, count: int, kind: Kind) -> HostBuffer:
        demands.for_empty(count, kind)
        return HostBuffer(kind, _aligned_bytes(count * DTYPES[kind].itemsize).view(DTYPES[kind]))

    def from_host(self, array: Array) -> HostBuffer:
        buffer = self.empty(array.size, demands.kind_of(array))
        buffer.array[:] = array.reshape(-1)
        return buffer

    def to_host(self, buffer: Buffer) -> Array:
        copied: Array = host(buffer).array.copy()
        return copied

    def gemm(
        self, operand: Product, a: Buffer, bt: Buffer, c: Buffer, rows: int, n: int, k: int
    ) -> None:
        demands.for_gemm(operand, a, bt, c, rows, n, k)
        left = host(a).entries(a.kind, rows * k).reshape(rows, k)
        right = host(bt).entries(bt.kind, n * k).reshape(n, k)
        out = host(c).entries(c.kind, rows * n).reshape(rows, n)
        if operand == "fp32" or operand == "tf32":
            np.matmul(left, right.T, out=out)
        else:
            exact_product.multiply(operand, left, right, out)

    def copy(self, dst: Buffer, src: Buffer, nbytes: int) -> None:
        demands.for_copy(dst, src, nbytes)
        host(dst).entries("i8", nbytes)[:] = host(src).entries("i8", nbytes)

    def pinned(self, nbytes: int) -> HostPinned:
        return HostPinned(nbytes)

    def upload(self, pinned: Pinned, dst: Buffer, nbytes: int) -> None:
        demands.for_transfer(pinned, dst, nbytes)
        host(dst).entries("i8", nbytes)[:] = pinned.array[:nbytes].view(np.int8)

    def download(self, src: Buffer, pinned: Pinned, nbytes: int) -> None:
        demands.for_transfer(src, pinned, nbytes)
        pinned.array[:nbytes] = host(src).entries("i8", nbytes).view(np.uint8)

    def mark(self) -> HostMark:
        return HostMark()

    def wait(self, mark: Mark) -> None:
        assert isinstance(mark, HostMark)

    def elapsed_s(self, start: Mark, end: Mark) -> float:
        assert isinstance(start, HostMark) and isinstance(end, HostMark)
        return end.at_s - start.at_s

    def synchronize(self) -> None:
        """Every call has ended already."""


def host(buffer: Buffer) -> HostBuffer:
    assert isinstance(buffer, HostBuffer), "a buffer of another device"
    return buffer


def processors() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0))


def processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _aligned_bytes(nbytes: int) -> NDArray[np.uint8]:
    """Refused where memory is short: what is merely reserved ends the process later."""
    available = _memory_bytes()["MemAvailable"]
    if nbytes > available:
        raise DeviceError(
            OUT_OF_MEMORY,
            f"cannot allocate {nbytes} bytes: {available} are available",
            "end what else uses memory, or ask for less",
        )
    whole = np.empty(nbytes + _ALIGNMENT, np.uint8)
    skip = -whole.ctypes.data % _ALIGNMENT
    return whole[skip : skip + nbytes]


def _memory_bytes() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(rest.split()[0]) * 1024 for name, rest in pairs}
