"""Knowing the sample before committing: impossible, since it has not been drawn yet."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from polarisd.proof import keys
from polarisd.proof import messages as m
from polarisd.proof.sample import sampled_blocks, sampled_rows, sampled_walkers
from polarisd.proof.session import Deadlines, Session
from tests.cheats.cases import (
    COMPUTE,
    MEMORY,
    Entropy,
    Scripted,
    card,
    completed,
    converse,
    terms,
)
from tests.cheats.world import Party, Worker, play


@dataclass
class Watched(Session):
    """Notes what had come when each random number was drawn."""

    def __init__(self, seed: object) -> None:
        self.came: list[m.Message] = []
        self.drawn_after: list[int] = []
        self.entropy = Entropy(seed)
        super().__init__(terms(seed, memory=MEMORY), Deadlines(), self._draw)

    def _draw(self, count: int) -> bytes:
        self.drawn_after.append(len(self.came))
        return self.entropy(count)

    def receive(self, data: bytes, now: float) -> None:
        self.came.append(m.decode(data))
        super().receive(data, now)


def test_seed_is_drawn_after_the_last_commitment() -> None:
    session = Watched(1)
    worker = Worker(card())
    completed(play([Party(session, Scripted(worker), worker)])[0])
    last = max(
        place
        for place, message in enumerate(session.came)
        if isinstance(message, (m.WalkRoot, m.UnitRoot, m.RoundDigest))
    )
    # four nonces, each when its phase begins, and the sample's seed
    assert len(session.drawn_after) == 5
    assert session.drawn_after[-1] == last + 1
    assert all(each <= last for each in session.drawn_after[:-1])


def test_each_nonce_is_drawn_when_its_phase_begins() -> None:
    session = Watched(2)
    worker = Worker(card())
    completed(play([Party(session, Scripted(worker), worker)])[0])
    before = [type(session.came[after - 1]) for after in session.drawn_after]
    assert before == [m.Pong, m.Filled, m.WalkRoot, m.UnitRoot, m.RoundDigest]


def test_sample_depends_on_every_commitment() -> None:
    """So that no commitment could be chosen after a seed that leaked."""
    done = completed(converse(terms(3, memory=MEMORY)))
    commitments = done.commitments
    assert len(commitments) == 32 * (1 + MEMORY.units + COMPUTE.rounds)
    drawn = {sampled_rows(keys.sample_secret(done.sample_seed, commitments), COMPUTE)}
    for place in range(0, len(commitments), 32):
        changed = bytearray(commitments)
        changed[place] ^= 1
        secret = keys.sample_secret(done.sample_seed, bytes(changed))
        drawn.add(sampled_rows(secret, COMPUTE))
    assert len(drawn) == 1 + len(commitments) // 32


@pytest.mark.parametrize("kind", ["row", "walker", "block", "unit"])
def test_samples_are_uniform(kind: str) -> None:
    """Chi squared over the places, within five standard deviations."""
    counts: dict[int, int] = {}
    for number in range(2000):
        secret = keys.sample_secret(Entropy(number)(32), b"")
        drawn = {
            "row": lambda s: [each.row for each in sampled_rows(s, COMPUTE)],
            "walker": lambda s: [walker // 4 for walker in sampled_walkers(s, MEMORY)],
            "block": lambda s: [each.block for each in sampled_blocks(s, MEMORY)],
            "unit": lambda s: [each.unit for each in sampled_blocks(s, MEMORY)],
        }[kind](secret)
        for place in drawn:
            counts[place] = counts.get(place, 0) + 1
    places = {"row": COMPUTE.rows, "walker": MEMORY.walkers // 4}.get(kind, len(counts))
    expected = sum(counts.values()) / places
    chi = sum((counts.get(place, 0) - expected) ** 2 / expected for place in range(places))
    assert abs(chi - (places - 1)) < 5 * (2 * places) ** 0.5
