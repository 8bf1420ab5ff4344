"""How often the worker runs a thing, and what it makes of the times."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.benchmark import TESTS
from polarisd.bench.worker import timing
from polarisd.bench.worker.timing import (
    FULL,
    QUICK,
    ClockStopped,
    Pace,
    measure,
    next_batch,
    settled,
    summary,
)

times = st.floats(1e-7, 1e3)
paces = st.builds(Pace, warm_s=times, measure_s=times, repeat_s=times)


class Device:
    """A thing that takes so long a run, slower while it is cold; its clock is the world's."""

    def __init__(self, run_s: float, *, cold_runs: int = 0, start_s: float = 0.0) -> None:
        self.now = start_s
        self.runs = 0
        self.batches: list[int] = []
        self._run_s = run_s
        self._cold_runs = cold_runs

    def run(self, count: int) -> float:
        took = 0.0
        for _ in range(count):
            took += self._run_s * (3 if self.runs < self._cold_runs else 1)
            self.runs += 1
        self.batches.append(count)
        self.now += took
        return took

    def clock(self) -> float:
        return self.now


@given(st.integers(1, 1 << 20), st.floats(0, 1e3), times)
def test_a_batch_grows_until_it_lasts_long_enough(
    count: int, took_s: float, repeat_s: float
) -> None:
    wanted = next_batch(count, took_s, repeat_s)
    assert wanted <= 1 << 20
    if took_s >= repeat_s or count == 1 << 20:
        assert wanted == count
    else:
        assert count < wanted <= max(16 * count, count + 1)


@given(times, times)
def test_a_batch_of_a_steady_thing_ends_near_what_a_repeat_is_to_last(
    run_s: float, repeat_s: float
) -> None:
    count = 1
    while (wanted := next_batch(count, count * run_s, repeat_s)) > count:
        count = wanted
    assert count * run_s >= repeat_s or count == 1 << 20
    assert count == 1 or (count - 1) * run_s <= repeat_s * 1.001 + run_s


@given(st.lists(times, max_size=2))
def test_two_times_are_never_settled(few: list[float]) -> None:
    assert not settled(few)


@given(st.lists(times), times, st.floats(0, 0.019), st.floats(0, 0.019))
def test_the_latest_three_decide(before: list[float], time: float, a: float, b: float) -> None:
    assert settled([*before, time, time * (1 + a), time * (1 + b)])
    assert not settled([*before, time, time * (1 + a), time * 1.05])


@given(st.lists(times, min_size=1, max_size=50), st.integers(1, 1000))
def test_a_summary_is_the_median_and_how_far_the_rest_is(found: list[float], batch: int) -> None:
    result = summary(found, batch)
    assert min(found) / batch <= result.run_s * 1.0000001
    assert result.run_s <= max(found) / batch * 1.0000001
    assert result.repeats == len(found)
    assert result.spread >= 0
    assert (result.spread == 0) == (min(found) == max(found))


@pytest.mark.parametrize("median", [0.0, -1.0, math.nan, math.inf])
def test_a_clock_that_stands_gives_no_rate(median: float) -> None:
    with pytest.raises(ClockStopped, match="by the device's own clock"):
        summary([median], 1)


@given(st.floats(1e-4, 10.0), st.sampled_from([QUICK, FULL]), st.floats(0, 1e9))
def test_a_steady_thing_is_measured_as_it_is_in_about_the_time_allowed(
    run_s: float, pace: Pace, start_s: float
) -> None:
    device = Device(run_s, start_s=start_s)
    ticks: list[float] = []
    result = measure(device.run, pace, ticks.append, device.clock)
    assert result.run_s == pytest.approx(run_s, rel=1e-6)
    assert result.spread == pytest.approx(0, abs=1e-6)
    assert timing.MIN_REPEATS <= result.repeats <= timing.MAX_REPEATS
    # One before, at most two to find the batch's size, three to settle, three repeats.
    least_s = 9 * max(run_s, 2 * pace.repeat_s)
    assert device.now - start_s <= max(least_s, pace.warm_s + pace.measure_s + least_s)
    assert all(0 <= share <= 1 for share in ticks)


@given(st.integers(1, 300))
def test_what_a_cold_device_does_does_not_count(cold_runs: int) -> None:
    device = Device(0.001, cold_runs=cold_runs)
    pace = Pace(warm_s=2.0, measure_s=0.5, repeat_s=0.01)
    result = measure(device.run, pace, lambda share: None, device.clock)
    assert result.run_s == pytest.approx(0.001)


def test_a_device_that_never_settles_is_measured_when_the_time_has_come() -> None:
    device = Device(0.001, cold_runs=10**9)
    lengths = iter(range(1, 10**6))

    def run(count: int) -> float:
        return device.run(count) * (1 + next(lengths) % 2)

    pace = Pace(warm_s=0.5, measure_s=0.5, repeat_s=0.01)
    result = measure(run, pace, lambda share: None, device.clock)
    assert result.spread > 0.3
    assert device.now < 2.0


def test_a_device_without_a_clock_ends_all_the_same() -> None:
    clock = iter(range(10**9))
    with pytest.raises(ClockStopped):
        measure(lambda count: 0.0, QUICK, lambda share: None, lambda: next(clock) * 1e-3)


def test_quick_and_full_take_some_3_and_30_seconds_for_all_tests() -> None:
    for pace, total_s in ((QUICK, 3), (FULL, 30)):
        assert 0.8 * total_s < len(TESTS) * (pace.warm_s + pace.measure_s) <= total_s
