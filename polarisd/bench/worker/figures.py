"""What a test of a GPU is given and what it gives.  For the tests, and for bench."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from polarisd.api.reading import NOT_SUPPORTED, Reading, Unknown
from polarisd.bench.worker.device import Device, DeviceInfo, Key
from polarisd.bench.worker.timing import Pace, Tick, Timing, measure

_NO_SPREAD = Unknown(NOT_SUPPORTED, "it was not repeated")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The unit of `value` is that of the test; `detail` says in words what was run."""

    value: Reading[float]
    detail: str
    repeats: int = 1
    spread: Reading[float] = _NO_SPREAD


@dataclass(frozen=True, slots=True)
class Setting:
    """What a test has: a device, what it is and how much of its time, and whom to tell."""

    device: Device
    info: DeviceInfo
    pace: Pace
    tick: Tick

    @property
    def on_gpu(self) -> bool:
        return self.device.backend == "cupy"

    def time(self, once: Callable[[], None]) -> Timing:
        """Measure a call by the device's own clock."""
        device = self.device

        def run(count: int) -> float:
            start = device.mark()
            for _ in range(count):
                once()
            return device.elapsed_s(start, device.mark())

        return measure(run, self.pace, self.tick)

    def free_bytes(self) -> int:
        """As of now."""
        return self.device.describe().free_bytes


Test = Callable[[Setting], Outcome]


def rate(amount: float, timing: Timing, detail: str) -> Outcome:
    """`amount` of something in each run, as so much a second."""
    return Outcome(amount / timing.run_s, detail, timing.repeats, timing.spread)


def nothing(reason: str, why: str) -> Outcome:
    """No figure, since there is none or it could not be had."""
    unknown = Unknown(reason, why)
    return Outcome(unknown, "", 0, unknown)


def not_supported(why: str) -> Outcome:
    return nothing(NOT_SUPPORTED, why)


def needs_gpu(setting: Setting) -> Outcome | None:
    """The outcome of a test that means nothing without one; None on a GPU."""
    return None if setting.on_gpu else not_supported("this ran on the processor, not on a GPU")


def new_key() -> Key:
    """Nothing left over in memory from an earlier run can be mistaken for this one's."""
    return secrets.randbits(64), secrets.randbits(64)


def below(limit: int, most: int) -> int:
    """The largest power of two that is neither above `limit` nor above `most`."""
    return min(1 << max(limit, 1).bit_length() - 1, most)
