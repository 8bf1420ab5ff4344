"""Parameters that suit a cheat: walks too short, or too few, and words that cost little.

What stops it: figures are bounds for whatever was asked, and prove less where less was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from polarisd.proof.memory import walk
from polarisd.proof.reference import Done
from polarisd.proof.words import Key, Words, scaled
from tests.cheats.cases import MEMORY, accepted, card, ceiling, proved, terms
from tests.cheats.devices import Device
from tests.cheats.test_memory import Lie, Lying


class Sorting(Lying):
    """Makes each missing line anew once a step, for all walkers that read it."""

    def walk(self, key: Key) -> Words:
        p = self.memory
        first = round(self.lie.share * p.lines)
        made = 0

        def read(lines: Words) -> Words:
            nonlocal made
            made += len(np.unique(lines[lines >= first]))
            words: Words = self._words.reshape(-1, 8)[lines]
            return words

        states = walk(read, np.arange(p.walkers, dtype=np.uint64), p.lines, p.steps, key)
        self.spend_visits(p.walkers * p.steps)
        self.spend_mixing(8 * made)
        return states


def test_short_walks_share_their_lines() -> None:
    """`problems()` allows walks of one step; then a line that is made
    serves all walkers that wait for it, which the bound takes into account."""
    p = replace(MEMORY, walkers=8 * MEMORY.lines, steps=1, walk_samples=64)
    gpu = card(None, p)
    lie = Lie(0.3, "make anew")
    verdict = proved(
        terms(1, None, p), lambda worker: Sorting(worker, lie), gpu=gpu, limit=ceiling(gpu)
    )
    vram = accepted(verdict).proven.vram_bytes
    assert vram is not None and vram <= lie.share * p.vram_bytes


class FillsOnDemand(Device):
    """Makes only those lines that a walker visits."""

    def fill(self, key: Key) -> None:
        super(Device, self).fill(key)

    def walk(self, key: Key) -> Words:
        p = self.memory
        visited: set[int] = set()

        def read(lines: Words) -> Words:
            visited.update(lines.tolist())
            words: Words = self._words.reshape(-1, 8)[lines]
            return words

        states = walk(read, np.arange(p.walkers, dtype=np.uint64), p.lines, p.steps, key)
        self.spend_mixing(8 * len(visited))
        return states


def test_few_visits_prove_little_mixing() -> None:
    """The lines that no walk comes by need not have been filled."""
    p = replace(MEMORY, walkers=8, steps=100, units=0)
    gpu = card(None, p)
    verdict = proved(terms(2, None, p), FillsOnDemand, gpu=gpu)
    mix_ops = accepted(verdict).proven.mix_ops
    assert mix_ops is not None and mix_ops <= 1.05 * gpu.mix_ops


class Regenerating(Device):
    """Makes the words of each pass anew, without looking at memory."""

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        self.spend_mixing(blocks * 8192)
        return super(Device, self).start_read(key, first_block, blocks)


def test_passes_made_anew_prove_no_bandwidth() -> None:
    """With a cost so low that a card's ALUs make words faster than its memory gives them."""
    p = replace(MEMORY, cost=1)
    gpu = card(None, p)
    gpu.mix_ops *= 1000
    gpu.memory_bps /= 20
    verdict = proved(terms(3, None, p), Regenerating, gpu=gpu, limit=ceiling(gpu, 1000.0))
    memory_bps = accepted(verdict).proven.memory_bps
    assert memory_bps is not None and memory_bps <= 1.05 * gpu.memory_bps


def test_lines_of_a_walk_are_spread() -> None:
    """What keeps walks of many steps safe from sorting: in a step, few walkers meet."""
    p = MEMORY
    lines = scaled(np.random.default_rng(1).integers(0, 1 << 64, p.walkers, np.uint64), p.lines)
    assert len(np.unique(lines)) > 0.98 * p.walkers
