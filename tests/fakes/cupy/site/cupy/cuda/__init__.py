"""cupy.cuda: devices, events and pinned memory."""

from __future__ import annotations

import mmap
import time
from ctypes import addressof, c_char

from cupy._machine import MACHINE

from . import compiler

__all__ = ["Device", "Event", "PinnedMemory", "compiler", "get_elapsed_time"]


class Device:
    def __init__(self, device: int | None = None) -> None:
        self.id = device or 0

    @property
    def attributes(self) -> dict[str, int]:
        MACHINE.check()
        return {"MultiProcessorCount": 1}

    @property
    def cublas_handle(self) -> int:
        MACHINE.check()
        return 0xB1A5


class Event:
    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        MACHINE.check()
        self.at: float | None = None

    def record(self, stream: None = None) -> None:
        MACHINE.check()
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        MACHINE.wait()


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    MACHINE.wait()
    assert start_event.at is not None and end_event.at is not None
    return (end_event.at - start_event.at) * 1000


class PinnedMemory:
    def __init__(self, size: int, flags: int = 0) -> None:
        MACHINE.check()
        self._memory = mmap.mmap(-1, size)
        self.ptr = addressof(c_char.from_buffer(self._memory))
        self.size = size
