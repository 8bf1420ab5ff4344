"""Rows of A and of B's transpose, and rows of the product, from their keys alone.

Specification: docs/proof.md, "Matrices".  Access is random: nobody needs more of A
than the rows that are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from polarisd.proof.operand import NINE_BIT, Entries, Operand, entries
from polarisd.proof.words import SLAB_WORDS, Key, Keys, Words, digest, for_rows, words_at

Product = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
# Rows as integers, in either type.
Rows = Entries | Floats

# Of B in fp32 at a time: 16 MiB, past which a product is hardly faster.
_SLAB_ENTRIES = 1 << 22
# fp32 counts exactly so far.
_FP32_EXACT = 1 << 24


def rows_of(
    key: Key | Keys, numbers: Sequence[int] | Words, depth: int, operand: Operand
) -> Entries:
    """Shape (len(numbers), depth): row g has the words g * width to (g + 1) * width - 1.
    Keys are one a row."""
    out = np.empty((len(numbers), depth), np.int16)
    for some, made in _slabs_of_rows(key, numbers, depth, operand):
        out[some] = made
    return out


def float_rows(
    key: Key | Keys,
    numbers: Sequence[int] | Words,
    depth: int,
    operand: Operand,
    out: Floats | None = None,
) -> Floats:
    """The same in fp32, which holds every entry."""
    if out is None:
        out = np.empty((len(numbers), depth), np.float32)
    for some, made in _slabs_of_rows(key, numbers, depth, operand):
        out[some] = made
    return out


def _slabs_of_rows(
    key: Key | Keys, numbers: Sequence[int] | Words, depth: int, operand: Operand
) -> Iterator[tuple[slice, Entries]]:
    width = depth // operand.per_word
    first = np.asarray(numbers, np.uint64)[:, None] * np.uint64(width)
    within = np.arange(width, dtype=np.uint64)
    step = max(1, SLAB_WORDS // width)
    for at in range(0, len(first), step):
        some = slice(at, at + step)
        yield some, entries(words_at(first[some] + within, for_rows(key, some)), operand)


def row_digests(product: Product, key: Key | Keys) -> Words:
    """One leaf for each row; its columns, four or a multiple, pair up into words.  Keys are
    one a row."""
    little = np.ascontiguousarray(product, "<i4")
    return digest(little.view("<u8").astype(np.uint64, copy=False), key)


def product_rows(rows: Rows, sweep: Key, columns: int, depth: int, operand: Operand) -> Product:
    """These rows times B, exactly but for chance.

    9-bit products go through fp32 as they come: that is exact wherever a GPU's is, and an
    entry that is not fails to match by about one part in 10^10 of honest rows, which
    `exact_product_rows` then settles; see `polarisd.proof.rows`.
    """
    longest = depth if operand is NINE_BIT else _exact_depth(operand)
    return _times_b(rows, sweep, columns, depth, operand, longest)


def exact_product_rows(
    rows: Rows, sweep: Key, columns: int, depth: int, operand: Operand
) -> Product:
    """As `product_rows`, in pieces so short that every partial sum is exact."""
    return _times_b(rows, sweep, columns, depth, operand, _exact_depth(operand))


def _exact_depth(operand: Operand) -> int:
    return (_FP32_EXACT - 1) // operand.largest_product


def _times_b(
    rows: Rows, sweep: Key, columns: int, depth: int, operand: Operand, longest: int
) -> Product:
    """`longest` is how many products are added up in fp32 before int32 takes them."""
    left = rows.astype(np.float32, copy=False)
    out = np.zeros((len(left), columns), np.int32)
    for some, b in slabs_of_b(sweep, columns, depth, operand, _SLAB_ENTRIES // depth):
        for at in range(0, depth, longest):
            piece = slice(at, at + longest)
            out[:, some] += (left[:, piece] @ b[:, piece].T).astype(np.int32)
    return out


def slabs_of_b(
    sweep: Key, columns: int, depth: int, operand: Operand, step: int
) -> Iterator[tuple[slice, Floats]]:
    """B's transpose, `step` rows at a time, and which they are.  Each lasts until the next:
    there is one array for all."""
    slab = np.empty((min(step, columns), depth), np.float32)
    for at in range(0, columns, step):
        numbers = np.arange(at, min(columns, at + step), dtype=np.uint64)
        b = float_rows(sweep, numbers, depth, operand, slab[: len(numbers)])
        yield slice(at, at + len(numbers)), b
