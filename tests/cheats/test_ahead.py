"""Roots that are made up in advance, so that keys of later steps are known early.

What stops it: a key depends on all roots but the last, so that it takes all of them to know
it.  Whoever makes up a root wins the step it made up, and no more; and may be asked for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from polarisd.proof import keys, tree
from polarisd.proof import messages as m
from polarisd.proof.judge import judge
from polarisd.proof.keys import LAG
from polarisd.proof.prover import Prover, _Memory
from polarisd.proof.reference import Done
from polarisd.proof.verdict import Accepted, Reason
from polarisd.proof.words import GOLDEN, Key
from tests.cheats.cases import (
    MEMORY,
    NO_LIMIT,
    Entropy,
    accepted,
    completed,
    converse,
    proved,
    rejected,
    terms,
)
from tests.cheats.chance import plausible
from tests.cheats.devices import Device

UNITS = 8
# For each step, the roots that its key depends on.
Needs = list[set[int]]


def needs(count: int) -> Needs:
    """As found by changing one root after the other."""
    roots = [Entropy(n)(32) for n in range(count)]
    usual = keys.links_before(roots, count)
    found: Needs = [set() for _ in range(count)]
    for number in range(count):
        changed = [*roots[:number], bytes(32), *roots[number + 1 :]]
        for step, link in enumerate(keys.links_before(changed, count)):
            if link != usual[step]:
                found[step].add(number)
    return found


def readings(made_up: set[int], segments: int, needed: Needs) -> int:
    """How many times a segment must be read for the honest units, at least.

    A reading serves all units of its segment whose keys are known when it begins; roots that
    are made up are known from the start.  More is known only with time, so that it is best
    to put each reading off until nothing else can be done, and to try every order then.
    """
    units = len(needed)

    def least(known: frozenset[int]) -> int:
        if len(known) == units:
            return 0
        ready = [n for n in range(units) if n not in known and needed[n] <= known]
        by_segment = {n % segments for n in ready}
        return 1 + min(
            least(known | {n for n in ready if n % segments == segment}) for segment in by_segment
        )

    return least(frozenset(made_up))


@pytest.mark.parametrize("segments", [2, 4])
def test_a_made_up_root_wins_only_its_own_reading(segments: int) -> None:
    """Over every choice of units to make up."""
    needed = needs(UNITS)
    for count in range(5):
        for made_up in itertools.combinations(range(UNITS), count):
            assert readings(set(made_up), segments, needed) == UNITS - count


def test_keys_of_one_root_each_would_be_known_early() -> None:
    """Why keys depend on all roots: with that of the last step but one only, to make up every
    second root of a segment tells the keys of all others, and one reading serves them all."""
    alone: Needs = [{n - LAG} if n >= LAG else set() for n in range(UNITS)]
    assert readings({0, 4}, 2, alone) == UNITS - 3
    assert readings({0, 1, 4, 5}, 2, alone) == 2


@pytest.mark.parametrize("segments", [2, 4])
def test_key_of_a_unit_waits_for_all_readings_of_its_segment(segments: int) -> None:
    for unit, needed in enumerate(needs(UNITS)):
        assert needed == set(range(unit - LAG + 1))
        assert {n for n in range(unit) if n % segments == unit % segments} <= needed


P = replace(MEMORY, blocks=8, segments=2, walkers=8, steps=2, group=1, cost=1, walk_samples=1)
P = replace(P, units=UNITS, unit_samples=4)
MADE_UP = frozenset({1, 4})


class Ahead(Prover):
    """Makes up the roots of some units, and reads for the others."""

    made_up = MADE_UP
    waits = True

    def _units(self, memory: _Memory, nonce: bytes) -> Iterator[m.Message]:
        p = memory.p
        invented = np.arange(p.segment_blocks, dtype=np.uint64) * GOLDEN
        links = [b""] * LAG
        for unit in range(p.units):
            key = keys.unit_key(memory.fill_secret, nonce, unit, links[unit] if self.waits else b"")
            memory.unit_keys.append(key)
            first = unit % p.segments * p.segment_blocks
            if unit in self.made_up:
                leaves = invented
            else:
                leaves = self._engine.start_read(key, first, p.segment_blocks).leaves()
            memory.unit_trees.append(tree.levels_of(leaves, p.group))
            root = tree.root(memory.unit_trees[-1])
            links.append(keys.next_link(links[-1], root))
            yield m.UnitRoot(unit, root)


@pytest.mark.parametrize("waits", [True, False])
def test_keys_that_wait_for_no_root(waits: bool) -> None:
    """All of them known at once would make one reading of each segment enough."""
    prover = type("AtOnce", (Ahead,), {"made_up": frozenset(), "waits": waits})
    verdict = proved(terms("at once", None, P), provers=prover)
    if waits:
        accepted(verdict)
    else:
        assert rejected(verdict) is Reason.WRONG_BLOCK


class Counting(Device):
    """Notes which keys it was asked to read with, and how often."""

    read: ClassVar[list[Key]]

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        if blocks == self.memory.segment_blocks:
            self.read.append(key)
        return super().start_read(key, first_block, blocks)


def test_units_made_up_save_their_time_and_are_found() -> None:
    """A quarter of the units is made up: that saves a quarter of the readings, and passes as
    often as none of those units is in the sample."""
    trials = 120
    asked = terms("ahead", None, P)
    done = []
    for seed in range(trials):
        read: list[Key] = []
        device = type("Counted", (Counting,), {"read": read})
        done.append(completed(converse(asked, device, Ahead, seed=seed)))
        assert len(read) == len(set(read)) == UNITS - len(MADE_UP)
    verdicts = judge(done, [NO_LIMIT] * trials, Entropy(1))
    passed = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    # one sample in each two units, of which one is made up in two of the four pairs
    assert plausible(passed, trials, 0.5**2)
