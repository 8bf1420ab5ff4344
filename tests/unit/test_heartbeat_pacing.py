"""When a validator gets its next heartbeat, whatever it says and however often it fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polarisd.heartbeat.pacing import (
    JITTER,
    MAX_PAUSE_S,
    Pace,
    answered,
    failed,
    to_next_beat_s,
)

INTERVAL_S = 30.0
CHANCES = st.floats(0, 1)


@given(CHANCES, st.floats(5, 300))
def test_beats_keep_off_the_interval_by_their_jitter_at_most(
    chance: float, interval_s: float
) -> None:
    assert abs(to_next_beat_s(interval_s, chance) - interval_s) <= JITTER * interval_s * 1.001


@given(CHANCES, st.floats(0, INTERVAL_S))
def test_who_answers_is_due_at_each_regular_beat_and_not_before(
    chance: float, next_beat_s: float
) -> None:
    pace = answered(100.0, INTERVAL_S, next_beat_s)
    assert pace.is_due(100.0 + to_next_beat_s(INTERVAL_S, chance))
    assert not pace.is_due(105.0)
    assert pace.is_due(105.0, hurried=True)


def test_a_validator_may_want_fewer_but_never_none() -> None:
    assert answered(0.0, INTERVAL_S, 120.0).due_at == 120.0
    assert answered(0.0, INTERVAL_S, 1e9).due_at == MAX_PAUSE_S


@given(st.lists(st.tuples(CHANCES, st.none() | st.floats(0, 1e9)), max_size=40))
def test_pauses_grow_are_bounded_and_end_with_the_first_answer(
    failures: list[tuple[float, float | None]],
) -> None:
    pace, now = Pace(), 0.0
    for count, (chance, retry_after_s) in enumerate(failures, 1):
        pace = failed(pace, now, INTERVAL_S, retry_after_s, chance)
        wait_s = pace.due_at - now
        assert pace.failures == count
        assert 0 < wait_s <= MAX_PAUSE_S + 1e-6
        assert wait_s >= min(retry_after_s or 0.0, MAX_PAUSE_S) - 1e-6
        if count > 6:
            assert wait_s >= MAX_PAUSE_S / 2 - 1e-6
        now = pace.due_at
    assert answered(now, INTERVAL_S, 0.0).failures == 0


def test_the_first_failure_costs_no_beat() -> None:
    assert failed(Pace(), 0.0, INTERVAL_S, None, 1.0).is_due((1 - JITTER) * INTERVAL_S)
    assert not failed(Pace(failures=1), 0.0, INTERVAL_S, None, 0.0).is_due(29.0)


def test_nothing_hurries_past_a_pause_that_was_asked_for() -> None:
    for retry_after_s, due in ((None, True), (60.0, False)):
        pace = failed(Pace(failures=9), 0.0, INTERVAL_S, retry_after_s, 1.0)
        assert not pace.is_due(40.0)
        assert pace.is_due(40.0, hurried=True) is due
