"""The two kinds of matrix entries, and when their products are exact on any GPU.

Specification: docs/proof.md, "Operands".  A kind says which integers occur; how a
prover encodes them (bf16, fp16, int8, ...) is its own affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polarisd.proof.words import Words

Entries = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Operand:
    """`low`..`high` uniformly; `per_word` entries in a 64-bit word."""

    name: str
    low: int
    high: int
    per_word: int
    max_depth: int

    @property
    def tag(self) -> bytes:
        return self.name.encode()

    @property
    def largest_product(self) -> int:
        return self.low * self.low

    def entry_bound(self, depth: int) -> int:
        """No entry of a product of this depth exceeds it in absolute value."""
        return depth * self.largest_product


# Exact in bf16, fp16 and tf32.  Depth: see `inexact_entry`.
NINE_BIT = Operand("nine_bit", -256, 255, 4, 8192)
# Accumulated in int32.  The depth keeps twice the bound of an entry below Freivalds'
# primes; see docs/proof.md, "By Freivalds".
INT8 = Operand("int8", -128, 127, 8, 65520)
OPERANDS = {operand.name: operand for operand in (NINE_BIT, INT8)}

_LANES = np.uint64(0x01FF01FF01FF01FF)
_OFFSET = np.int16(256)


def entries(words: Words, operand: Operand) -> Entries:
    """The entries in these words, the last axis `per_word` times as long."""
    if operand is INT8:
        octets: Entries = words.astype("<u8", copy=False).view(np.int8).astype(np.int16)
        return octets
    lanes: Entries = (words & _LANES).astype("<u8", copy=False).view("<i2")
    lanes -= _OFFSET
    return lanes


def inexact_entry(operand: Operand, depth: int) -> float:
    """Bound of the chance that one entry's fp32 accumulation is inexact.

    Bernstein's inequality for a sum of `depth` independent products, doubled for the
    maximum over partial sums (Lévy), for leaving 2^24.  Zero where the worst case
    stays within the accumulator: 2^24 for fp32, 2^31 for int32.
    """
    limit = float(1 << 31) if operand is INT8 else float(1 << 24)
    if operand.entry_bound(depth) < limit:
        return 0.0
    variance = ((operand.high - operand.low + 1) ** 2 / 12) ** 2
    exponent = limit * limit / (2 * (depth * variance + operand.largest_product * limit / 3))
    return min(1.0, 4 * math.exp(-exponent))
