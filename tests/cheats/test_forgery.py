"""Rows invented to fit a leaf, and openings of something else than was committed to.

What stops it: the digest alone would not, since its mixing can be turned round; the
product itself is checked, by making it anew or by Freivalds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from polarisd.proof import keys, tree
from polarisd.proof import messages as m
from polarisd.proof.matrix import Product, row_digests
from polarisd.proof.parameters import FREIVALDS, RECOMPUTE
from polarisd.proof.prover import Prover
from polarisd.proof.reference import Done
from polarisd.proof.sample import sampled_rows
from polarisd.proof.transcript import Opening, Transcript
from polarisd.proof.verdict import Reason
from polarisd.proof.words import GOLDEN, Key, Words, scramble
from tests.cheats.cases import (
    COMPUTE,
    Entropy,
    accepted,
    completed,
    converse,
    judged,
    proved,
    rejected,
    terms,
)
from tests.cheats.devices import Device

_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def unshift(z: Words, count: int) -> Words:
    """The word that `z ^ (z >> count)` was made from."""
    out: Words = z.copy()
    for _ in range(64 // count):
        out = z ^ (out >> np.uint64(count))
    return out


def unscramble(z: Words, key: Words) -> Words:
    """`scramble` turned round: it is a bijection for each key."""
    inverse1, inverse2 = (np.uint64(pow(each, -1, 1 << 64)) for each in (_M1, _M2))
    z = unshift(unshift(z, 31) * inverse2, 27) ^ key
    return unshift(z * inverse1, 30)


def forged_row(honest: Product, key: Key, leaf: int, bound: int) -> Product:
    """A row with this leaf that differs from the honest one in its first four entries.

    Two of them are varied, and the other two follow; all must stay within the bound of
    an entry, as about one in 2^(2 (31 - log2 bound)) does.
    """
    rest: Product = honest.copy()
    rest[:4] = 0
    place = term(rest[:4], key)
    needed = leaf - int(row_digests(rest[None], key)[0]) + place
    draw = np.random.default_rng(leaf & 0xFFFF)
    while True:
        free = draw.integers(-bound, bound, (1 << 18, 2), np.int32, endpoint=True)
        second = free.view("<u8")[:, 0].astype(np.uint64)
        z = unscramble(
            np.full(len(free), needed % (1 << 64), np.uint64), second ^ np.uint64(key.k1)
        )
        first = (z ^ np.uint64(key.k0)).astype("<u8").view("<i4").reshape(-1, 2)
        fits = np.nonzero((np.abs(first.astype(np.int64)) <= bound).all(axis=1))[0]
        if len(fits):
            rest[:2], rest[2:4] = first[fits[0]], free[fits[0]]
            return rest


def term(four: Product, key: Key) -> int:
    """What the first four entries add to a digest."""
    words = np.ascontiguousarray(four, "<i4").view("<u8").astype(np.uint64)
    z = words[:1] ^ np.uint64(key.k0)
    return int(scramble(z, words[1:] ^ np.uint64(key.k1))[0])


class Garbage(Device):
    """Commits to leaves out of nowhere, in no time, and opens rows forged to fit them."""

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        return Done(np.arange(self.compute.rows, dtype=np.uint64) * GOLDEN)

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        _, product = super().some_rows(a_key, digest_key, first, count)
        leaves = np.arange(first, first + count, dtype=np.uint64) * GOLDEN
        bound = self.compute.kind.entry_bound(self.compute.depth)
        for row, leaf in enumerate(leaves):
            product[row] = forged_row(product[row], digest_key, int(leaf), bound)
        return leaves, product


class Later(Device):
    """Commits to leaves out of nowhere, in no time, and computes the rows that are opened."""

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        return Done(np.arange(self.compute.rows, dtype=np.uint64) * GOLDEN)

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        _, product = super().some_rows(a_key, digest_key, first, count)
        return np.arange(first, first + count, dtype=np.uint64) * GOLDEN, product


SMALL = replace(
    COMPUTE, depth=1024, chunk_rows=4, chunks=1, group=1, rounds=2, samples=3, check=FREIVALDS
)


def digest_alone_accepts(transcript: Transcript) -> bool:
    """A check that only looks whether each opened row has its leaf, in range."""
    p, record = transcript.terms.compute, transcript.compute
    assert p is not None and record is not None
    t = transcript.terms
    chain = keys.chain_secret(record.nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
    secret = keys.sample_secret(transcript.sample_seed, transcript.commitments)
    for opening, (number, row) in zip(transcript.rows, sampled_rows(secret, p), strict=True):
        link = keys.links_before(record.digests, p.rounds)[number]
        key = keys.row_digest_key(keys.round_secret(chain, number, link))
        shown = np.frombuffer(opening.row, "<i4")
        root = tree.root_from(opening.block, row // p.group, opening.path)
        if root != record.digests[number]:
            return False
        if np.abs(shown).max() > p.kind.entry_bound(p.depth):
            return False
        if int(row_digests(shown[None], key)[0]) != tree.leaf(opening.block, row % p.group):
            return False
    return True


def test_scramble_can_be_turned_round() -> None:
    draw = np.random.default_rng(1)
    z, key = draw.integers(0, 1 << 64, (2, 1000), np.uint64)
    assert (unscramble(scramble(z.copy(), key), key) == z).all()


@pytest.mark.parametrize("operand", ["nine_bit", "int8"])
def test_forged_rows_fit_their_leaves_and_fail_the_product(operand: str) -> None:
    asked = terms(operand, replace(SMALL, operand=operand))
    accepted(proved(asked))
    forged = completed(converse(asked, Garbage))
    assert digest_alone_accepts(forged)
    assert rejected(judged(forged)) is Reason.WRONG_PRODUCT
    remade = replace(asked, compute=replace(SMALL, operand=operand, check=RECOMPUTE))
    assert rejected(proved(remade, Garbage)) is Reason.WRONG_ROW


@pytest.mark.parametrize("check", [RECOMPUTE, FREIVALDS])
def test_rows_computed_when_the_sample_is_known(check: str) -> None:
    """The rows are right, and not what was committed to."""
    assert rejected(proved(terms(check, replace(COMPUTE, check=check)), Later)) is Reason.WRONG_ROW


def test_entries_off_by_a_prime_are_out_of_range() -> None:
    """Modulo one prime such a row is right; the bound of an entry is what keeps it out."""
    p = replace(SMALL, operand="int8", depth=65520, columns=16, samples=2, group=1, chunk_rows=1)
    asked = terms(3, p)
    right = completed(converse(asked))
    row = np.frombuffer(right.rows[0].row, "<i4").astype(np.int64)
    places = [int((row > 0).argmax()), int((row < 0).argmax())]
    for prime, place in itertools.product((2**31 - 1, 2**31 - 19), places):
        moved = row - np.where(row > 0, prime, -prime)
        assert (np.abs(moved) > p.kind.entry_bound(p.depth)).all()
        off = row.copy()
        off[place] = moved[place]
        opening = replace(right.rows[0], row=off.astype("<i4").tobytes())
        wrong = replace(right, rows=(opening, *right.rows[1:]))
        assert rejected(judged(wrong)) is Reason.WRONG_PRODUCT
    assert 2 * p.kind.entry_bound(p.depth) < 2**31 - 19


class Opener(Prover):
    """Opens other than what is asked."""

    how = ""

    def _open_rows(self, done: object, secret: bytes) -> Iterator[m.Message]:
        if self.how == "another sample":
            secret = keys.sample_secret(secret, b"")
        opened = [each for each in super()._open_rows(done, secret) if isinstance(each, m.Opened)]  # type: ignore[arg-type]
        blocks = [each.opening for each in opened]
        if self.how == "one for all":
            blocks = blocks[:1] * len(blocks)
        elif self.how == "in reverse":
            blocks.reverse()
        elif self.how == "another path":
            blocks = [replace(each, path=each.path[::-1]) for each in blocks]
        elif self.how == "a right leaf beside":
            blocks = [replace(each, block=each.block[8:] + each.block[:8]) for each in blocks]
        for place, opening in enumerate(blocks):
            yield m.Opened(m.ROW, place, opening)


@pytest.mark.parametrize("check", [RECOMPUTE, FREIVALDS])
@pytest.mark.parametrize(
    "how", ["another sample", "one for all", "in reverse", "another path", "a right leaf beside"]
)
def test_other_openings_are_rejected(how: str, check: str) -> None:
    asked = terms(how, replace(COMPUTE, check=check))
    cheat = type("Cheat", (Opener,), {"how": how})
    accepted(proved(asked, provers=type("Honest", (Opener,), {})))
    assert rejected(proved(asked, provers=cheat)) is Reason.WRONG_PATH


def test_leaf_of_a_node_is_no_leaf() -> None:
    """A node's two hashes offered as a block of eight leaves: the tags differ."""
    asked = terms(4)
    right = completed(converse(asked))
    path = right.rows[0].path
    inner = tree.block_hash(right.rows[0].block)
    block = inner + path[0]
    wrong = Opening(block, path[1:])
    assert len(block) == 8 * COMPUTE.group
    verdict = judged(replace(right, rows=(wrong, *right.rows[1:])))
    assert rejected(verdict) is Reason.MALFORMED
    longer = Opening(block, (*path[1:], Entropy(1)(32)))
    verdict = judged(replace(right, rows=(longer, *right.rows[1:])))
    assert rejected(verdict) is Reason.WRONG_PATH
