"""Cheaper arithmetic: rounded results, narrow accumulators, narrow operands.

What stops it: entries are exact integers, so what is not exact is wrong.  What remains:
arithmetic that is narrow and yet exact, see `test_downgrade`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from polarisd.proof.matrix import Product, row_digests, rows_of
from polarisd.proof.operand import Entries
from polarisd.proof.parameters import FREIVALDS, RECOMPUTE
from polarisd.proof.reference import Done
from polarisd.proof.verdict import Reason
from polarisd.proof.words import Key, Words
from tests.cheats.cases import COMPUTE, accepted, proved, rejected, terms
from tests.cheats.devices import Device
from tests.cheats.world import Worker

Multiply = Callable[[Entries, Entries], Product]


class Imprecise(Device):
    """Multiplies in its own way, at `factor` of the honest time."""

    def __init__(self, worker: Worker, multiply: Multiply, factor: float) -> None:
        super().__init__(worker)
        self.multiply, self.factor = multiply, factor

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        self.spend_product(self.compute.rows, self.factor)
        return Done(self.some_rows(a_key, digest_key, 0, self.compute.rows)[0])

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        p = self.compute
        a = rows_of(a_key, np.arange(first, first + count, dtype=np.uint64), p.depth, p.kind)
        b = rows_of(self._b_key, np.arange(p.columns, dtype=np.uint64), p.depth, p.kind)
        product = self.multiply(a, b)
        return row_digests(product, digest_key), product


def exact(a: Entries, b: Entries) -> Product:
    product: Product = (a.astype(np.int64) @ b.astype(np.int64).T).astype(np.int32)
    return product


def rounded_to_bf16(a: Entries, b: Entries) -> Product:
    """Right entries, written with 8 significant bits."""
    bits = exact(a, b).astype(np.float32).view(np.uint32)
    nearest = (bits + np.uint32(0x8000)) & np.uint32(0xFFFF0000)
    rounded: Product = nearest.view(np.float32).astype(np.int32)
    return rounded


def written_as_fp16(a: Entries, b: Entries) -> Product:
    """Right entries, clipped to fp16 and with its 11 significant bits."""
    clipped = np.clip(exact(a, b), -65504, 65504)
    return clipped.astype(np.float16).astype(np.int32)


def summed_in(kind: npt.DTypeLike, limit: float) -> Multiply:
    """Every partial sum is rounded to this type, and kept within its range."""

    def multiply(a: Entries, b: Entries) -> Product:
        total = np.zeros((len(a), len(b)), kind)
        for x, y in zip(a.T.astype(np.float64), b.T.astype(np.float64), strict=True):
            wide = total.astype(np.float64) + np.multiply.outer(x, y)
            total = np.clip(wide, -limit, limit).astype(kind)
        return total.astype(np.int32)

    return multiply


def summed_in_14_bits(a: Entries, b: Entries) -> Product:
    """As tensor cores of Hopper sum FP8: what is below 2^-13 of the largest is cut off."""
    total = np.zeros((len(a), len(b)))
    for x, y in zip(a.T.astype(np.float64), b.T.astype(np.float64), strict=True):
        total += np.multiply.outer(x, y)
        unit = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(total), 1))) - 13)
        total = np.trunc(total / unit) * unit
    return total.astype(np.int32)


def in_8_bits(a: Entries, b: Entries) -> Product:
    """9-bit operands without their lowest bit, as INT8 holds them."""
    return exact(a >> 1, b >> 1) * 4


def in_fp8(a: Entries, b: Entries) -> Product:
    """Operands rounded to the four significant bits of E4M3."""

    def narrow(x: Entries) -> Entries:
        unit = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(x.astype(np.float64)), 1))) - 3)
        nearest: Entries = (np.round(x / unit) * unit).astype(np.int16)
        return nearest

    return exact(narrow(a), narrow(b))


def one_wrong(a: Entries, b: Entries) -> Product:
    """One entry of each row is off by one, at another place each time."""
    product = exact(a, b)
    rows = np.arange(len(product))
    product[rows, a[:, 0] % product.shape[1]] += 1
    return product


def two_swapped(a: Entries, b: Entries) -> Product:
    product = exact(a, b)
    product[:, [0, 1]] = product[:, [1, 0]]
    return product


def pairs_swapped(a: Entries, b: Entries) -> Product:
    """Entries that are mixed together change places with the next such."""
    product = exact(a, b)
    product[:, :8] = product[:, [4, 5, 6, 7, 0, 1, 2, 3]]
    return product


def sparse_2_of_4(a: Entries, b: Entries) -> Product:
    """Of each four entries of A the two smaller ones are dropped: twice as fast on
    sparse tensor cores."""
    quads = a.reshape(len(a), -1, 4).copy()
    small = np.argsort(np.abs(quads), axis=2)[:, :, :2]
    np.put_along_axis(quads, small, 0, axis=2)
    return exact(quads.reshape(a.shape), b)


CHEATS: dict[str, tuple[str, int, Multiply, float]] = {
    "rounded to bf16": ("nine_bit", 64, rounded_to_bf16, 1.0),
    "written as fp16": ("nine_bit", 64, written_as_fp16, 1.0),
    "summed in fp16": ("nine_bit", 64, summed_in(np.float16, 65504), 0.5),
    "summed in int16": ("int8", 64, summed_in(np.int16, 32767), 0.5),
    "summed in 14 bits": ("nine_bit", 64, summed_in_14_bits, 0.5),
    "in 8 bits": ("nine_bit", 64, in_8_bits, 0.5),
    "in fp8": ("nine_bit", 64, in_fp8, 0.5),
    "int8 in fp8": ("int8", 64, in_fp8, 1.0),
    "one wrong": ("nine_bit", 64, one_wrong, 1.0),
    "one wrong in int8": ("int8", 64, one_wrong, 1.0),
    "two swapped": ("nine_bit", 64, two_swapped, 1.0),
    "pairs swapped": ("nine_bit", 64, pairs_swapped, 1.0),
    "sparse": ("nine_bit", 64, sparse_2_of_4, 0.5),
}


@pytest.mark.parametrize("check", [RECOMPUTE, FREIVALDS])
@pytest.mark.parametrize("name", CHEATS)
def test_inexact_products_are_rejected(name: str, check: str) -> None:
    operand, depth, multiply, factor = CHEATS[name]
    p = replace(COMPUTE, operand=operand, depth=depth, check=check, samples=COMPUTE.rounds)
    asked = terms(name, p)
    accepted(proved(asked))
    accepted(proved(asked, lambda worker: Imprecise(worker, exact, 1.0)))
    verdict = proved(asked, lambda worker: Imprecise(worker, multiply, factor))
    wrong = Reason.WRONG_PRODUCT if check == FREIVALDS else Reason.WRONG_ROW
    assert rejected(verdict) is wrong


def test_fp32_accumulation_is_accepted() -> None:
    """What a tensor core does; the depth is the largest, and the order is BLAS's own."""

    def in_fp32(a: Entries, b: Entries) -> Product:
        product: Product = (a.astype(np.float32) @ b.astype(np.float32).T).astype(np.int32)
        return product

    p = replace(COMPUTE, depth=8192, chunk_rows=8, rounds=2, samples=8)
    accepted(proved(terms(5, p), lambda worker: Imprecise(worker, in_fp32, 1.0)))
