"""The pure parts of the proofs: words, entries, products, trees, samples, soundness."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import freivalds
from polarisd.proof.matrix import exact_product_rows, product_rows, row_digests, rows_of
from polarisd.proof.operand import INT8, NINE_BIT, OPERANDS, entries, inexact_entry
from polarisd.proof.words import Key, digest, scaled, scramble, words_at

MASK = (1 << 64) - 1
u64 = st.integers(0, MASK)
some_keys = st.builds(Key, u64, u64)


def slow_scramble(z: int, k: int) -> int:
    z ^= z >> 30
    z = z * 0xBF58476D1CE4E5B9 & MASK ^ k
    z ^= z >> 27
    z = z * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def slow_word(n: int, key: Key) -> int:
    return slow_scramble((n * 0x9E3779B97F4A7C15 + key.k0) & MASK, key.k1)


@given(u64, u64)
def test_scramble_is_the_formula(z: int, k: int) -> None:
    assert int(scramble(np.array([z], np.uint64), np.uint64(k))[0]) == slow_scramble(z, k)


def test_with_zero_for_a_key_it_is_splitmix64() -> None:
    # the published first outputs for seed 1234567, whose counter starts at one
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    counters = np.arange(1, 4, dtype=np.uint64)
    assert words_at(counters, Key(1234567, 0)).tolist() == published


@given(st.lists(u64, min_size=2, max_size=20).filter(lambda x: len(x) % 2 == 0), some_keys)
def test_digest_is_the_formula(words: list[int], key: Key) -> None:
    g = 0x9E3779B97F4A7C15
    pairs = zip(words[::2], words[1::2], strict=True)
    wanted = sum(
        slow_scramble(((x ^ key.k0) + j * g) & MASK, y ^ key.k1) for j, (x, y) in enumerate(pairs)
    )
    assert int(digest(np.array([words], np.uint64), key)[0]) == wanted & MASK


@given(st.integers(0, 7), u64, some_keys)
def test_digest_changes_with_every_word(at: int, other: int, key: Key) -> None:
    words = np.arange(8, dtype=np.uint64)[None]
    changed = words.copy()
    changed[0, at] = other
    same = other == at
    assert (digest(words, key)[0] == digest(changed, key)[0]) == same


def test_digest_of_many_rows_is_that_of_each() -> None:
    words = words_at(np.arange(3000 * 64, dtype=np.uint64), Key(1, 2)).reshape(3000, 64)
    key = Key(3, 4)
    alone = [int(digest(words[n : n + 1], key)[0]) for n in range(0, 3000, 500)]
    assert digest(words, key)[::500].tolist() == alone


def test_digest_wants_pairs() -> None:
    with pytest.raises(ValueError, match="even"):
        digest(np.zeros((1, 3), np.uint64), Key(0, 0))


@given(u64, st.integers(1, (1 << 32) - 1))
def test_scaled_is_the_high_half(word: int, count: int) -> None:
    assert int(scaled(np.array([word], np.uint64), count)[0]) == word * count >> 64


@pytest.mark.parametrize("count", [0, 1 << 32])
def test_scaled_has_a_range(count: int) -> None:
    with pytest.raises(ValueError, match="range"):
        scaled(np.zeros(1, np.uint64), count)


@given(u64)
def test_nine_bit_entries_are_lanes(word: int) -> None:
    wanted = [(word >> 16 * lane & 511) - 256 for lane in range(4)]
    assert entries(np.array([word], np.uint64), NINE_BIT).tolist() == wanted


@given(u64)
def test_int8_entries_are_bytes(word: int) -> None:
    wanted = [b - 256 if b > 127 else b for b in word.to_bytes(8, "little")]
    assert entries(np.array([word], np.uint64), INT8).tolist() == wanted


@pytest.mark.parametrize("operand", OPERANDS.values(), ids=OPERANDS)
def test_all_values_of_an_operand_occur(operand: object) -> None:
    assert operand in (NINE_BIT, INT8)
    kind = NINE_BIT if operand is NINE_BIT else INT8
    seen = np.unique(rows_of(Key(5, 6), range(16), 2048, kind))
    assert seen.tolist() == list(range(kind.low, kind.high + 1))


@given(
    st.sampled_from(list(OPERANDS.values())),
    st.integers(1, 4),
    st.integers(1, 20),
    some_keys,
    some_keys,
)
def test_products_are_exact(operand: object, rows: int, wide: int, a: Key, b: Key) -> None:
    kind = NINE_BIT if operand is NINE_BIT else INT8
    depth, columns = 48, 16 * wide
    left = rows_of(a, range(rows), depth, kind)
    right = rows_of(b, range(columns), depth, kind)
    wanted = left.astype(np.int64) @ right.astype(np.int64).T
    assert (exact_product_rows(left, b, columns, depth, kind) == wanted).all()
    one, two = np.split(
        product_rows(np.concatenate([left, left[:1]]), b, columns, depth, kind), [rows]
    )
    assert (one == wanted).all()
    assert (two == wanted[:1]).all()


def test_a_row_is_found_wherever_it_is() -> None:
    key = Key(7, 8)
    all_rows = rows_of(key, range(40), 64, NINE_BIT)
    assert (rows_of(key, [39, 0, 17], 64, NINE_BIT) == all_rows[[39, 0, 17]]).all()


def test_negative_and_large_entries_enter_the_row_digest_as_32_bits() -> None:
    row = np.array([[-1, 2**31 - 1, -(2**31), 5]], np.int32)
    words = [0x7FFFFFFF_FFFFFFFF, 0x00000005_80000000]
    key = Key(9, 10)
    assert row_digests(row, key)[0] == digest(np.array([words], np.uint64), key)[0]


# Exactness: what the bound says against what can be counted.


def test_the_bound_of_inexact_entries() -> None:
    assert inexact_entry(INT8, INT8.max_depth) == 0.0
    assert inexact_entry(NINE_BIT, 255) == 0.0
    assert 0 < inexact_entry(NINE_BIT, 4096) < 2e-26
    assert inexact_entry(NINE_BIT, 8192) < 2.1e-14


@pytest.mark.parametrize("operand", OPERANDS.values(), ids=OPERANDS)
def test_two_rows_within_the_bound_never_differ_by_a_prime(operand: object) -> None:
    kind = NINE_BIT if operand is NINE_BIT else INT8
    assert 2 * kind.entry_bound(kind.max_depth) < min(freivalds.PRIMES)


def test_the_primes_are_prime() -> None:
    for prime in freivalds.PRIMES:
        assert all(prime % n for n in range(2, math.isqrt(prime) + 1))


# Freivalds.


@settings(deadline=None)
@given(st.sampled_from(list(OPERANDS.values())), st.integers(0, 1 << 32))
def test_freivalds_finds_a_wrong_entry(operand: object, seed: int) -> None:
    rng = random.Random(seed)
    kind = NINE_BIT if operand is NINE_BIT else INT8
    depth, columns, b_key = 32, 48, Key(rng.getrandbits(64), rng.getrandbits(64))
    a = rows_of(Key(rng.getrandbits(64), 1), range(3), depth, kind)
    right = exact_product_rows(a, b_key, columns, depth, kind)
    probe = freivalds.probe(b_key, columns, depth, kind, rng.randbytes)
    assert len(freivalds.wrong_rows(probe, a, right)) == 0
    wrong = right.copy()
    bound = kind.entry_bound(depth)
    value = rng.randint(-bound, bound)
    at = rng.randrange(3), rng.randrange(columns)
    wrong[at] = value
    assert freivalds.wrong_rows(probe, a, wrong).tolist() == ([at[0]] if value != right[at] else [])


def test_freivalds_is_exact_at_the_largest_sizes() -> None:
    """The largest entries there are, checked in Python's own integers."""
    rng = random.Random(3)
    columns = 1 << 16
    rows = np.full((2, columns), INT8.entry_bound(INT8.max_depth), np.int32)
    rows[1] *= -1
    r = np.array([[p - 1 for p in freivalds.PRIMES]] * columns, np.int64)
    br = np.array([[rng.randrange(p) for p in freivalds.PRIMES] for _ in range(INT8.max_depth)])
    a = np.full((2, INT8.max_depth), -128, np.int16)
    # the one value of B r's first entry that makes both sides of the first row equal
    for column, prime in enumerate(freivalds.PRIMES):
        left = sum(int(c) * (prime - 1) for c in rows[0])
        rest = sum(-128 * int(x) for x in br[1:, column])
        br[0, column] = (left - rest) * pow(-128, -1, prime) % prime
    assert freivalds.wrong_rows(freivalds.Probe(r, br), a, rows).tolist() == [1]


def test_freivalds_draws_below_its_primes() -> None:
    def largest(count: int) -> bytes:
        return (b"\xff\xff\xff\xff" + b"\x05\x00\x00\x80") * (count // 8 + 1)

    probe = freivalds.probe(Key(1, 2), 16, 16, NINE_BIT, largest)
    assert set(probe.r.reshape(-1).tolist()) == {5}
