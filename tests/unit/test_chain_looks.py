"""How often the chain is looked at, where that works and where it fails."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.failures import fail
from polarisd.chain.looks import MOST_PAUSE_BLOCKS, SHORT_LOOK_BLOCKS, Look

NEVER = Look(every_blocks=SHORT_LOOK_BLOCKS)
FAILED = fail("node_error")


def looked_at(blocks: int, works: Callable[[int], bool], look: Look = NEVER) -> list[int]:
    """The blocks, from 1,000 on, at which it looks."""
    found = []
    for block in range(1000, 1000 + blocks):
        if look.is_due(block):
            found.append(block - 1000)
            look = look.succeeded(block) if works(block) else look.ended(FAILED, block)
    return found


def test_what_works_is_done_every_few_blocks() -> None:
    assert looked_at(18, lambda _: True) == [0, 5, 10, 15]


def test_what_fails_is_done_ever_less_often() -> None:
    assert looked_at(120, lambda _: False) == [0, 1, 3, 7, 15, 31, 56, 81, 106]


def test_after_it_worked_again_the_next_failure_is_a_first_one() -> None:
    assert looked_at(16, lambda block: block == 1007) == [0, 1, 3, 7, 12, 13, 15]


def test_to_hurry_is_no_way_round_a_failure() -> None:
    failing = NEVER.ended(FAILED, 1000).ended(FAILED, 1001).hurried()
    assert not failing.is_due(1002) and failing.is_due(1003)
    assert failing.why == FAILED.text
    working = NEVER.succeeded(1000)
    assert not working.is_due(1001) and working.hurried().is_due(1001)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 10**6))
def test_it_never_rests_for_long_and_not_at_all_on_another_chain(
    works: list[bool], block: int
) -> None:
    look = NEVER
    for worked in works:
        look = look.succeeded(block) if worked else look.ended(FAILED, block)
        block += 1
    assert look.is_due(block + MOST_PAUSE_BLOCKS)
    assert look.is_due(max(block - 100, 0)) or block <= 100
