"""What the tests of the kernels share: devices, keys, buffers with a guard behind them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from polarisd.bench.worker.device import Array, Buffer, Device, Kind, Operand
from polarisd.bench.worker.host_device import HostDevice
from polarisd.bench.worker.numpy_device import NumpyDevice

# Shared by all tests and later runs, like the fake driver's.
CACHE = Path(__file__).parents[2] / ".cache" / "kernels"
GUARD = 8
_PATTERN = 0x5A

words = st.integers(0, (1 << 64) - 1)
# Those at the ends show what a carry, or a shift of the wrong kind, would spoil.
halves = st.one_of(words, st.sampled_from([0, 1, (1 << 63), (1 << 64) - 1]))
keys = st.tuples(halves, halves)
operands: st.SearchStrategy[Operand] = st.sampled_from(["bf16", "fp16", "int8"])
threads = st.integers(1, 5)


@functools.cache
def host_device(threads: int = 2) -> HostDevice:
    return HostDevice(CACHE, threads=threads)


def devices(threads: int) -> tuple[Device, ...]:
    return host_device(threads), NumpyDevice()


def guarded(device: Device, count: int, kind: Kind) -> Buffer:
    """A buffer of `count` entries and GUARD more, all of them garbage."""
    buffer = device.empty(count + GUARD, kind)
    garbage = np.full(buffer.nbytes, _PATTERN, np.uint8).view(device.to_host(buffer).dtype)
    device.copy(buffer, device.from_host(garbage), buffer.nbytes)
    return buffer


def contents(device: Device, buffer: Buffer) -> Array:
    """Without the guard, which must be as it was."""
    device.synchronize()
    whole = device.to_host(buffer)
    assert (whole[-GUARD:].view(np.uint8) == _PATTERN).all(), "written behind the end"
    return whole[:-GUARD]
