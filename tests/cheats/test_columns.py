"""Rows that are wrong in a way that one of the checks would not see.

What stops it: a digest in which every entry has its place, two primes, and vectors of
Freivalds that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from polarisd.proof import freivalds, keys
from polarisd.proof.freivalds import PRIMES
from polarisd.proof.judge import judge
from polarisd.proof.matrix import Product, row_digests
from polarisd.proof.parameters import FREIVALDS, RECOMPUTE
from polarisd.proof.reference import Done
from polarisd.proof.verdict import Reason
from polarisd.proof.words import Key, Words
from tests.cheats.cases import (
    COMPUTE,
    NO_LIMIT,
    Entropy,
    accepted,
    completed,
    converse,
    proved,
    rejected,
    terms,
)
from tests.cheats.devices import Device
from tests.cheats.world import Worker


class Changed(Device):
    """Has every row changed before it is digested, and opens what it digested."""

    def change(self, product: Product) -> Product:
        raise NotImplementedError

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        self.spend_product(self.compute.rows)
        return Done(self.some_rows(a_key, digest_key, 0, self.compute.rows)[0])

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        _, product = super().some_rows(a_key, digest_key, first, count)
        changed = np.ascontiguousarray(self.change(product))
        return row_digests(changed, digest_key), changed


class Permuted(Changed):
    """Its columns are in another order: B's may be made in any."""

    order: tuple[int, ...] = ()

    def change(self, product: Product) -> Product:
        return product[:, [*self.order, *range(len(self.order), product.shape[1])]]


ORDERS = {
    "as they are": (0, 1),
    "halves of a word": (1, 0),
    "words of a pair": (2, 3, 0, 1),
    "pairs of words": (4, 5, 6, 7, 0, 1, 2, 3),
}


@pytest.mark.parametrize("check", [RECOMPUTE, FREIVALDS])
@pytest.mark.parametrize("order", ORDERS)
def test_columns_in_another_order(order: str, check: str) -> None:
    device = type("Ordered", (Permuted,), {"order": ORDERS[order]})
    verdict = proved(terms(order, replace(COMPUTE, check=check)), device)
    if order == "as they are":
        accepted(verdict)
    else:
        wrong = Reason.WRONG_ROW if check == RECOMPUTE else Reason.WRONG_PRODUCT
        assert rejected(verdict) is wrong


def convergents(ratio: int, prime: int) -> Iterator[tuple[int, int]]:
    """Pairs (n, d) with n = ratio * d modulo the prime, ever smaller in n (Euclid)."""
    before, at = (prime, 0), (ratio, 1)
    while at[0]:
        yield at
        quotient = before[0] // at[0]
        before, at = at, (before[0] - quotient * at[0], before[1] - quotient * at[1])


def unseen_change(r: freivalds.Column, prime: int) -> tuple[int, int]:
    """What can be added to the first two entries, that changes no product with `r`."""
    ratio = -int(r[1]) * pow(int(r[0]), -1, prime) % prime
    return next(pair for pair in convergents(ratio, prime) if pair[0] < 1 << 16)


# Entries far from their bound, so that a change keeps within it.
P = replace(COMPUTE, depth=1024, rounds=1, chunks=1, chunk_rows=8, check=FREIVALDS)


class Offset(Changed):
    """Adds to each row what one of Freivalds' products does not show."""

    def __init__(self, worker: Worker, added: tuple[int, int]) -> None:
        super().__init__(worker)
        self.added = added

    def change(self, product: Product) -> Product:
        product = product.copy()
        product[:, :2] += np.array(self.added, np.int32)
        return product


@pytest.mark.parametrize("place", [0, 1])
def test_both_primes_count(place: int) -> None:
    """A prover that learnt one of the two vectors could have any row pass it, within its
    bounds; the other rejects them all."""
    asked = terms(place, P)
    b_key = keys.sweep_key(asked.sweep_seed, P.kind.tag, P.columns, P.depth)
    known = freivalds.probe(b_key, P.columns, P.depth, P.kind, Entropy("known"))
    added = unseen_change(known.r[:, place], PRIMES[place])
    for number, prime in enumerate(PRIMES):
        shown = (added[0] * int(known.r[0, number]) + added[1] * int(known.r[1, number])) % prime
        assert (shown == 0) == (number == place)
    assert max(map(abs, added)) < P.kind.entry_bound(P.depth) / 10
    outcome = completed(converse(asked, lambda worker: Offset(worker, added)))
    verdict = judge([outcome], [NO_LIMIT], Entropy("known"))[0]
    assert rejected(verdict) is Reason.WRONG_PRODUCT
    honest = completed(converse(asked, lambda worker: Offset(worker, (0, 0))))
    accepted(judge([honest], [NO_LIMIT], Entropy("known"))[0])


def test_vectors_are_drawn_for_each_judgement() -> None:
    """And from what is secret: a change that fits one draw does not fit the next."""
    b_key = Key(1, 2)
    entropy = Entropy("secret")
    first, second = (freivalds.probe(b_key, 16, 16, P.kind, entropy) for _ in range(2))
    assert (first.r != second.r).all()
    assert len(np.unique(first.r)) == first.r.size
