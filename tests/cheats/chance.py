"""Exact tails of the binomial distribution: is a count what theory says it is?"""

from __future__ import annotations

import math

# Of being wrong about a right theory.  Seeds are fixed, so a test that passes once always does.
DOUBT = 1e-6


def at_most(count: int, trials: int, chance: float) -> float:
    """The chance of so many successes or fewer."""
    return math.fsum(
        math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(count + 1)
    )


def plausible(count: int, trials: int, chance: float) -> bool:
    """Neither too few successes nor too many."""
    fewer = at_most(count, trials, chance)
    more = at_most(trials - count, trials, 1 - chance)
    return min(fewer, more) > DOUBT / 2
