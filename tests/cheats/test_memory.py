"""Lies about memory: lines that are not there, and are made anew, fetched or made up.

What stops it: walks whose every step needs a whole line, verified from the fill's
formula; the time they took bounds how many lines came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from polarisd.proof import memory as vrc
from polarisd.proof.judge import Ceiling, judge
from polarisd.proof.reference import Done
from polarisd.proof.verdict import Accepted, Reason
from polarisd.proof.words import Key, Words
from tests.cheats.cases import (
    MEMORY,
    NO_LIMIT,
    Entropy,
    accepted,
    card,
    ceiling,
    completed,
    converse,
    judged,
    proved,
    rejected,
    terms,
)
from tests.cheats.chance import plausible
from tests.cheats.devices import Device
from tests.cheats.world import Gpu, Worker

ASKED = terms("memory", None, MEMORY)
SHARES = [0.7, 0.8, 0.9, 0.95, 0.99]


@dataclass(frozen=True)
class Lie:
    """Which share of the lines is there, and what is done for the others.

    `overlapped`: the missing lines' time passes while others are read.
    """

    share: float
    how: str
    overlapped: bool = False


class Lying(Device):
    """Has room for a share of the lines only."""

    def __init__(self, worker: Worker, lie: Lie) -> None:
        super().__init__(worker)
        self.lie = lie

    def fill(self, key: Key) -> None:
        made = self.memory.words * (self.lie.share if self.lie.how == "make anew" else 1.0)
        self.spend_mixing(0 if self.lie.how == "make up" else made)
        super(Device, self).fill(key)
        if self.lie.how == "make up":
            first = round(self.lie.share * self.memory.words)
            self._words[first:] = np.arange(len(self._words) - first, dtype=np.uint64)

    def walk(self, key: Key) -> Words:
        visits = self.memory.walkers * self.memory.steps
        began = max(self.worker.now, self.gpu.busy_until)
        self.spend_visits(visits * self.lie.share)
        if self.lie.overlapped:
            self.worker.gpu.busy_until = self.worker.now = began + max(
                self.worker.now - began, self.missing_s(visits)
            )
        else:
            self.worker.spend(self.missing_s(visits))
        return super(Device, self).walk(key)

    def missing_s(self, visits: float) -> float:
        missing = visits * (1 - self.lie.share)
        p = self.memory
        return {
            "make anew": missing * 8 * p.cost / self.gpu.mix_ops,
            "fetch": missing * 64 / self.gpu.link_bps,
            # it goes where the line is, and stays as long as it can
            "send the walker": max(
                missing * self.lie.share * 64 / self.gpu.link_bps,
                missing / max(self.gpu.host_lines, 1e-9),
            ),
            "fetch and make anew": missing
            / (self.gpu.link_bps / 64 + self.gpu.mix_ops / (8 * p.cost)),
            "make up": 0.0,
        }[self.lie.how]


def vram_proven(lie: Lie, gpu: Gpu, limit: Ceiling | None = None) -> float:
    """The share of the memory that is proven."""
    limit = limit or ceiling(gpu)
    verdict = proved(ASKED, lambda worker: Lying(worker, lie), gpu=gpu, limit=limit)
    vram = accepted(verdict).proven.vram_bytes
    assert vram is not None
    return vram / MEMORY.vram_bytes


def test_honest_memory_is_nearly_all_proven() -> None:
    """With walks as long as they usually are; shorter ones prove less."""
    gpu = card()
    usual = terms("usual", None, replace(MEMORY, walkers=128, steps=1024))
    proven, less = (
        accepted(proved(asked, gpu=card(), limit=ceiling(gpu))).proven.vram_bytes
        for asked in (usual, ASKED)
    )
    assert proven is not None and less is not None
    assert 0.9 * MEMORY.vram_bytes < proven < MEMORY.vram_bytes
    assert less < proven


@pytest.mark.parametrize("how", ["make anew", "fetch", "fetch and make anew", "send the walker"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, *SHARES])
def test_no_more_is_proven_than_there_is(how: str, share: float) -> None:
    """Regenerating all of it instead of storing any is the share 0.

    A walker that is sent to the host is 64 bytes on the link, as a line is; the host then
    reads as fast as the card does, as another card would.  Whichever of them has more
    of the lines is then the device, and what it has is proven.
    """
    gpu = card()
    if how == "send the walker":
        gpu.host_lines = gpu.memory_bps * gpu.random_share / 64
    most = max(share, 1 - share) if how == "send the walker" else share
    assert vram_proven(Lie(share, how), gpu) <= most
    assert vram_proven(Lie(share, how, overlapped=True), gpu) <= most


@pytest.mark.parametrize("share", SHARES)
def test_made_up_lines_are_rejected(share: float) -> None:
    """A walk of 256 steps meets a hundredth of the lines with the chance 1 - 0.99^256."""
    samples = replace(MEMORY, walk_samples=16)
    asked = terms(share, None, samples)
    verdict = proved(asked, lambda worker: Lying(worker, Lie(share, "make up")))
    assert rejected(verdict) in (Reason.WRONG_WALK, Reason.WRONG_BLOCK)


class LeavesOut(Device):
    """Walks with, or reads, only a share, and makes up where the others end."""

    def __init__(self, worker: Worker, walkers: float = 0.0, blocks: float = 0.0) -> None:
        super().__init__(worker)
        self.walkers, self.blocks = walkers, blocks
        self.read: dict[tuple[Key, int], Words] = {}

    def walk(self, key: Key) -> Words:
        states = super().walk(key)
        skipped = round(self.walkers * len(states))
        states[:skipped] = np.arange(skipped, dtype=np.uint64)
        return states

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        digests = super().start_read(key, first_block, blocks).result
        if blocks == self.memory.segment_blocks:
            digests[: round(self.blocks * blocks)] = 0
            self.read[key, first_block // blocks] = digests
            return Done(digests)
        whole = self.read[key, first_block // self.memory.segment_blocks]
        at = first_block % self.memory.segment_blocks
        return Done(whole[at : at + blocks])


@pytest.mark.parametrize(("walkers", "blocks"), [(0.125, 0.0), (0.5, 0.0), (0.0, 0.25), (0.0, 0.5)])
def test_left_out_walkers_and_blocks_follow_theory(walkers: float, blocks: float) -> None:
    p = replace(MEMORY, blocks=8, segments=2, walkers=64, steps=4, group=1, cost=1, units=4)
    p = replace(p, walk_samples=6, unit_samples=4)
    asked = terms(1, None, p)
    trials = 120
    done = [
        completed(converse(asked, lambda worker: LeavesOut(worker, walkers, blocks), seed=n))
        for n in range(trials)
    ]
    verdicts = judge(done, [NO_LIMIT] * trials, Entropy(1))
    passed = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    assert plausible(passed, trials, (1 - walkers) ** 6 * (1 - blocks) ** 4)


class OneReading(Device):
    """Digests each segment for all units at once, with keys as if no unit depended on
    another: one reading of the memory for many passes."""

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        if blocks != self.memory.segment_blocks:
            return super().start_read(key, first_block, blocks)
        self.keys = getattr(self, "keys", {})
        known = self.keys.setdefault(first_block, key)
        if known == key:
            return super().start_read(key, first_block, blocks)
        return super(Device, self).start_read(known, first_block, blocks)


def test_all_passes_in_one_reading() -> None:
    accepted(proved(ASKED))
    verdict = proved(ASKED, OneReading)
    assert rejected(verdict) in (Reason.WRONG_BLOCK, Reason.WRONG_PATH)


class MakesUp(Device):
    """Makes up what it should have read for the last unit."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self.keys: list[Key] = []

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        if key not in self.keys:
            self.keys.append(key)
        if key in self.keys[self.memory.units - 1 :]:
            return Done(np.arange(first_block, first_block + blocks, dtype=np.uint64))
        return super().start_read(key, first_block, blocks)


