"""Which rows, walkers and blocks are looked at: from a seed drawn after the commitments.

Specification: docs/proof.md, "Sampling".
"""

from __future__ import annotations

from typing import NamedTuple

from polarisd.proof.keys import draw
from polarisd.proof.parameters import ComputeParameters, MemoryParameters


class RowSample(NamedTuple):
    round: int
    row: int


class BlockSample(NamedTuple):
    """A block of the segment that a unit read, counted within the segment."""

    unit: int
    block: int


def sampled_rows(secret: bytes, parameters: ComputeParameters) -> tuple[RowSample, ...]:
    """As many in each round as go around, the rest in rounds drawn at random: a round
    that was made up is always hit."""
    count, rounds = parameters.samples, parameters.rounds
    spread = count // rounds * rounds
    return tuple(
        RowSample(
            n % rounds if n < spread else draw(secret, b"round", n, rounds),
            draw(secret, b"row", n, parameters.rows),
        )
        for n in range(count)
    )


def sampled_walkers(secret: bytes, parameters: MemoryParameters) -> tuple[int, ...]:
    count = parameters.walk_samples
    return tuple(draw(secret, b"walker", n, parameters.walkers) for n in range(count))


def sampled_blocks(secret: bytes, parameters: MemoryParameters) -> tuple[BlockSample, ...]:
    """None when no unit was asked for.  One in each stretch of the units."""
    units, count = parameters.units, parameters.unit_samples
    if not units:
        return ()
    return tuple(
        BlockSample(
            (n * units + draw(secret, b"unit", n, units)) // count,
            draw(secret, b"block", n, parameters.segment_blocks),
        )
        for n in range(count)
    )
