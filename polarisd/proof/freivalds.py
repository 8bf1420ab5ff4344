"""Freivalds' check of rows of a product, modulo two primes, in exact arithmetic.

Specification: docs/proof.md, "By Freivalds" (R. Freivalds 1979).  A row c of A B is
right if c r = a (B r) for a secret random r; a wrong one passes with one chance in
each prime.  Residues go in limbs, so that every sum below is exact in its float.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polarisd.proof.matrix import slabs_of_b
from polarisd.proof.operand import Entries, Operand
from polarisd.proof.words import Key

PRIMES = (2**31 - 1, 2**31 - 19)
# A residue in pieces of so many bits, so that sums of products with them fit: in fp32
# for B, of which there is so much, and in float64 for rows.
_FP32_BITS, _FP64_BITS = 8, 16
_SLAB_COLUMNS = 128
_SLAB_ENTRIES = 1 << 18

Column = npt.NDArray[np.int64]
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Probe:
    """`r` (columns, 2) and `br` = B r (depth, 2), one column for each prime.  Secret until
    the last proof of its sweep is judged."""

    r: Column
    br: Column


def probe(
    b_key: Key, columns: int, depth: int, operand: Operand, entropy: Callable[[int], bytes]
) -> Probe:
    r = np.stack([_uniform(columns, prime, entropy) for prime in PRIMES], axis=1)
    limbs = np.ascontiguousarray(_limbs(r, _FP32_BITS).T, np.float32)
    total = np.zeros((len(limbs), depth))
    # |entry| <= 2^8, limb < 2^8, 128 terms: at most 2^23
    for some, b in slabs_of_b(b_key, columns, depth, operand, _SLAB_COLUMNS):
        total += limbs[:, some] @ b
    return Probe(r, _joined(total.T, _FP32_BITS))


def wrong_rows(probe: Probe, a: Entries, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """The numbers of those rows that are not a times B."""
    by_r, by_br = (_limbs(each, _FP64_BITS).astype(float) for each in (probe.r, probe.br))
    step = max(1, _SLAB_ENTRIES // max(a.shape[1], rows.shape[1]))
    wrong = [
        _differs(a[at : at + step], by_br, rows[at : at + step], by_r)
        for at in range(0, len(rows), step)
    ]
    return np.nonzero(np.concatenate(wrong))[0]


def _differs(
    a: Entries, by_br: Floats64, rows: npt.NDArray[np.int32], by_r: Floats64
) -> npt.NDArray[np.bool_]:
    # |half of an entry| <= 2^16, limb < 2^16, 2^16 terms: at most 2^48; those of `a` are smaller
    low, high = (half.astype(float) @ by_r for half in (rows & 0xFFFF, rows >> 16))
    left = _joined(low, _FP64_BITS) + (_joined(high, _FP64_BITS) << 16)
    right = _joined(a.astype(float) @ by_br, _FP64_BITS)
    unequal: npt.NDArray[np.bool_] = ((left - right) % np.array(PRIMES) != 0).any(axis=1)
    return unequal


def _limbs(residues: Column, bits: int) -> Column:
    """Beside each other, the lowest of every column first."""
    mask = (1 << bits) - 1
    return np.concatenate([residues >> at & mask for at in range(0, 31, bits)], axis=1)


def _joined(sums: Floats64, bits: int) -> Column:
    """Sums of products with each limb (under 2^53), as residues."""
    total = np.zeros((len(sums), len(PRIMES)), np.int64)
    for at in range(sums.shape[1] // len(PRIMES)):
        limb = sums[:, at * len(PRIMES) : (at + 1) * len(PRIMES)].astype(np.int64)
        # reduced first, so that the shift stays under 2^63
        total += limb % np.array(PRIMES) << bits * at
    result: Column = total % np.array(PRIMES)
    return result


def _uniform(count: int, prime: int, entropy: Callable[[int], bytes]) -> Column:
    """Uniform below the prime: 31 random bits each, drawn again where they are too large."""
    out = np.empty(0, np.int64)
    while len(out) < count:
        drawn = np.frombuffer(entropy(4 * count), "<u4").astype(np.int64) & 0x7FFFFFFF
        out = np.concatenate([out, drawn[drawn < prime]])
    return out[:count]
