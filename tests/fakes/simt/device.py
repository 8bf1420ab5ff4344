"""Kernels on emulated threads, and a device of them."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path

from polarisd.bench.worker import host_build
from polarisd.bench.worker.device import Buffer
from polarisd.bench.worker.kernel_device import KernelDevice, Launch, source
from polarisd.bench.worker.processor import ProcessorDevice, host

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache"
_MAX_ARGUMENTS = 8


class SimtProblem(Exception):
    """The kernel does what a GPU does not define."""


class Simt:
    """A source, compiled once.  `name` sets builds apart that are made in turn."""

    def __init__(self, source: str, name: str = "simt") -> None:
        before, behind = ((HERE / part).read_text() for part in ("simt.h", "run.h"))
        whole = f'{before}\n#line 1 "kernels.cu"\n{source}\n{behind}'
        self._library = host_build.load(whole, CACHE / name).library
        self._library.simt_launch.restype = ctypes.c_char_p

    def launch(self, kernel: str, shape: Launch, arguments: Sequence[int]) -> None:
        words = (ctypes.c_uint64 * _MAX_ARGUMENTS)(*arguments)
        address = ctypes.cast(getattr(self._library, kernel), ctypes.c_void_p)
        problem = self._library.simt_launch(address, shape.blocks, shape.threads, words)
        if problem is not None:
            raise SimtProblem(f"{kernel}: {problem.decode()}")


@functools.cache
def _kernels() -> Simt:
    return Simt(source())


class SimtDevice(KernelDevice, ProcessorDevice):
    """Chooses its launches as for a GPU of so many multiprocessors, or as it is told."""

    backend = "simt"

    def __init__(self, multiprocessors: int, shape: Launch | None = None) -> None:
        self.multiprocessors = multiprocessors
        self._shape = shape
        self._simt = _kernels()

    def launch(self, kernel: str, shape: Launch, arguments: Sequence[int]) -> None:
        self._simt.launch(kernel, self._shape or shape, arguments)

    def zero(self, buffer: Buffer, nbytes: int) -> None:
        host(buffer).entries("i8", nbytes)[:] = 0