def test_last_of_many_blocks_counts() -> None:
    """However many are opened, each is looked at, and each unit is among them."""
    p = replace(MEMORY, unit_samples=3 * MEMORY.units)
    accepted(proved(terms(1, None, p)))
    assert rejected(proved(terms(1, None, p), MakesUp)) is Reason.WRONG_BLOCK


@pytest.mark.parametrize("change", [lambda roots: roots[:-1], lambda roots: (*roots, roots[0])])
def test_another_number_of_roots_or_openings(change: Callable[[Any], Any]) -> None:
    done = completed(converse(ASKED))
    assert done.memory is not None
    record = replace(done.memory, unit_roots=change(done.memory.unit_roots))
    for wrong in (
        replace(done, memory=record),
        replace(done, walkers=change(done.walkers)),
        replace(done, blocks=change(done.blocks)),
    ):
        assert rejected(judged(wrong)) is Reason.MALFORMED


def test_second_reading_of_a_segment_waits_for_the_first() -> None:
    """Whatever the segments, a unit's key depends on the unit that read the same before:
    they are an even number of units apart, and keys depend on the last unit but one."""
    for segments in (2, 4, 6, 8, 1024):
        p = replace(MEMORY, segments=segments, blocks=segments * 2)
        assert not list(p.problems())
    for segments in (1, 3, 5):
        p = replace(MEMORY, segments=segments, blocks=segments * 2)
        assert list(p.problems())


def test_words_cannot_be_had_without_their_turns() -> None:
    """Another cost is another memory: no shorter way to a word leads through it."""
    counters = np.arange(1000, dtype=np.uint64)
    words = {cost: vrc.filled(counters, Key(1, 2), cost) for cost in (1, 2, 3, 50)}
    everything = np.concatenate(list(words.values()))
    assert len(np.unique(everything)) == len(everything)


class Cheap(Device):
    """Fills as if a word cost less."""

    def fill(self, key: Key) -> None:
        super().fill(key)
        counters = np.arange(self.memory.words, dtype=np.uint64)
        self._words = vrc.filled(counters, key, self.memory.cost - 1)


def test_words_that_cost_less_are_other_words() -> None:
    for seed in range(3):
        assert rejected(proved(terms(seed, None, MEMORY), Cheap)) is Reason.WRONG_WALK


class Elsewhere(Device):
    """Has a block's words, and not where they belong: `how` they were moved.

    Whoever sorts what it reads, or adds up in another order, digests other blocks.
    """

    how = ""

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        words = self._words.reshape(-1, 8192)[first_block : first_block + blocks]
        moved = {
            "pairs": words.reshape(-1, 2, 4096)[:, ::-1],
            "lines": words.reshape(-1, 1024, 8)[:, ::-1],
            "within pairs": words.reshape(-1, 4096, 2)[:, :, ::-1],
            "not": words,
        }[self.how]
        return Done(vrc.block_digests(np.ascontiguousarray(moved).reshape(-1, 8192), key))


@pytest.mark.parametrize("how", ["pairs", "lines", "within pairs", "not"])
def test_words_in_other_places_are_another_block(how: str) -> None:
    verdict = proved(ASKED, type("Moved", (Elsewhere,), {"how": how}))
    if how == "not":
        accepted(verdict)
    else:
        assert rejected(verdict) is Reason.WRONG_BLOCK
