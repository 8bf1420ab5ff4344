"""Narrow and yet exact: 9-bit operands split in limbs for INT8 tensor cores, and Strassen.

Nothing stops these, since their products are right and must be accepted.  The width of
the operands decides what they gain on each architecture, and a class's ceiling caps it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from polarisd.proof.judge import Ceiling
from polarisd.proof.matrix import Product
from polarisd.proof.operand import Entries
from polarisd.proof.verdict import Reason
from tests.cheats.cases import COMPUTE, accepted, card, ceiling, proved, rejected, terms
from tests.cheats.test_precision import Imprecise, Multiply, exact


def int8_product(a: Entries, b: Entries) -> Product:
    """What an INT8 tensor core can do, and no more."""
    for operand in (a, b):
        assert operand.min() >= -128 and operand.max() <= 127
    return exact(a, b)


def in_limbs(a: Entries, b: Entries) -> Product:
    """A = 2 Ah + Al and B likewise, Al and Bl one bit each:

        A B = 2 Ah Bh + 2 (Ah + Al)(Bh + Bl) - Al Bl

    The first two are INT8 products, the last is of single bits.  Ah + Al is 128 where
    A is 255; there it is cut to 127, and the few such entries are made good one by one.
    """
    high_a, low_a = a >> 1, a & 1
    high_b, low_b = b >> 1, b & 1
    both_a, both_b = high_a + low_a, high_b + low_b
    cut_a, cut_b = np.minimum(both_a, 127), np.minimum(both_b, 127)
    both = int8_product(cut_a, cut_b)
    both += exact(both_a - cut_a, both_b) + exact(cut_a, both_b - cut_b)
    return 2 * int8_product(high_a, high_b) + 2 * both - exact(low_a, low_b)


def by_strassen(a: Entries, b: Entries) -> Product:
    """One level: seven products of half the edge.  Sums of two 9-bit entries are exact in
    fp16, so its tensor cores can do it; sums of two INT8 entries are no INT8 entries."""

    def fp16_product(x: Entries, y: Entries) -> Product:
        for operand in (x, y):
            assert (operand.astype(np.float16) == operand).all()
        return exact(x, y)

    b = np.ascontiguousarray(b.T)
    m, k, n = (edge // 2 for edge in (*a.shape, b.shape[1]))
    a11, a12, a21, a22 = a[:m, :k], a[:m, k:], a[m:, :k], a[m:, k:]
    b11, b12, b21, b22 = b[:k, :n], b[:k, n:], b[k:, :n], b[k:, n:]
    p1 = fp16_product(a11 + a22, (b11 + b22).T)
    p2 = fp16_product(a21 + a22, b11.T)
    p3 = fp16_product(a11, (b12 - b22).T)
    p4 = fp16_product(a22, (b21 - b11).T)
    p5 = fp16_product(a11 + a12, b22.T)
    p6 = fp16_product(a21 - a11, (b11 + b12).T)
    p7 = fp16_product(a12 - a22, (b21 + b22).T)
    return np.block([[p1 + p4 - p5 + p7, p3 + p5], [p2 + p4, p1 - p2 + p3 + p6]])


@dataclass(frozen=True)
class Architecture:
    """Dense rates of its tensor cores over the rate for 16-bit operands with fp32 sums."""

    int8: float
    int4: float = 0.0
    bits: float = 0.0

    @property
    def gain(self) -> float:
        """Of the best way in limbs: the low bits' product in INT8, INT4 or single bits."""
        low = max(self.int8, self.int4, self.bits)
        return 1 / (2 / self.int8 + 1 / low)


# From NVIDIA's architecture whitepapers.  GeForce has half the rate for 16-bit operands with
# fp32 sums, and for nothing else; there lies the gain.
ARCHITECTURES = {
    "T4, A100, A6000, L40S": (Architecture(int8=2, int4=4, bits=16), 0.9412),
    "H100, H200, B200": (Architecture(int8=2), 0.6667),
    "GeForce, INT8 only": (Architecture(int8=4), 1.3333),
    "GeForce, INT4": (Architecture(int8=4, int4=8), 1.6),
    "GeForce, single bits": (Architecture(int8=4, int4=8, bits=32), 1.8824),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gain_of_limbs(name: str) -> None:
    """Data-centre cards lose by it; GeForce gains 1.33 to 1.9 times, before overheads.

    So the ceiling of a GeForce class bounds what is believed of it, and `in_limbs` being
    right, nothing else can.
    """
    architecture, gain = ARCHITECTURES[name]
    assert architecture.gain == pytest.approx(gain, abs=1e-4)
    assert (architecture.gain > 1) == name.startswith("GeForce")


@pytest.mark.parametrize("multiply", [in_limbs, by_strassen])
def test_exact_shortcuts_are_right_and_accepted(multiply: Multiply) -> None:
    p = replace(COMPUTE, depth=64, group=COMPUTE.chunk_rows)
    for seed in range(4):
        accepted(proved(terms(seed, p), lambda worker: Imprecise(worker, multiply, 1.0)))


def test_ceiling_caps_the_gain() -> None:
    """An RTX 4090's limbs show 1.6 times what its class can do: that is no proof."""
    p = replace(COMPUTE, depth=64)
    gpu = card(p)
    limit: Ceiling = ceiling(gpu)
    faster = 1 / ARCHITECTURES["GeForce, INT4"][1]
    accepted(proved(terms(1, p), gpu=card(p), limit=limit))
    verdict = proved(
        terms(1, p), lambda worker: Imprecise(worker, in_limbs, faster), gpu=gpu, limit=limit
    )
    assert rejected(verdict) is Reason.TOO_FAST


def test_int8_has_no_shortcut_in_its_range() -> None:
    """Strassen's sums leave INT8, and INT4 needs four products at twice the rate."""
    entries = np.array([[-128, 127]], np.int16)
    assert (entries + entries).max() > 127
    assert 4 / 2 > 1
