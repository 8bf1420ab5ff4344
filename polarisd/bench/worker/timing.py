"""How often to run a thing, and what its times say.  Pure but for the clock it is handed.

A card that was idle is slow at first, so it is run until its times have settled; then
come the repeats, of which the median counts.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# What runs a thing `n` times on end and returns the seconds that all took.
Run = Callable[[int], float]
# Told the share of this measurement that is done, 0 to 1.
Tick = Callable[[float], None]

MIN_REPEATS = 3
MAX_REPEATS = 1000

# Three times in a row that differ by no more than this are settled.
_SETTLED_SPREAD = 0.02
_SETTLED_COUNT = 3
# However fast a thing is, or however coarse the clock.
_MAX_BATCH = 1 << 20
_MAX_GROWTH = 16


class ClockStopped(Exception):
    """By the device's own clock, no time went by: there is no rate."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one test may warm up and measure, and how long one repeat lasts at least."""

    warm_s: float
    measure_s: float
    repeat_s: float


# Some ten tests: 3 s and 30 s for all.
QUICK = Pace(warm_s=0.08, measure_s=0.14, repeat_s=0.01)
FULL = Pace(warm_s=1.0, measure_s=1.5, repeat_s=0.05)


@dataclass(frozen=True, slots=True)
class Timing:
    """The median time of one run; `spread` is (max - min) / median over `repeats`."""

    run_s: float
    spread: float
    repeats: int


def next_batch(count: int, took_s: float, repeat_s: float) -> int:
    """How many runs to do on end, when `count` took `took_s` and should take `repeat_s`."""
    if took_s >= repeat_s:
        return count
    wanted = count * _MAX_GROWTH
    if took_s > 0:
        wanted = min(wanted, math.ceil(count * min(repeat_s / took_s, _MAX_GROWTH)))
    return min(max(wanted, count + 1), _MAX_BATCH)


def settled(times_s: Sequence[float]) -> bool:
    """Whether the latest times are as good as equal."""
    latest = times_s[-_SETTLED_COUNT:]
    return len(latest) == _SETTLED_COUNT and max(latest) - min(latest) <= (
        _SETTLED_SPREAD * min(latest)
    )


def summary(times_s: Sequence[float], batch: int) -> Timing:
    """Of repeats with `batch` runs each.  Raises ClockStopped."""
    median = statistics.median(times_s)
    if not median > 0 or not math.isfinite(median):
        raise ClockStopped(f"{batch} runs took {median} s by the device's own clock")
    return Timing(median / batch, (max(times_s) - min(times_s)) / median, len(times_s))


def measure(
    run: Run, pace: Pace, tick: Tick, clock: Callable[[], float] = time.monotonic
) -> Timing:
    """Warm up, then repeat.  Raises ClockStopped, and what `run` raises."""
    begun = clock()
    total_s = pace.warm_s + pace.measure_s
    run(1)  # loads code and touches memory: no measure of anything
    batch, took_s = 1, run(1)
    while (wanted := next_batch(batch, took_s, pace.repeat_s)) > batch:
        batch = wanted
        took_s = run(batch)
    times_s = [took_s]
    while (warm_s := clock() - begun) < pace.warm_s:
        # Not before half of the time is over: a card stays slow for a while, and steadily.
        if settled(times_s) and warm_s >= pace.warm_s / 2:
            break
        times_s.append(run(batch))
        tick(min(1.0, (clock() - begun) / total_s))
    measured: list[float] = []
    start = clock()
    while len(measured) < MIN_REPEATS or (
        clock() - start < pace.measure_s and len(measured) < MAX_REPEATS
    ):
        measured.append(run(batch))
        tick(min(1.0, (pace.warm_s + clock() - start) / total_s))
    return summary(measured, batch)
