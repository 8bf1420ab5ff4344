"""How likely a prover that did less than it claims passes all the same.

Specification: docs/proof.md, "Soundness".  Chances are given as their binary
logarithm: -40 means one in 2^40.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from polarisd.proof.operand import inexact_entry
from polarisd.proof.parameters import FREIVALDS, ComputeParameters, MemoryParameters

# What "as good as certain" means wherever one number is wanted.
CERTAIN_LOG2 = -40.0
_GUESSED_LEAF_LOG2 = -64.0
_FREIVALDS_LOG2 = -61.99


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSoundness:
    """Of one accepted compute proof.

    `half_skipped_log2`: the chance that a prover that left out half of all rows
    passes.  `certain_share`: the share of rows that were computed, except with the
    chance 2^-40.  `honest_rejected_log2`: the chance that an honest prover fails
    because a sampled entry was not exact in fp32.
    """

    samples: int
    half_skipped_log2: float
    certain_share: float
    honest_rejected_log2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySoundness:
    """Of one accepted memory proof: `made_up_log2` is the chance that a prover that
    made up a hundredth of the lines passes; `walk_half_log2` and `pass_half_log2`
    that one passes that left out half of the walkers, half of the blocks."""

    made_up_log2: float
    walk_half_log2: float
    pass_half_log2: float


def skipped_log2(skipped: float, samples: int, check: str) -> float:
    """The chance to pass after leaving out this share of the rows, 0 to 1."""
    if skipped <= 0.0:
        return 0.0
    unseen = samples * math.log2(1 - skipped) if skipped < 1 else -math.inf
    chances = [unseen, math.log2(samples) + _GUESSED_LEAF_LOG2]
    if check == FREIVALDS:
        chances.append(math.log2(samples) + _FREIVALDS_LOG2)
    return min(0.0, _log2_sum(chances))


def samples_for(skipped: float, chance_log2: float) -> int:
    """How many samples catch a prover that skips this share but for this chance."""
    if not 0 < skipped < 1 or chance_log2 >= 0:
        raise ValueError("a share between 0 and 1 and a chance below 1")
    return math.ceil(chance_log2 / math.log2(1 - skipped))


def skippable(samples: int, chance_log2: float) -> float:
    """The largest share that can have been skipped but for this chance."""
    return float(1 - 2 ** (chance_log2 / samples))


def of_compute(parameters: ComputeParameters) -> ComputeSoundness:
    samples = parameters.samples
    inexact = inexact_entry(parameters.kind, parameters.depth)
    chance = min(1.0, inexact * parameters.columns * samples)
    return ComputeSoundness(
        samples=samples,
        half_skipped_log2=skipped_log2(0.5, samples, parameters.check),
        certain_share=1 - skippable(samples, CERTAIN_LOG2),
        honest_rejected_log2=math.log2(chance) if chance > 0 else -math.inf,
    )


def of_memory(parameters: MemoryParameters) -> MemorySoundness:
    walk, units = parameters.walk_samples, parameters.unit_samples
    guessed = math.log2(max(walk, units)) + _GUESSED_LEAF_LOG2
    return MemorySoundness(
        made_up_log2=_log2_sum([walk * parameters.steps * math.log2(0.99), guessed]),
        walk_half_log2=-float(walk),
        pass_half_log2=-float(units) if parameters.units else 0.0,
    )


def _log2_sum(logs: list[float]) -> float:
    top = max(logs)
    if top == -math.inf:
        return top
    return top + math.log2(sum(2 ** (each - top) for each in logs))
