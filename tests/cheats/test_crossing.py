"""Memory in two places: bytes that a walker's step sends from one to the other, each way.

What stops it: a walker is as large as a line, so that to move it, to fetch the line, or to
cut both in pieces is equally dear.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from polarisd.proof.judge import lacking_share
from polarisd.proof.memory import walk
from polarisd.proof.parameters import LINE_WORDS, MemoryParameters
from polarisd.proof.words import Key, Words, words_at
from tests.cheats.cases import NO_LIMIT

STEPS = 100_000
# The first place has all but this share of the lines, or of each line.
SHARES = [0.125, 0.25, 0.375, 0.5]

# Bytes a step, there and back.
Ways = tuple[float, float]


def places(share: float) -> list[bool]:
    """For each step, whether its line is in the other place."""
    drawn: list[bool] = (np.random.default_rng(1).random(STEPS + 1) < share).tolist()
    return drawn


def sending_walkers(share: float) -> Ways:
    """It goes where its next line is."""
    there = places(share)
    left = sum(64 for here, then in itertools.pairwise(there) if not here and then)
    came = sum(64 for here, then in itertools.pairwise(there) if here and not then)
    return left / STEPS, came / STEPS


def fetching_lines(share: float) -> Ways:
    """It has a home, at each place as many as need be for both ways to be equally busy, and
    lines come to it; their numbers are not counted."""
    elsewhere = sum(places(share)) / STEPS
    return 64 * share * (1 - elsewhere), 64 * (1 - share) * elsewhere


def columns(share: float, moving: bool) -> Ways:
    """The other place has the last words of every line.

    Each word of the state meets its word of the line: `moving` where that is, else where the
    state's word is.  Words of the state that a neighbour needs cross too.
    """
    rotations = np.random.default_rng(2).integers(0, LINE_WORDS, STEPS)
    first = round(LINE_WORDS * (1 - share))
    met = (np.arange(LINE_WORDS) + rotations[:, None]) % LINE_WORDS >= first
    if not moving:
        # as many walkers have their home at either place as makes both ways equally busy
        elsewhere = float(met.sum(axis=1).mean())
        return 8 * share * (LINE_WORDS - elsewhere), 8 * (1 - share) * elsewhere
    before, after = met[:-1], met[1:]
    neighbour = np.roll(before, -1, axis=1)
    # the word itself, and its neighbour where that is not moving to the same place
    left = (~before & after).sum() + (~neighbour & after & (before == after)).sum()
    came = (before & ~after).sum() + (neighbour & ~after & (before == after)).sum()
    return float(8 * left / STEPS), float(8 * came / STEPS)


def needed_for_the_next_line() -> float:
    """The share of a line's words that a walker must have before it knows its next line."""
    lines, count = 1 << 20, 64
    key = Key(1, 2)
    walkers = np.arange(count, dtype=np.uint64)

    def second_lines(changed: int | None) -> Words:
        asked: list[Words] = []

        def read(numbers: Words) -> Words:
            asked.append(numbers.copy())
            words = words_at(numbers[:, None] * np.uint64(8) + np.arange(8, dtype=np.uint64), key)
            if changed is not None and len(asked) == 1:
                words[:, changed] ^= np.uint64(1 << 40)
            return words

        walk(read, walkers, lines, 2, Key(3, 4))
        return asked[1]

    usual = second_lines(None)
    differing = [np.mean(second_lines(place) != usual) for place in range(LINE_WORDS)]
    return float(np.mean(differing))


def looking_ahead(share: float) -> Ways:
    """One word of the line tells where the next one is.  With it a walker decides to have
    the line's others sent, if it would come back at once, or else to follow them.

    Of the state two words go first: the one that chooses the line, and its neighbour.
    """
    all_needed = needed_for_the_next_line() > 0.99
    there = places(share)
    bytes_ = [0, 0]
    now = False
    for at, then in itertools.pairwise(there):
        if at == now:
            continue
        if all_needed or then == at:
            bytes_[now] += 64
            now = at
        else:
            bytes_[now] += 16
            bytes_[at] += 64
    return bytes_[0] / STEPS, bytes_[1] / STEPS


CROSSINGS: dict[str, Callable[[float], Ways]] = {
    "walkers": sending_walkers,
    "lines": fetching_lines,
    "columns": lambda share: columns(share, False),
    "moving columns": lambda share: columns(share, True),
}


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("how", CROSSINGS)
def test_bytes_that_cross(how: str, share: float) -> None:
    """64 * share * (1 - share) a step each way, whichever way: 16 where each has half."""
    least = 64 * share * (1 - share)
    assert max(CROSSINGS[how](share)) >= 0.98 * least
    if how != "moving columns":
        assert max(CROSSINGS[how](share)) == pytest.approx(least, rel=0.02)


P = MemoryParameters(
    blocks=1 << 14,
    cost=100,
    walkers=1 << 11,
    steps=1 << 16,
    segments=2,
    units=0,
    group=1,
    walk_samples=1,
    unit_samples=1,
)


def bound(ways: Ways) -> float:
    """The share that may be lacking when so many bytes a step can have crossed."""
    bytes_ = max(ways) * P.walkers * P.steps
    return lacking_share(P, 1.0, replace(NO_LIMIT, elsewhere_bps=bytes_))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("how", CROSSINGS)
def test_bound_allows_for_every_crossing(how: str, share: float) -> None:
    assert bound(CROSSINGS[how](share)) >= 0.97 * share


def test_next_line_needs_all_of_a_line() -> None:
    assert needed_for_the_next_line() > 0.99


@pytest.mark.parametrize("share", [0.375, 0.5])
def test_bound_allows_for_looking_ahead(share: float) -> None:
    """It would be 12 bytes instead of 16, if the next line followed from less than all."""
    assert bound(looking_ahead(share)) >= 0.97 * share
