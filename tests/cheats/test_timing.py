"""Liberties with the clock: late, early, held back, made to look far away.

What stops it: the clock is the validator's, and runs from the nonce to the last digest.
What remains: 3 % for a round trip that was made to look long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from polarisd.proof import keys
from polarisd.proof import messages as m
from polarisd.proof.judge import MAX_ALLOWANCE_S, MAX_ALLOWANCE_SHARE, timed
from polarisd.proof.prover import Prover
from polarisd.proof.session import Deadlines
from polarisd.proof.verdict import BEFORE_SAMPLE, Proven, Reason
from tests.cheats.cases import (
    MEMORY,
    Scripted,
    accepted,
    card,
    ceiling,
    completed,
    judged,
    party,
    rejected,
    terms,
)
from tests.cheats.players import Edit, Editing, before, instead
from tests.cheats.world import Act, HangUp, Pause, Player, Worker, play

ASKED = terms("timing", memory=MEMORY)


def proven(player: Player, worker: Worker, latency_s: float = 0.001) -> Proven:
    outcome = play([party(ASKED, player, worker, latency_s=latency_s)])[0]
    return accepted(judged(outcome, ceiling(worker.gpu))).proven


def honest(latency_s: float = 0.001) -> Proven:
    worker = Worker(card())
    return proven(Scripted(worker), worker, latency_s)


def edited(edit: Edit) -> Proven:
    worker = Worker(card())
    return proven(Editing(worker, edit=edit), worker)


def reason(edit: Edit) -> Reason:
    worker = Worker(card())
    return rejected(judged(play([party(ASKED, Editing(worker, edit=edit), worker)])[0]))


def rates(figures: Proven) -> tuple[float, float, float]:
    found = (figures.tensor_ops, figures.memory_bps, figures.mix_ops)
    tensor, memory, mix = found
    assert tensor is not None and memory is not None and mix is not None
    return tensor, memory, mix


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (before(m.Ready, Pause(60.1)), Reason.NOT_READY),
        (before(m.Pong, Pause(5.1), 4), Reason.NOT_READY),
        (before(m.Filled, Pause(60.1)), Reason.LATE),
        (before(m.WalkRoot, Pause(60.1)), Reason.LATE),
        (before(m.UnitRoot, Pause(60.1), 7), Reason.LATE),
        (before(m.RoundDigest, Pause(60.1), 3), Reason.LATE),
        # a phase has one deadline, and not each of its messages
        (before(m.RoundDigest, Pause(20.0)), Reason.LATE),
        (before(m.Opened, Pause(30.1), 0), Reason.NO_OPENINGS),
        (before(m.Opened, Pause(2.0)), Reason.NO_OPENINGS),
        (instead(m.RoundDigest, number=2), Reason.OUT_OF_TURN),
    ],
)
def test_late_is_rejected(edit: Edit, expected: Reason) -> None:
    assert reason(edit) is expected


LAST = {"fill": m.Filled, "walk": m.WalkRoot, "pass": m.UnitRoot, "compute": m.RoundDigest}


@pytest.mark.parametrize("phase", LAST)
def test_each_phase_has_a_deadline_of_its_own(phase: str) -> None:
    """So that none has time for what another is given."""
    for late in LAST:
        worker = Worker(card())
        player = Editing(worker, edit=before(LAST[phase], Pause(10.0), 0))
        deadlines = Deadlines(**{f"{late}_s": 9.9})
        outcome = play([party(ASKED, player, worker, deadlines=deadlines)])[0]
        if phase == late:
            assert rejected(judged(outcome)) is Reason.LATE
        else:
            accepted(judged(outcome))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (instead(m.Ready, HangUp()), Reason.NOT_READY),
        (instead(m.Filled, HangUp()), Reason.ENDED),
        (instead(m.RoundDigest, HangUp(), number=3), Reason.ENDED),
        (instead(m.Opened, HangUp()), Reason.NO_OPENINGS),
        (instead(m.Opened, HangUp(), number=20), Reason.NO_OPENINGS),
        (instead(m.Ready, m.Refused("leased")), Reason.REFUSED),
        (instead(m.RoundDigest, m.Refused("hot")), Reason.REFUSED),
        (instead(m.Opened, m.Refused("I would rather not")), Reason.OUT_OF_TURN),
        (instead(m.Opened, m.Refused("nor this"), number=29), Reason.OUT_OF_TURN),
    ],
)
def test_aborting_is_free_only_before_the_sample(edit: Edit, expected: Reason) -> None:
    """A prover that has seen what is sampled can only open it or be rejected."""
    assert reason(edit) is expected
    assert (expected in BEFORE_SAMPLE) == (expected in (Reason.NOT_READY, *_FREE))


_FREE = (Reason.ENDED, Reason.REFUSED)


@pytest.mark.parametrize("held_s", [0.05, 0.2, 1.0, 4.9])
def test_holding_pongs_earns_three_percent_at_most(held_s: float) -> None:
    usual, held = honest(), edited(before(m.Pong, Pause(held_s)))
    for least, most in zip(rates(usual), rates(held), strict=True):
        assert most <= least / (1 - MAX_ALLOWANCE_SHARE)


def test_holding_one_pong_earns_nothing() -> None:
    """The shortest round trip counts."""
    for number in range(4):
        held = edited(before(m.Pong, Pause(4.0), number))
        assert rates(held) == pytest.approx(rates(honest()))


def test_allowance_is_capped_in_time_and_as_a_share() -> None:
    assert timed(10.0, 0.1) == pytest.approx(9.9)
    assert timed(10.0, 5.0) == pytest.approx(10 - MAX_ALLOWANCE_S)
    assert timed(1.0, 5.0) == pytest.approx(1 - MAX_ALLOWANCE_SHARE)


def test_distance_costs_an_honest_prover_little() -> None:
    """200 ms there and back: what the caps leave of it is under 3 % of nine seconds."""
    near, far = rates(honest())[0], rates(honest(0.1))[0]
    assert far == pytest.approx(near, rel=0.01)


def test_pongs_before_their_pings_shorten_the_allowance_only() -> None:
    worker = Worker(card())
    assert rates(proven(Hasty(worker), worker))[0] <= rates(honest())[0]


@dataclass
class Hasty(Scripted):
    """Does not wait for pings."""

    def hear(self, message: m.Message) -> Iterator[Act]:
        if not isinstance(message, m.Ping):
            yield from super().hear(message)
        if isinstance(message, m.Offer):
            yield from (m.Pong(number) for number in range(5))


class Withholding(Prover):
    """Sends the digests of a phase together, at its end."""

    def _phase(self, phase: str, nonce: bytes) -> Iterator[m.Message]:
        yield from list(super()._phase(phase, nonce))


def test_withheld_digests_shorten_nothing() -> None:
    worker = Worker(card())
    held = proven(Scripted(worker, provers=Withholding), worker)
    for least, most in zip(rates(honest()), rates(held), strict=True):
        assert most <= least * 1.000001


class SaysFilled(Prover):
    """Says so before it is."""

    def _phase(self, phase: str, nonce: bytes) -> Iterator[m.Message]:
        if phase != m.FILL:
            yield from super()._phase(phase, nonce)
            return
        yield m.Filled()
        t = self._terms
        assert t.memory is not None
        self._fill_secret = keys.fill_secret(nonce, t.hotkey, t.slot, t.memory.packed())
        self._engine.fill(keys.key_of(self._fill_secret))


def test_filled_is_only_a_word() -> None:
    """What was not filled by then is so during the walks, whose time then proves less."""
    worker = Worker(card())
    early = proven(Scripted(worker, provers=SaysFilled), worker)
    usual = honest()
    assert rates(early)[2] <= rates(usual)[2] * 1.001
    assert early.vram_bytes is not None and usual.vram_bytes is not None
    assert early.vram_bytes < usual.vram_bytes


def test_seed_that_arrives_early_starts_no_clock() -> None:
    """The offer may come hours before: A's nonce comes with the start of the clock."""
    worker = Worker(card())
    waited = completed(
        play([party(ASKED, Editing(worker, edit=before(m.Ready, Pause(59.0))), worker)])[0]
    )
    straight = Worker(card())
    at_once = completed(play([party(ASKED, Scripted(straight), straight)])[0])
    assert waited.compute is not None and at_once.compute is not None
    assert waited.compute.took_s == pytest.approx(at_once.compute.took_s)


@pytest.mark.parametrize("what", ["tensor_ops", "memory_bps", "mix_ops"])
def test_faster_than_any_device_is_no_proof(what: str) -> None:
    """Right answers at a rate that the class cannot reach come from something else."""
    worker = Worker(card())
    outcome = play([party(ASKED, Scripted(worker), worker)])[0]
    limit = ceiling(worker.gpu)
    accepted(judged(outcome, limit))
    slower = replace(limit, **{what: getattr(limit, what) / 2})
    assert rejected(judged(outcome, slower)) is Reason.TOO_FAST
