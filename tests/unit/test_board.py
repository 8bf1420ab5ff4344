"""Signs to faults: patience, "cannot tell", order, and what withholds a GPU."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.snapshot import Fault
from polarisd.health.board import Board, Sign, update
from polarisd.health.catalogue import CATALOGUE, SEVERITIES
from tests.unit.build import uuid_of

A, B = uuid_of(0), uuid_of(1)
PATIENT = "throttled_hw_thermal"
PATIENCE_S = CATALOGUE[PATIENT].visible_after_s
HOT = {"temperature": "90 °C"}
AT_ONCE = "row_remap_failed"


class Observer:
    """A board, and every fault that was raised or cleared on it."""

    def __init__(self) -> None:
        self.board = Board()
        self.told: list[tuple[float, str, str]] = []

    def see(self, now: float, *signs: Sign) -> tuple[Fault, ...]:
        self.board, change = update(self.board, signs, now)
        self.told += [(now, "raised", fault.code) for fault in change.raised]
        self.told += [(now, "cleared", fault.code) for fault in change.cleared]
        return self.board.faults


def hot(holds: bool | None = True, uuid: str = A) -> Sign:
    return Sign(PATIENT, uuid, holds=holds, facts=HOT)


def test_a_sign_without_patience_is_a_fault_at_once() -> None:
    seen = Observer()
    (fault,) = seen.see(100, Sign(AT_ONCE, A))
    assert (fault.code, fault.severity, fault.gpu_uuid, fault.since_at) == (
        AT_ONCE,
        "error",
        A,
        100,
    )
    assert seen.see(101) == ()
    assert seen.told == [(100, "raised", AT_ONCE), (101, "cleared", AT_ONCE)]


def test_a_fault_is_told_once_however_long_it_lasts() -> None:
    seen = Observer()
    for now in range(10):
        seen.see(now, Sign(AT_ONCE, A))
    assert seen.told == [(0, "raised", AT_ONCE)]


def test_a_patient_fault_shows_when_its_sign_has_held_long_enough() -> None:
    seen = Observer()
    assert seen.see(100, hot()) == ()
    assert seen.see(100 + PATIENCE_S - 0.1, hot()) == ()
    (fault,) = seen.see(100 + PATIENCE_S, hot())
    assert fault.since_at == 100
    assert seen.told == [(100 + PATIENCE_S, "raised", PATIENT)]


def test_a_sign_that_comes_and_goes_is_no_fault() -> None:
    seen = Observer()
    for now in range(0, 100, 4):
        seen.see(now, hot())
        seen.see(now + 2)
    assert seen.told == []


# Cannot tell.


def test_cannot_tell_raises_nothing() -> None:
    seen = Observer()
    for now in range(0, 1000, 10):
        assert seen.see(now, hot(None), Sign(AT_ONCE, A, holds=None)) == ()
    assert seen.told == []


def test_cannot_tell_clears_nothing_and_only_the_contrary_does() -> None:
    seen = Observer()
    (fault,) = seen.see(0, Sign(AT_ONCE, A))
    for now in range(1, 1000, 10):
        assert seen.see(now, Sign(AT_ONCE, A, holds=None)) == (fault,)
    seen.see(1000)
    assert seen.told == [(0, "raised", AT_ONCE), (1000, "cleared", AT_ONCE)]


def test_cannot_tell_does_not_make_what_waits_visible() -> None:
    seen = Observer()
    seen.see(0, hot())
    for now in range(1, 100):
        assert seen.see(now, hot(None)) == ()
    (fault,) = seen.see(100, hot())  # it holds again, and nothing said that it had ended
    assert fault.since_at == 0


def test_what_a_fault_says_stays_while_it_cannot_be_told() -> None:
    seen = Observer()
    seen.see(0, hot())
    (before,) = seen.see(PATIENCE_S, hot())
    assert seen.see(50, Sign(PATIENT, A, holds=None)) == (before,)


holdings = st.lists(st.sampled_from([True, None, False]), max_size=30)


@given(holdings, st.sampled_from([AT_ONCE, PATIENT]))
def test_whatever_is_seen_each_rule_holds(holds: list[bool | None], code: str) -> None:
    """False stands for no sign at all; one look a second."""
    seen = Observer()
    visible_before, true_since = False, None
    for now, hold in enumerate(holds):
        faults = seen.see(now, *([] if hold is False else [Sign(code, A, "", hold, HOT)]))
        if hold is False:
            true_since = None
        elif hold and true_since is None:
            true_since = now
        if hold is None:
            assert bool(faults) == visible_before
        elif hold:
            assert true_since is not None
            assert bool(faults) == (now - true_since >= CATALOGUE[code].visible_after_s)
            assert all(fault.since_at == true_since for fault in faults)
        else:
            assert faults == ()
        visible_before = bool(faults)
    kinds = [kind for _, kind, _ in seen.told]
    assert kinds == [("raised", "cleared")[i % 2] for i in range(len(kinds))]


def test_a_clock_that_is_set_back_puts_nothing_off() -> None:
    seen = Observer()
    seen.see(10_000, hot())
    seen.see(100, hot())
    (fault,) = seen.see(100 + PATIENCE_S, hot())
    assert fault.since_at == 100


# Several at once.


def test_gpus_and_keys_are_told_apart() -> None:
    seen = Observer()
    facts = {"path": "/", "free_gb": 1.0}
    signs = [
        Sign(AT_ONCE, A),
        Sign(AT_ONCE, B),
        Sign("disk_low", key="/", facts=facts),
        Sign("disk_low", key="/var", facts={**facts, "path": "/var"}),
    ]
    assert len(seen.see(0, *signs)) == 4
    assert len(seen.see(1, *signs[1:])) == 3
    assert seen.told[-1] == (1, "cleared", AT_ONCE)


CODES = {"error": AT_ONCE, "warning": "row_remap_pending", "notice": "mig_mode_pending"}


@given(st.permutations([(s, u, t) for s in SEVERITIES for u in (A, B) for t in (0, 5)]))
def test_the_worst_comes_first_and_of_those_the_oldest(
    order: list[tuple[str, str, int]],
) -> None:
    board = Board()
    raised: list[Sign] = []
    for at in (0, 5):
        raised += [Sign(CODES[s], u, key=str(t)) for s, u, t in order if t == at]
        board, _ = update(board, raised, at)
    rows = [(SEVERITIES.index(f.severity), f.since_at, f.gpu_uuid) for f in board.faults]
    assert len(rows) == len(order)
    assert rows == sorted(rows)


def test_errors_of_a_gpu_withhold_it_and_nothing_else_does() -> None:
    signs: Iterable[Sign] = [
        Sign(AT_ONCE, A),
        Sign("gpu_lost", A),
        Sign("gpu_lost", A, key="again"),
        Sign("row_remap_pending", A),
        Sign("mig_mode_pending", A),
        Sign("no_gpus"),
        Sign("row_remap_pending", B),
    ]
    board, _ = update(Board(), signs, 0)
    assert board.withheld_by(A) == ("gpu_lost", AT_ONCE)
    assert board.withheld_by(B) == ()


def test_a_fault_that_waits_to_be_seen_withholds_nothing() -> None:
    board, _ = update(Board(), [Sign("gpu_silent", A)], 0)
    assert board.withheld_by(A) == ()


def test_a_remedy_names_the_gpu_even_where_it_comes_from_the_facts() -> None:
    facts = {"action": "reset", "remedy": "reset {uuid}"}
    (fault,) = Observer().see(0, Sign("recovery_needed", A, facts=facts))
    assert fault.remedy == f"reset {A}"


def test_braces_in_what_the_driver_says_are_only_text() -> None:
    (fault,) = Observer().see(0, Sign("driver_failed", facts={"detail": "{x} {0.real} {"}))
    assert fault.text.endswith("{x} {0.real} {")


def test_a_sign_that_nobody_declared_is_a_bug() -> None:
    with pytest.raises(KeyError):
        update(Board(), [Sign("gpu_on_fire")], 0)
