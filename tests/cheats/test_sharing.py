"""One GPU behind several identities, or claimed as several.

What stops it: all begin each phase at the same moment, whoever had to be waited for, and
have no more time than one of them needs.  What remains: k who are served in turn prove
1 + 1/2 + ... + 1/k, where k is at most the slack times what the GPU is above expectation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from polarisd.proof import messages as m
from polarisd.proof.calibration import RANDOM_SHARE, SLACK, Expected, deadlines_for, remake_cost
from polarisd.proof.judge import MAX_ALLOWANCE_S
from polarisd.proof.parameters import MemoryParameters
from polarisd.proof.reference import Done
from polarisd.proof.session import Deadlines
from polarisd.proof.verdict import Accepted, Proven, Reason
from polarisd.proof.words import Key, Words
from tests.cheats.cases import (
    COMPUTE,
    COMPUTE_S,
    FILL_S,
    MEMORY,
    WALK_S,
    Engines,
    Scripted,
    accepted,
    card,
    ceiling,
    judged,
    party,
    terms,
)
from tests.cheats.devices import Device
from tests.cheats.players import Editing, before
from tests.cheats.world import Gpu, Pause, Player, Worker, play

# So many rounds that who has the last turn matters little.
LONG = replace(COMPUTE, rounds=32, chunks=1, chunk_rows=16, samples=32)


def shared(
    gpu: Gpu,
    count: int,
    player: Callable[[Worker, int], Player],
    *,
    memory: MemoryParameters | None = None,
    hold: bool = True,
    expected: Gpu | None = None,
) -> Sequence[Proven | Reason]:
    """What so many identities on one GPU prove, when all are asked at the same moment.

    `hold`: and all begin each phase at the same moment.  `expected`: and have so much time
    as a sweep gives to what is expected to be such a card.
    """
    workers = [Worker(gpu) for _ in range(count)]
    asked = [terms(("shared", n), None if memory else LONG, memory, slot=n) for n in range(count)]
    patient = Deadlines(fill_s=120.0, walk_s=120.0, pass_s=120.0, compute_s=120.0)
    deadlines = tight(expected, memory) if expected else patient
    parties = [
        party(each, player(worker, n), worker, n, deadlines=deadlines, hold=hold)
        for n, (each, worker) in enumerate(zip(asked, workers, strict=True))
    ]
    limit = replace(ceiling(gpu), elsewhere_bps=ceiling(gpu).elsewhere_bps / 10)
    verdicts = [judged(outcome, limit) for outcome in play(parties)]
    return [
        verdict.proven if isinstance(verdict, Accepted) else verdict.reason for verdict in verdicts
    ]


def usual(gpu: Gpu) -> Expected:
    return Expected(
        tensor_ops=gpu.tensor_ops,
        memory_bps=gpu.memory_bps,
        mix_ops=gpu.mix_ops,
        vram_bytes=MEMORY.vram_bytes,
    )


def tight(gpu: Gpu, memory: MemoryParameters | None) -> Deadlines:
    return deadlines_for(usual(gpu), None if memory else LONG, memory)


def proven_of(figures: Sequence[Proven | Reason]) -> list[Proven]:
    return [each for each in figures if isinstance(each, Proven)]


def tensor_sum(figures: Sequence[Proven | Reason]) -> float:
    return sum(each.tensor_ops or 0.0 for each in proven_of(figures))


def vram_sum(figures: Sequence[Proven | Reason]) -> int:
    return sum(each.vram_bytes or 0 for each in proven_of(figures))


def waiting(kind: type, seconds: float, engines: Engines = Device) -> Callable[..., Player]:
    """Each identity is later with these by so much more than the one before."""

    def player(worker: Worker, number: int) -> Player:
        return Editing(worker, engines, edit=before(kind, Pause(number * seconds)))

    return player


@pytest.mark.parametrize("count", [1, 2, 8])
def test_working_in_turns_adds_up_to_the_hardware(count: int) -> None:
    """Two hotkeys with one GPU, or one GPU claimed as eight slots."""
    gpu = card(LONG)
    figures = shared(gpu, count, lambda worker, n: Scripted(worker))
    assert 0.9 * gpu.tensor_ops < tensor_sum(figures) < 1.05 * gpu.tensor_ops
    assert len(proven_of(figures)) == count
    for each in proven_of(figures):
        assert each.tensor_ops == pytest.approx(gpu.tensor_ops / count, rel=0.05)


STALLS = [(m.Ready, 12.0, 4), (m.Pong, 2.4, 2)]


@pytest.mark.parametrize(("kind", "seconds", "count"), STALLS, ids=["ready", "pong"])
def test_stalling_until_the_others_are_done(kind: type, seconds: float, count: int) -> None:
    """Everyone's clock starts when the last is ready, so waiting is no use.  Without that,
    each would show the whole GPU in its turn."""
    gpu = card(LONG)
    together = shared(gpu, count, waiting(kind, seconds))
    assert tensor_sum(together) < 1.05 * gpu.tensor_ops
    alone = shared(card(LONG), count, waiting(kind, seconds), hold=False)
    assert tensor_sum(alone) > 0.95 * count * gpu.tensor_ops


class InOneGo(Device):
    """Does all of its work in one go, once it has the GPU."""

    began = False

    def spend_product(self, rows: float, factor: float = 1.0) -> None:
        if not self.began:
            self.began = True
            super().spend_product(rows * self.compute.rounds, factor)


@pytest.mark.parametrize("count", [2, 5])
def test_first_come_first_served(count: int) -> None:
    """All clocks start together, but the GPU serves one identity after the other.

    With all the time in the world they show the whole of it, a half, a third: in sum
    1 + 1/2 + 1/3 + ...  With the time that one of them needs, one is in time.
    """
    gpu = card(LONG)
    patient = shared(gpu, count, lambda worker, n: Scripted(worker, InOneGo))
    harmonic = sum(1 / n for n in range(1, count + 1))
    assert tensor_sum(patient) == pytest.approx(harmonic * gpu.tensor_ops, rel=0.01)
    figures = shared(
        card(LONG), count, lambda worker, n: Scripted(worker, InOneGo), expected=card(LONG)
    )
    assert tensor_sum(figures) < 1.01 * gpu.tensor_ops
    assert sorted(each for each in figures if isinstance(each, Reason)) == [Reason.LATE] * (
        count - 1
    )


@pytest.mark.parametrize(("above", "in_time"), [(1.0, 1), (1.5, 1), (2.0, 2), (4.0, 4)])
def test_identities_that_are_in_time(above: float, in_time: int) -> None:
    """A GPU that is faster than expected has time for others: 5 identities prove 1, 1, 1.5 and
    2.08 times what there is where it is 1, 1.5, 2 and 4 times as fast, which is never more than
    1 + ln(slack * how much faster), but for the quarter of a second that distance is given."""
    gpu, usual = card(LONG), card(LONG)
    gpu.tensor_ops *= above
    figures = shared(gpu, 5, lambda worker, n: Scripted(worker, InOneGo), expected=usual)
    assert len(proven_of(figures)) == in_time
    slack = SLACK + MAX_ALLOWANCE_S / COMPUTE_S
    assert tensor_sum(figures) / gpu.tensor_ops <= (1 + math.log(slack * above)) * 1.001


def test_working_in_turns_is_late() -> None:
    gpu = card(LONG)
    figures = shared(gpu, 2, lambda worker, n: Scripted(worker), expected=card(LONG))
    assert figures == [Reason.LATE, Reason.LATE]
    figures = shared(card(LONG), 1, lambda worker, n: Scripted(worker), expected=card(LONG))
    assert len(proven_of(figures)) == 1


class Swapping(Device):
    """Fills when its walk comes, unless it is the first, which fills when it is told to."""

    holder: ClassVar[list[Device]]
    has_read = False

    def fill(self, key: Key) -> None:
        if not self.holder:
            self.take()
        super(Device, self).fill(key)

    def take(self) -> None:
        """The memory, from whoever has it."""
        if self.holder != [self]:
            self.holder[:] = [self]
            self.spend_mixing(self.memory.words)

    def walk(self, key: Key) -> Words:
        self.take()
        return super().walk(key)

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        """All that is to be read at once, so that it need not be filled for each unit."""
        if not self.has_read:
            self.has_read = True
            self.take()
            self.spend_reading(self.memory.pass_bytes)
        return super(Device, self).start_read(key, first_block, blocks)


def swapping() -> Callable[[Worker, int], Player]:
    """Players that share one memory."""
    engine = type("Sharing", (Swapping,), {"holder": []})
    return lambda worker, number: Scripted(worker, engine)


@pytest.mark.parametrize("count", [2, 3])
def test_one_memory_behind_several_identities(count: int) -> None:
    """All begin to walk together, and one of them has its lines; the others make theirs
    in its place when it is done.  Each line is made once, where the bound has in mind a
    prover that makes it again at each visit, or nearly so: it is the deadline that tells."""
    alone = shared(card(LONG), 1, swapping(), memory=MEMORY, expected=card(LONG))
    assert vram_sum(alone) > 0.8 * MEMORY.vram_bytes
    figures = shared(card(LONG), count, swapping(), memory=MEMORY, expected=card(LONG))
    assert vram_sum(figures) <= MEMORY.vram_bytes
    # the first too, if its passes have to wait for the others' walks
    assert list(figures).count(Reason.LATE) >= count - 1
    patient = shared(card(LONG), count, swapping(), memory=MEMORY)
    assert vram_sum(patient) > 1.05 * MEMORY.vram_bytes


def test_one_memory_behind_several_slower_cards() -> None:
    """A card with a slow card's memory, and eight times its rates, poses as three of them.

    Between one walk and the next it fills the memory anew, once, where the bound has in mind
    lines that are made for each of some eight visits.  (There are no passes here; usual ones
    take as long as a fill of the class, in which this card could fill thrice more.)
    """
    p = replace(MEMORY, units=0)
    gpu, claimed = card(LONG), card(LONG)
    gpu.mix_ops *= 8
    gpu.memory_bps *= 8
    cheap = shared(gpu, 3, swapping(), memory=p, expected=claimed)
    assert vram_sum(cheap) > 2 * MEMORY.vram_bytes
    dear = replace(p, cost=max(p.cost, remake_cost(usual(claimed), p, gpu.mix_ops)))
    figures = shared(gpu, 3, swapping(), memory=dear, expected=claimed)
    assert vram_sum(figures) <= MEMORY.vram_bytes


def test_every_phase_of_a_sweep_is_short() -> None:
    """None has time for the work of two."""
    gpu = card(LONG)
    memory, compute = tight(gpu, MEMORY), tight(gpu, None)
    read_s = MEMORY.pass_bytes / gpu.memory_bps
    for deadline_s, work_s in (
        (memory.fill_s, FILL_S),
        (memory.walk_s, WALK_S * gpu.random_share / RANDOM_SHARE),
        (memory.pass_s, read_s),
        (compute.compute_s, COMPUTE_S),
    ):
        assert work_s < deadline_s - MAX_ALLOWANCE_S < 1.25 * work_s


def test_memory_in_turns_is_proven_many_times_unless_all_walk_together() -> None:
    gpu = card(LONG)
    figures = shared(gpu, 3, waiting(m.Ready, 4.0), memory=MEMORY, hold=False)
    assert vram_sum(figures) > 2.5 * MEMORY.vram_bytes


def test_bandwidth_adds_up_to_the_hardware() -> None:
    gpu = card(LONG)
    long = replace(MEMORY, units=128)
    workers = [Worker(gpu) for _ in range(2)]
    parties = [
        party(terms(n, None, long, slot=n), Scripted(worker), worker, n, hold=True)
        for n, worker in enumerate(workers)
    ]
    proven = [accepted(judged(outcome)).proven for outcome in play(parties)]
    assert sum(each.memory_bps or 0.0 for each in proven) < 1.15 * gpu.memory_bps
