"""How much of its memory an honest card has proven, by the formulas and the classes' rates.

Nothing is timed: a card is taken to do exactly what is expected of its class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polarisd.proof.calibration import RANDOM_SHARE, Expected, memory_for
from polarisd.proof.classes import CLASSES
from polarisd.proof.judge import Ceiling, lacking_share
from polarisd.proof.parameters import LINE_BYTES
from tests.bench.place import Place
from tests.bench.result import Row

PCIE_5_BPS = 64e9


def run(place: Place) -> Iterator[Row]:
    for name, known in CLASSES.items():
        own = replace(known.ceiling, remake_ops=known.expected.mix_ops)
        worst = replace(known.ceiling, elsewhere_bps=PCIE_5_BPS)
        for what, ceiling in (("its own link and mixing rate", own), ("PCIe 5, a faster", worst)):
            held, read = shares(known.expected, ceiling)
            yield Row(f"{name}, {what}", f"{held:.2f} of the memory, {read:.2f} of bandwidth")


def shares(expected: Expected, ceiling: Ceiling) -> tuple[float, float]:
    """Of the memory, and of what is read a second, that are proven."""
    p = memory_for(expected)
    walk_s = p.walkers * p.steps * LINE_BYTES / (RANDOM_SHARE * expected.memory_bps)
    held = 1.0 - lacking_share(p, walk_s, ceiling)
    others_bps = 8 * ceiling.remake_ops / p.cost + ceiling.host_bps
    return held, max(0.0, held - others_bps / expected.memory_bps)
