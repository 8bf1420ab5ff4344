"""Honest provers, ten thousand of them, small and of all shapes: none is rejected."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from polarisd.proof.judge import judge
from polarisd.proof.parameters import CHECKS, ComputeParameters, MemoryParameters
from polarisd.proof.transcript import Transcript
from polarisd.proof.verdict import Accepted
from tests.cheats.cases import NO_LIMIT, Entropy, completed, converse, terms

RUNS = 10_000
# Runs of the same parameters, which share B and are judged together.
ALIKE = 50
PARTS = 8


def some_compute(rng: random.Random) -> ComputeParameters:
    group = rng.choice([1, 2, 4, 8])
    rounds = rng.randint(1, 5)
    return ComputeParameters(
        operand=rng.choice(["nine_bit", "int8"]),
        chunk_rows=group * rng.randint(1, 4),
        columns=16 * rng.randint(1, 3),
        depth=16 * rng.randint(1, 4),
        chunks=rng.randint(1, 3),
        rounds=rounds,
        group=group,
        samples=rounds + rng.randint(0, 5),
        check=rng.choice(CHECKS),
    )


def some_memory(rng: random.Random) -> MemoryParameters:
    group = rng.choice([1, 2])
    segments = rng.choice([2, 4])
    return MemoryParameters(
        blocks=segments * group,
        cost=rng.randint(1, 3),
        walkers=group * rng.randint(1, 20),
        steps=rng.randint(1, 12),
        segments=segments,
        units=rng.randint(0, 7),
        group=group,
        walk_samples=rng.randint(1, 4),
        unit_samples=rng.randint(1, 4),
    )


def done(number: int) -> list[Transcript]:
    """Some runs of the same parameters, one in ten of which fill memory too."""
    rng = random.Random(number)
    memory = some_memory(rng) if number % 10 == 0 else None
    compute = some_compute(rng) if number % 20 else None
    asked = terms(number, compute, memory)
    return [completed(converse(asked, seed=(number, n))) for n in range(ALIKE)]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_honest_prover_is_rejected(part: int) -> None:
    for number in range(part, RUNS // ALIKE, PARTS):
        transcripts = done(number)
        verdicts = judge(transcripts, [NO_LIMIT] * ALIKE, Entropy(number))
        assert all(isinstance(verdict, Accepted) for verdict in verdicts), verdicts


def test_one_wrong_among_many_is_the_only_one_rejected() -> None:
    """A batch's verdicts are each its own."""
    transcripts = done(1) + done(2)
    mixed = [*transcripts[:3], *transcripts[ALIKE : ALIKE + 3]]
    swapped = [*mixed[1:3], mixed[0], *mixed[3:]]
    rows = mixed[0].rows
    wrong = [replace(swapped[0], rows=rows), *swapped[1:]]
    verdicts = judge(wrong, [NO_LIMIT] * len(wrong), Entropy(1))
    assert [isinstance(each, Accepted) for each in verdicts] == [False] + [True] * 5
