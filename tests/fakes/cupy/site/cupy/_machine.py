"""The fake GPU: its script, its memory, and what has befallen it."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import time
from typing import Any

_GUARD = b"\xc3" * 64
_JUNK = b"\xa5"
_DEFAULT_BYTES = 160 << 20
_DEFAULT_UUID = "0123456789abcdef" * 2

_TEXTS = {
    1: "cudaErrorInvalidValue: invalid argument",
    2: "cudaErrorMemoryAllocation: out of memory",
    35: "cudaErrorInsufficientDriver: CUDA driver version is insufficient",
    100: "cudaErrorNoDevice: no CUDA-capable device is detected",
    700: "cudaErrorIllegalAddress: an illegal memory access was encountered",
    701: "cudaErrorLaunchOutOfResources: too many resources requested for launch",
    719: "cudaErrorLaunchFailure: unspecified launch failure",
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_TEXTS.get(status, f"cudaError {status}"))


class CUDADriverError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_TEXTS.get(status, f"CUDA_ERROR {status}"))


class Machine:
    def __init__(self) -> None:
        self.script: dict[str, Any] = json.loads(os.environ.get("FAKE_CUPY", "{}"))
        self.total_bytes = int(self.script.get("memory_bytes", _DEFAULT_BYTES))
        self.driver = int(self.script.get("driver", 13000))
        self.capability = tuple(self.script.get("capability", (9, 0)))
        self.devices = int(self.script.get("devices", 1))
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible == "":
            self.devices = 0
        named = (visible or "").removeprefix("GPU-").replace("-", "")
        self.uuid = str(self.script.get("uuid", named if len(named) == 32 else _DEFAULT_UUID))
        self._used_bytes = int(self.script.get("used_bytes", 0))
        self._memory: dict[int, tuple[int, mmap.mmap]] = {}
        self._largest: tuple[int, mmap.mmap] | None = None
        self._launches = 0
        self._status = 0
        self._hangs = False
        if self.script.get("chatter"):
            print("hello from the fake CuPy")  # noqa: T201
            os.write(1, b"\xc1 bytes from the fake libcuda\n")

    @property
    def free_bytes(self) -> int:
        return self.total_bytes - self._used_bytes

    def check(self) -> None:
        """At the start of every call: what has gone wrong before is told from now on."""
        if self.driver < 12000:
            raise CUDARuntimeError(35)
        if self.devices == 0:
            raise CUDARuntimeError(100)
        if self._status:
            raise CUDARuntimeError(self._status)

    def wait(self) -> None:
        """At each call that waits for the GPU."""
        while self._hangs:
            time.sleep(3600)
        self.check()

    def launch(self) -> None:
        self._launches += 1
        if self.script.get("illegal_launch") == self._launches:
            self._status = 700
        if self.script.get("hang_launch") == self._launches:
            self._hangs = True
        if self.script.get("chatter"):
            os.write(1, b"\x93 a launch\n")

    def break_down(self, status: int) -> None:
        self._status = status

    def allocate(self, nbytes: int) -> int:
        self.check()
        limit = min(self.total_bytes, int(self.script.get("oom_at_bytes", self.total_bytes)))
        if self._used_bytes + nbytes > limit:
            raise CUDARuntimeError(2)
        aliased = self.script.get("aliased")
        if aliased and self._used_bytes > aliased and self._largest and self._largest[0] >= nbytes:
            memory = self._largest[1]
        else:
            memory = mmap.mmap(-1, nbytes + len(_GUARD))
            memory.write(_JUNK * min(nbytes, 1 << 20))
            memory[nbytes:] = _GUARD
            if self._largest is None or nbytes > self._largest[0]:
                self._largest = (nbytes, memory)
        self._used_bytes += nbytes
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self._memory[address] = (nbytes, memory)
        return address

    def release(self, address: int) -> None:
        self.check()
        if address == 0:
            return
        if address not in self._memory:
            raise CUDARuntimeError(1)
        nbytes, memory = self._memory.pop(address)
        self._used_bytes -= nbytes
        if memory[-len(_GUARD) :] != _GUARD:
            self.break_down(700)
            self.check()


MACHINE = Machine()
