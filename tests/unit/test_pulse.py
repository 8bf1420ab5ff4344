"""What is periodic wakes together."""

from __future__ import annotations

import math

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from polarisd.pulse import next_due, sleep_to_next

NOW = st.floats(min_value=0, max_value=1e7)
INTERVAL_S = st.sampled_from((0.1, 0.25, 0.3, 1.0, 5.0, 60.0))


@given(NOW, INTERVAL_S)
def test_the_next_time_is_a_multiple_half_to_one_and_a_half_intervals_away(
    last: float, interval_s: float
) -> None:
    due = next_due(last, last, interval_s)
    multiple = due / interval_s
    assert abs(multiple - round(multiple)) < 1e-6
    assert 0.499 * interval_s < due - last < 1.501 * interval_s


@given(st.integers(0, 10**7), INTERVAL_S, st.floats(0, 0.4))
def test_a_late_wake_does_not_move_the_next(number: int, interval_s: float, late: float) -> None:
    last = (number + late) * interval_s
    due = next_due(last, last, interval_s)
    assert abs(due - (number + 1) * interval_s) < 1e-6 * interval_s + 1e-9 * due


@given(NOW, st.floats(0, 1e4), INTERVAL_S)
def test_what_was_missed_is_skipped(last: float, took_s: float, interval_s: float) -> None:
    now = last + took_s
    due = next_due(last, now, interval_s)
    assert now < due or math.isclose(now, due)
    assert due - now < 1.501 * interval_s


def test_by_example() -> None:
    assert next_due(10.003, 10.2, 1.0) == 11.0
    assert next_due(10.003, 14.2, 1.0) == 15.0
    assert next_due(10.7, 10.8, 1.0) == 12.0


async def test_tasks_of_one_interval_wake_at_one_instant(
    autojump_clock: trio.testing.MockClock,
) -> None:
    woken: list[float] = []

    async def periodic(first_s: float) -> None:
        await trio.sleep(first_s)
        for _ in range(3):
            await sleep_to_next(1.0)
            woken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for first_s in (0.1, 0.45, 0.9):
            nursery.start_soon(periodic, first_s)
    assert sorted(woken) == [1, 1, 2, 2, 2, 3, 3, 3, 4]
