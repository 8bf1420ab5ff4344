"""The job "bench": each test in its turn, its figure told as soon as it is there.

A test that fails has a figure that says so, and the next one runs, unless the device is
of no use any more.  For jobs; the tests themselves are in modules by topic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from polarisd.api.encode import to_wire
from polarisd.api.reading import ERROR, NOT_SUPPORTED
from polarisd.bench.worker import (
    capacity,
    check,
    int_rate,
    memory,
    products,
    proof_rate,
    transfers,
)
from polarisd.bench.worker import device as devices
from polarisd.bench.worker.device import Device, DeviceError
from polarisd.bench.worker.figures import Outcome, Setting, Test, nothing
from polarisd.bench.worker.timing import FULL, QUICK, ClockStopped

Send = Callable[[Mapping[str, object]], None]

# Between two frames that tell how far a test is.
_PROGRESS_S = 0.1


# Each test: its unit, and what runs it.
TESTS: dict[str, tuple[str, Test]] = {
    "gemm_bf16": ("op/s", products.test_of("bf16")),
    "gemm_fp16": ("op/s", products.test_of("fp16")),
    "gemm_int8": ("op/s", products.test_of("int8")),
    "gemm_tf32": ("op/s", products.test_of("tf32")),
    "gemm_fp32": ("op/s", products.test_of("fp32")),
    "memory_copy": ("byte/s", memory.copy),
    "memory_read": ("byte/s", memory.read),
    "h2d_pinned": ("byte/s", transfers.h2d),
    "d2h_pinned": ("byte/s", transfers.d2h),
    "vram_capacity": ("byte", capacity.measure),
    "int32_rate": ("op/s", int_rate.measure),
    "proof_compute": ("op/s", proof_rate.measure),
}


def run(device: Device, tests: Sequence[str], *, quick: bool, send: Send) -> None:
    """Raises DeviceError when the device is of no use any more, or computes wrongly."""
    check.verify(device)
    for number, test in enumerate(tests):
        progress = Progress(test, number, len(tests), send)
        progress(0.0)
        started = time.monotonic()
        pace = QUICK if quick else FULL
        setting = Setting(device, device.describe(), pace, progress)
        outcome = attempt(TESTS[test][1], setting)
        send(_figure(test, outcome, started, time.monotonic()))


def attempt(test: Test, setting: Setting) -> Outcome:
    """What a test gives, or why it gives nothing."""
    try:
        return test(setting)
    except DeviceError as error:
        if error.code == devices.WRONG_ANSWER:
            raise
        reason = NOT_SUPPORTED if error.code == devices.NOT_SUPPORTED else ERROR
        outcome = nothing(reason, error.message)
    except MemoryError:
        outcome = nothing(ERROR, "the host has too little memory for it")
    except ClockStopped as error:
        outcome = nothing(ERROR, str(error))
    # After an error of the kind that stays, this raises it again.
    setting.device.synchronize()
    return outcome


def _figure(test: str, outcome: Outcome, started: float, ended: float) -> dict[str, object]:
    now = time.monotonic()
    return {
        "kind": "figure",
        "test": test,
        "value": to_wire(outcome.value),
        "unit": TESTS[test][0],
        "repeats": outcome.repeats,
        "spread": to_wire(outcome.spread),
        "seconds_ago_started": now - started,
        "seconds_ago_ended": now - ended,
        "detail": outcome.detail,
    }


class Progress:
    """Tells how far the whole is, and not too often."""

    def __init__(self, test: str, number: int, count: int, send: Send) -> None:
        self._test = test
        self._number = number
        self._count = count
        self._send = send
        self._told_at = float("-inf")

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._told_at < _PROGRESS_S:
            return
        self._told_at = now
        whole = (self._number + min(max(share, 0.0), 1.0)) / self._count
        self._send({"kind": "progress", "test": self._test, "share": whole})
