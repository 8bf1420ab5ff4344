"""Memory of a GPU, and host memory that it reaches by itself.  For cupy_device."""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker import demands
from polarisd.bench.worker.device import DTYPES, DeviceError, Kind


class Cuda(Protocol):
    """What cupy_device has of CuPy; `errors` turns CUDA's into DeviceErrors."""

    @property
    def cupy(self) -> Any: ...
    @property
    def runtime(self) -> Any: ...
    def errors(self) -> AbstractContextManager[None]: ...


class Allocation:
    """Bytes of the device; given back by `free`, or when nobody has them any more."""

    def __init__(self, cuda: Cuda, nbytes: int) -> None:
        self._cuda = cuda
        self.address = 0
        with cuda.errors():
            self.address = cuda.runtime.malloc(nbytes)

    def free(self) -> None:
        address, self.address = self.address, 0
        if address:
            with self._cuda.errors():
                self._cuda.runtime.free(address)

    def __del__(self) -> None:
        with suppress(DeviceError):  # of an earlier call, which has been told
            self.free()


class CudaBuffer:
    """A Buffer: a window on an allocation."""

    def __init__(self, memory: Allocation, kind: Kind, first_byte: int, count: int) -> None:
        self._memory = memory
        self._first_byte = first_byte
        self.kind: Kind = kind
        self.count = count
        self.nbytes = count * DTYPES[kind].itemsize

    @property
    def address(self) -> int:
        if not self._memory.address:
            raise ValueError("this buffer has been freed")
        return self._memory.address + self._first_byte

    def part(self, first: int, count: int) -> CudaBuffer:
        demands.for_part(first, count, self.count)
        first_byte = self._first_byte + first * DTYPES[self.kind].itemsize
        return CudaBuffer(self._memory, self.kind, first_byte, count)

    def free(self) -> None:
        self._memory.free()


class CudaPinned:
    """A Pinned."""

    def __init__(self, cuda: Cuda, nbytes: int) -> None:
        with cuda.errors():
            self._memory: Any = cuda.cupy.cuda.PinnedMemory(nbytes)
        self.nbytes = nbytes
        self.address: int = self._memory.ptr
        view = (ctypes.c_uint8 * nbytes).from_address(self.address)
        self.array: NDArray[np.uint8] = np.frombuffer(memoryview(view), np.uint8)

    def free(self) -> None:
        """`array` must not be used any more."""
        self._memory = None
