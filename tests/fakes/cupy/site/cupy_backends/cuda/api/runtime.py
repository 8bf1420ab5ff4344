"""The fake CUDA runtime."""

from __future__ import annotations

import ctypes

from cupy._machine import MACHINE, CUDARuntimeError

__all__ = ["CUDARuntimeError"]

memcpyHostToDevice = 1
memcpyDeviceToHost = 2
memcpyDeviceToDevice = 3


def driverGetVersion() -> int:
    return int(MACHINE.driver)


def runtimeGetVersion() -> int:
    return 12090


def getDeviceCount() -> int:
    MACHINE.check()
    return 1


def setDevice(device: int) -> None:
    MACHINE.check()


def getDeviceProperties(device: int) -> dict[str, object]:
    MACHINE.check()
    major, minor = MACHINE.capability
    return {
        "name": str(MACHINE.script.get("name", "Fake H100")).encode(),
        "uuid": bytes.fromhex(MACHINE.uuid),
        "major": major,
        "minor": minor,
    }


def memGetInfo() -> tuple[int, int]:
    MACHINE.check()
    return MACHINE.free_bytes, MACHINE.total_bytes


def malloc(size: int) -> int:
    return int(MACHINE.allocate(size))


def free(ptr: int) -> None:
    MACHINE.release(ptr)


def memsetAsync(ptr: int, value: int, size: int, stream: int) -> None:
    MACHINE.check()
    ctypes.memset(ptr, value, size)


def memcpy(dst: int, src: int, size: int, kind: int) -> None:
    MACHINE.wait()
    ctypes.memmove(dst, src, size)


def memcpyAsync(dst: int, src: int, size: int, kind: int, stream: int) -> None:
    MACHINE.check()
    ctypes.memmove(dst, src, size)


def deviceSynchronize() -> None:
    MACHINE.wait()
