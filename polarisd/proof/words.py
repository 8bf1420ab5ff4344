"""64-bit words: the mixing function, the counter-mode generator, the word digest.

Specification: docs/proof.md, "Words".  All arithmetic is modulo 2^64.  The
multipliers and shifts are those of SplitMix64 (Steele, Lea, Flood 2014, variant 13
of Stafford's mixers); what is new is the second key, between the multiplications.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = (np.uint64(n) for n in (30, 27, 31, 32))
_LOW_HALF = np.uint64(0xFFFFFFFF)
# A few arrays of so many words fit the caches of most processors; larger ones take three
# times as long a word, and much smaller ones leave NumPy busy with starting.
SLAB_WORDS = 1 << 14


class Key(NamedTuple):
    """Two 64-bit halves: one is added to the counter, one goes between the multiplications."""

    k0: int
    k1: int


class Keys(NamedTuple):
    """The halves of many keys, to go with the words, or with the rows, that each is for."""

    k0: Words
    k1: Words


def keys_of(keys: Iterable[Key]) -> Keys:
    halves = np.array(list(keys), np.uint64).reshape(-1, 2)
    return Keys(halves[:, 0].copy(), halves[:, 1].copy())


def for_rows(key: Key | Keys, rows: slice) -> Keys:
    """The keys of these rows, as columns beside them; one key is that of every row."""
    if isinstance(key, Keys):
        return Keys(key.k0[rows, None], key.k1[rows, None])
    return Keys(np.array(key.k0, np.uint64), np.array(key.k1, np.uint64))


def scramble(z: Words, key: Words | np.uint64) -> Words:
    """In place, and returned: a bijection of each word for every key."""
    shifted = z >> _30
    z ^= shifted
    z *= _M1
    z ^= key
    np.right_shift(z, _27, out=shifted)
    z ^= shifted
    z *= _M2
    np.right_shift(z, _31, out=shifted)
    z ^= shifted
    return z


def words_at(counters: Words, key: Key | Keys) -> Words:
    """The generator's words at these counters, in their shape, to which keys must fit."""
    z = counters * GOLDEN
    z += np.asarray(key.k0, np.uint64)
    return scramble(z, np.asarray(key.k1, np.uint64))


def digest(words: Words, key: Key | Keys) -> Words:
    """One word for each row of `words`, shape (rows, even number); keys are one a row.

    Not collision resistant, and nothing relies on that it were: see docs/proof.md,
    "Why the digest alone proves nothing".
    """
    rows, count = words.shape
    if count % 2:
        raise ValueError("a digest takes an even number of words")
    places = np.arange(count // 2, dtype=np.uint64) * GOLDEN
    out = np.empty(rows, np.uint64)
    step = max(1, SLAB_WORDS // max(1, count // 2))
    for row in range(0, rows, step):
        some = slice(row, row + step)
        slab, (k0, k1) = words[some], for_rows(key, some)
        z = slab[:, 0::2] ^ k0
        z += places
        scramble(z, slab[:, 1::2] ^ k1)
        z.sum(axis=1, dtype=np.uint64, out=out[some])
    return out


def scaled(words: Words, count: int | Words) -> Words:
    """floor(word * count / 2^64): a word as an index below `count`, which is under 2^32,
    and may be another for each word."""
    n = np.asarray(count, np.uint64)
    if not (n.min() > 0 and n.max() < 1 << 32):
        raise ValueError("the range of an index is 1 to 2^32 - 1")
    low = ((words & _LOW_HALF) * n) >> _32
    high: Words = ((words >> _32) * n + low) >> _32
    return high
