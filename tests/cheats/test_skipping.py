"""Work that is not done: a share of the rows, or a round.

What stops it: samples drawn after the commitment.  What remains: a share e of the rows
is left out unseen with the chance (1 - e)^samples, which earns less than it loses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from polarisd.proof.judge import judge
from polarisd.proof.parameters import FREIVALDS, RECOMPUTE
from polarisd.proof.reference import Done
from polarisd.proof.soundness import skipped_log2
from polarisd.proof.verdict import Accepted, Reason
from polarisd.proof.words import Key, Words
from tests.cheats.cases import (
    COMPUTE,
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
from tests.cheats.world import Worker

TRIALS = 250


class Skipping(Device):
    """Leaves out this share of each round's rows, spread evenly, and makes up their leaves."""

    def __init__(self, worker: Worker, share: float) -> None:
        super().__init__(worker)
        self.share = share

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        leaves, _ = self.rows_and_product(a_key, digest_key)
        skipped = round(self.share * self.compute.rows)
        leaves[:skipped] = np.arange(skipped, dtype=np.uint64)
        self.spend_product(self.compute.rows - skipped)
        self.made = leaves
        return Done(leaves)


class Faking(Device):
    """Makes up one round, and computes all others."""

    def __init__(self, worker: Worker, number: int) -> None:
        super().__init__(worker)
        self.number = number
        self.rounds = 0

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        self.rounds += 1
        if self.rounds - 1 != self.number:
            return super().start_round(a_key, digest_key)
        return Done(np.arange(self.compute.rows, dtype=np.uint64))


class Remembering(Skipping):
    """Opens what it committed to, so that only the product can betray it."""

    def __init__(self, worker: Worker, share: float) -> None:
        super().__init__(worker, share)
        self.committed: dict[Key, Words] = {}

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        done = super().start_round(a_key, digest_key)
        self.committed[a_key] = done.result
        return done

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, np.ndarray[tuple[int, ...], np.dtype[np.int32]]]:
        leaves, product = super().some_rows(a_key, digest_key, first, count)
        known = self.committed.get(a_key)
        return (leaves if known is None else known[first : first + count]), product


@pytest.mark.parametrize(
    ("share", "samples"),
    [(0.0, 4), (1 / 32, 4), (1 / 32, 32), (1 / 16, 16), (1 / 8, 8), (1 / 4, 4), (1 / 2, 4)],
)
def test_acceptance_follows_theory(share: float, samples: int) -> None:
    asked = terms(0, replace(COMPUTE, samples=samples, chunks=1))
    done = [
        completed(converse(asked, lambda worker: Remembering(worker, share), seed=n))
        for n in range(TRIALS)
    ]
    verdicts = judge(done, [NO_LIMIT] * TRIALS, Entropy(share))
    passed = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    assert asked.compute is not None
    predicted = 2 ** skipped_log2(share, samples, RECOMPUTE)
    assert plausible(passed, TRIALS, min(1.0, predicted))
    assert predicted == pytest.approx((1 - share) ** samples)


@pytest.mark.parametrize("check", [RECOMPUTE, FREIVALDS])
@pytest.mark.parametrize("number", [0, 1, COMPUTE.rounds - 1])
def test_faked_round_is_always_caught(check: str, number: int) -> None:
    for seed in range(5):
        asked = terms(seed, replace(COMPUTE, samples=COMPUTE.rounds, check=check))
        accepted(proved(asked, seed=seed))
        fake = proved(asked, lambda worker: Faking(worker, number), seed=seed)
        assert rejected(fake) in (Reason.WRONG_PATH, Reason.WRONG_ROW)


def test_overclaim_shows_in_the_figure_only_until_it_is_caught() -> None:
    """Half of the work looks like twice the rate, and fails at the first sample of it."""
    asked = terms(1)
    honest = accepted(proved(asked)).proven.tensor_ops
    assert honest is not None
    half = completed(converse(asked, lambda worker: Remembering(worker, 0.5)))
    full = completed(converse(asked))
    assert half.compute is not None and full.compute is not None
    assert half.compute.took_s == pytest.approx(full.compute.took_s / 2, rel=0.01)
    assert rejected(proved(asked, lambda worker: Remembering(worker, 0.5))) is Reason.WRONG_ROW


@pytest.mark.parametrize("samples", [2, 8, 48])
def test_skipping_and_aborting_earns_less_than_honesty(samples: int) -> None:
    """An abort after the sample counts as nothing earned, so a prover that skips a share
    expects rate 1 / (1 - e) times the chance (1 - e)^samples."""
    for share in np.linspace(0.001, 0.999, 200):
        expected = (1 - share) ** samples / (1 - share)
        assert expected == pytest.approx((1 - share) ** (samples - 1))
        assert expected < 1
