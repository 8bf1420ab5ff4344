"""How long a node is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.backoff import ASKED_AWAY, AT_ONCE, SLOWLY, Pace, wait_s
from polarisd.chain.failures import CATALOGUE, fail

PACE = Pace()
CODES = st.sampled_from(sorted(CATALOGUE))
CHANCES = st.floats(0.0, 1.0)


def test_the_codes_are_of_the_catalogue() -> None:
    assert set(CATALOGUE) >= ASKED_AWAY | AT_ONCE | SLOWLY


@given(CODES, st.integers(1, 10_000), CHANCES)
def test_there_are_no_hot_loops_and_no_eternities(code: str, failures: int, chance: float) -> None:
    wait = wait_s(fail(code), failures, chance, PACE)
    assert wait <= 3 * 3600.0
    if failures > 1 or code not in AT_ONCE:
        assert wait >= 0.5 * PACE.first_s


@given(CODES, st.integers(1, 100), CHANCES)
def test_it_never_gets_shorter(code: str, failures: int, chance: float) -> None:
    now, later = (wait_s(fail(code), n, chance, PACE) for n in (failures, failures + 1))
    assert now <= later


@given(st.floats(0.0, 86_400.0), st.integers(1, 100), CHANCES)
def test_who_asks_to_be_left_alone_is(asked_s: float, failures: int, chance: float) -> None:
    asked = fail("node_rate_limited", retry_after_s=asked_s)
    assert wait_s(asked, failures, chance, PACE) >= asked_s


def test_a_node_that_keeps_refusing_is_asked_less_than_once_an_hour() -> None:
    assert wait_s(fail("node_rate_limited"), 1, 0.0, PACE) == 60.0
    assert wait_s(fail("node_rate_limited"), 8, 0.0, PACE) >= 3600.0
    assert wait_s(fail("node_refuses"), 8, 0.0, PACE) >= 3600.0


@pytest.mark.parametrize(("failures", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (20, 60.0)])
def test_others_are_tried_again_soon(failures: int, most: float) -> None:
    waits = [wait_s(fail("unreachable"), failures, chance, PACE) for chance in (0.0, 0.5, 1.0)]
    assert waits == [0.5 * most, 0.75 * most, most]


def test_an_upgrade_of_the_chain_is_no_fault_of_the_node() -> None:
    assert wait_s(fail("runtime_changed"), 1, 0.9, PACE) == 0.0
    assert wait_s(fail("runtime_changed"), 2, 0.9, PACE) > 0.0
