"""What bounds a lie about memory: all of the walks' time, and what any device could do in it.

What stops it: the time that bounds is not the time that is credited, and the rates are
those of the fastest device that might pose as one of the class.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import replace

import pytest

from polarisd.proof import messages as m
from polarisd.proof.judge import lacking_share
from polarisd.proof.parameters import MemoryParameters
from polarisd.proof.verdict import Reason
from polarisd.proof.words import Key
from tests.cheats.cases import (
    FILL_S,
    MEMORY,
    NO_LIMIT,
    accepted,
    card,
    ceiling,
    judged,
    party,
    proved,
    rejected,
    terms,
)
from tests.cheats.players import Editing, before
from tests.cheats.test_memory import ASKED, Lie, Lying
from tests.cheats.world import Pause, Worker, play


def test_held_pongs_do_not_shorten_the_walk() -> None:
    """What is taken off for a round trip where rates are concerned is not taken off here."""
    long = replace(MEMORY, walkers=32, steps=4096)
    gpu = card(None, long)
    worker = Worker(gpu)
    lie = Lie(0.1, "fetch and make anew", overlapped=True)
    player = Editing(worker, lambda place: Lying(place, lie), edit=before(m.Pong, Pause(1.0)))
    verdict = judged(play([party(terms(1, None, long), player, worker)])[0], ceiling(gpu, 1.000001))
    vram = accepted(verdict).proven.vram_bytes
    assert vram is not None and vram <= lie.share * MEMORY.vram_bytes


@pytest.mark.parametrize("held_s", [0.1, 1.0])
def test_held_pongs_prove_no_more_memory(held_s: float) -> None:
    """To the byte: the bound has the walks' time as it was."""

    def proven(pause_s: float) -> int | None:
        gpu = card()
        worker = Worker(gpu)
        player = Editing(worker, edit=before(m.Pong, Pause(pause_s)))
        outcome = play([party(terms(1, None, MEMORY), player, worker)])[0]
        return accepted(judged(outcome, ceiling(gpu))).proven.vram_bytes

    assert proven(held_s) == proven(0.0)


class Leisurely(Lying):
    """Takes as long to fill as its class would."""

    def fill(self, key: Key) -> None:
        began = self.worker.now
        super().fill(key)
        self.worker.now = max(self.worker.now, began + FILL_S)


@pytest.mark.parametrize("times", [1, 4, 16])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_posing_as_a_class_of_slower_cards(share: float, times: float) -> None:
    """A card that mixes faster than the class it claims, fills as slowly as that class
    would, and makes lines anew: `remake_ops` is that of the fastest such card."""
    gpu = card()
    gpu.mix_ops *= times
    claimed = replace(ceiling(card()), remake_ops=ceiling(gpu).remake_ops)
    lie = Lie(share, "make anew", overlapped=True)
    verdict = proved(ASKED, lambda worker: Leisurely(worker, lie), gpu=gpu, limit=claimed)
    vram = accepted(verdict).proven.vram_bytes
    assert vram is not None and vram <= share * MEMORY.vram_bytes


def test_posing_as_a_class_with_slower_mixing() -> None:
    """A card that mixes faster than its class shows it, if it fills as fast as it can."""
    gpu = card()
    limit = replace(ceiling(gpu), mix_ops=gpu.mix_ops / 2)
    assert rejected(proved(ASKED, gpu=gpu, limit=limit)) is Reason.TOO_FAST


class InPlace(Lying):
    """Has the lines that it lacks digested where they are, beside its own."""

    def spend_reading(self, bytes_: float) -> None:
        super().spend_reading(self.lie.share * bytes_)


@pytest.mark.parametrize("share", [0.7, 0.9])
def test_lines_that_lie_elsewhere_prove_no_bandwidth(share: float) -> None:
    """The passes seem faster by what the other side reads; the walks tell how much that is."""
    p = replace(MEMORY, units=64)
    gpu = card()
    limit = replace(ceiling(gpu), memory_bps=2 * gpu.memory_bps)
    lie = Lie(share, "fetch", overlapped=True)
    verdict = proved(terms(1, None, p), lambda worker: InPlace(worker, lie), gpu=gpu, limit=limit)
    memory_bps = accepted(verdict).proven.memory_bps
    assert memory_bps is not None and memory_bps <= gpu.memory_bps


def fetches_per_visit(waiting: float, missing: int = 2000, visits: int = 60_000) -> float:
    """How often a line must be had for each visit to one that is missing, if walkers wait,
    and the line with the most of them is always the next to be had."""
    draw = random.Random(waiting)
    load = [0] * missing
    heap: list[tuple[int, int]] = []

    def land() -> None:
        line = draw.randrange(missing)
        load[line] += 1
        heapq.heappush(heap, (-load[line], line))

    for _ in range(round(waiting * missing)):
        land()
    counted: list[tuple[int, int]] = []
    fetched = served = 0
    for until in (visits, 2 * visits):
        while served < until:
            count, line = heapq.heappop(heap)
            if -count != load[line]:
                continue
            load[line] = 0
            fetched, served = fetched + 1, served - count
            for _ in range(-count):
                land()
        counted.append((fetched, served))
    (first, before_it), (second, after) = counted
    return (second - first) / (after - before_it)


@pytest.mark.parametrize("waiting", [0.02, 0.2, 0.5, 1.0, 2.0, 8.0])
def test_most_wanted_line_first(waiting: float) -> None:
    """Dearer than 1 / (1 + 2x), and far below (1 - e^-x) / x, which is what it costs to have
    each line once when all walkers wait.

    Nothing is cheaper: a line that serves n walkers took n landings, at loads 0 to n - 1, so
    the sum of n^2 is that of 1 + 2 load over all landings; that is 1 + 2x on average at most.
    """
    cost = fetches_per_visit(waiting)
    assert cost >= 1 / (1 + 2 * waiting) * 0.99
    assert cost < (1 - math.exp(-waiting)) / waiting
    if waiting >= 0.5:
        assert cost == pytest.approx(1 / (1 + 2 * waiting), rel=0.03)


@pytest.mark.parametrize("steps", [1, 8, 64, 1024])
@pytest.mark.parametrize("lacking", [0.02, 0.1, 0.3, 0.5])
def test_bound_holds_for_those_who_wait_for_company(lacking: float, steps: int) -> None:
    lines = 1 << 24
    walkers = 8 * lines // steps
    p = MemoryParameters(
        blocks=lines // 1024,
        cost=100,
        walkers=walkers,
        steps=steps,
        segments=2,
        units=0,
        group=1,
        walk_samples=1,
        unit_samples=1,
    )
    needed = lacking * walkers * steps / (1 + 2 * walkers / (lacking * lines))
    limit = replace(NO_LIMIT, remake_ops=needed * 8 * p.cost)
    assert lacking_share(p, 1.0, limit) >= lacking * (1 - 1e-9)
