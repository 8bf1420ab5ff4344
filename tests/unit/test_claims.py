"""Claims on GPUs: all or none, told at once, given back whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.claims import Claim, Claims, Taken

MINE, YOURS = Claim("benchmark 7", "benchmark_running"), Claim("lease 3", "leased")


class Told:
    """Every state that was told of."""

    def __init__(self) -> None:
        self.states: list[dict[str, Claim]] = []

    def __call__(self, claims: Mapping[str, Claim]) -> None:
        self.states.append(dict(claims))


def test_what_is_held_is_told_and_given_back() -> None:
    told = Told()
    claims = Claims(told)
    with claims.held(["a", "b"], MINE):
        assert (claims.of("a"), claims.of("b"), claims.of("c")) == (MINE, MINE, None)
        with claims.held(["c"], YOURS):
            assert claims.of("c") == YOURS
        assert claims.of("c") is None
    assert claims.of("a") is None
    both = {"a": MINE, "b": MINE}
    assert told.states == [both, {**both, "c": YOURS}, both, {}]


def test_all_or_none() -> None:
    told = Told()
    claims = Claims(told)
    with claims.held(["b"], YOURS):
        with pytest.raises(Taken) as taken, claims.held(["a", "b"], MINE):
            raise AssertionError("it was given")
        assert (taken.value.gpu_uuid, taken.value.claim) == ("b", YOURS)
        assert str(taken.value) == "b is taken by lease 3"
        assert claims.of("a") is None
        assert claims.of("b") == YOURS
    assert len(told.states) == 2


def test_given_back_after_an_error() -> None:
    claims = Claims(Told())
    with pytest.raises(ZeroDivisionError), claims.held(["a"], MINE):
        raise ZeroDivisionError
    assert claims.of("a") is None


def test_to_hold_nothing_changes_nothing() -> None:
    told = Told()
    with Claims(told).held([], MINE):
        pass
    assert told.states == []


uuids = st.sets(st.sampled_from("abcd"))


@given(uuids, uuids)
def test_no_gpu_has_two_holders(first: set[str], second: set[str]) -> None:
    claims = Claims(Told())
    with claims.held(first, MINE):
        expected: AbstractContextManager[object] = nullcontext()
        if first & second:
            expected = pytest.raises(Taken)
        with expected, claims.held(second, YOURS):
            assert not first & second
        assert all(claims.of(uuid) == MINE for uuid in first)
