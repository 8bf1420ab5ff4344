"""The generator's structure: is there any that helps to multiply, or to skip, or to copy?

What stops it: unique counters, a mixing with a key between its multiplications, and keys
that are hashes.  The last matters: words of related keys, and of counters that are far
apart in a special way, are related, and neither occurs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from polarisd.proof import keys
from polarisd.proof.matrix import rows_of
from polarisd.proof.operand import INT8, NINE_BIT, Entries, Operand, entries
from polarisd.proof.parameters import MAX_LINES, MAX_ROWS
from polarisd.proof.words import GOLDEN, Key, words_at

Ints = npt.NDArray[np.int64]
PRIME = 2**31 - 1
DEPTH = 256
OPERANDS = pytest.mark.parametrize("operand", [NINE_BIT, INT8], ids=lambda each: each.name)


def key(number: int) -> Key:
    return keys.key_of(keys.derive(b"A", b"structure", keys.u32(number), b""))


def matrix(operand: Operand, rows: int = DEPTH, first: int = 0, step: int = 1) -> Entries:
    numbers = np.arange(first, first + rows * step, step, dtype=np.uint64)
    return rows_of(key(1), numbers, DEPTH, operand)


def rank(square: Ints, prime: int) -> int:
    """By elimination over the integers modulo a prime."""
    work = square.astype(np.int64) % prime
    found = 0
    for column in range(work.shape[1]):
        pivots = np.nonzero(work[found:, column])[0]
        if not len(pivots):
            continue
        pivot = found + pivots[0]
        work[[found, pivot]] = work[[pivot, found]]
        work[found] = work[found] * pow(int(work[found, column]), -1, prime) % prime
        below = work[found + 1 :, column : column + 1]
        work[found + 1 :] = (work[found + 1 :] - below * work[found]) % prime
        found += 1
        if found == len(work):
            break
    return found


def tolerance(trials: int, chance: float) -> float:
    """Six standard deviations of a share."""
    return 6 * float(np.sqrt(chance * (1 - chance) / trials))


def chance_of_equal(operand: Operand) -> float:
    return 1 / (operand.high - operand.low + 1)


@OPERANDS
@pytest.mark.parametrize("step", [1, 2, 64, 1 << 12])
def test_rank_is_full(operand: Operand, step: int) -> None:
    """Of rows that follow one another, and of such that are a power of two apart."""
    assert rank(matrix(operand, step=step).astype(np.int64), PRIME) == DEPTH


@OPERANDS
@pytest.mark.parametrize("lane", range(4))
def test_rank_within_a_lane_is_full(operand: Operand, lane: int) -> None:
    """Columns that come from the same bits of their words."""
    part = matrix(operand)[: DEPTH // operand.per_word, lane :: operand.per_word]
    assert rank(part.astype(np.int64), PRIME) == len(part)


@OPERANDS
def test_displacement_rank_is_full(operand: Operand) -> None:
    """Toeplitz, Hankel and circulant matrices, and those near to them, differ from
    themselves shifted by a matrix of low rank; here it is full, for shifts of up to two
    words."""
    a = matrix(operand).astype(np.int64)
    for down in (1, 2):
        for right in (1, operand.per_word, 2 * operand.per_word):
            toeplitz = a[down:, right:] - a[:-down, :-right]
            hankel = a[down:, :-right] - a[:-down, right:]
            for displaced in (toeplitz, hankel):
                assert rank(displaced, PRIME) == min(displaced.shape)


@OPERANDS
def test_bit_planes_have_the_rank_of_random_ones(operand: Operand) -> None:
    """Over the field of two elements a random square of this size lacks at most a few;
    eight or more with a chance below 2^-64."""
    a = matrix(operand).astype(np.int64) - operand.low
    for bit in range(8):
        assert rank(a >> bit & 1, 2) > DEPTH - 8


@OPERANDS
def test_no_diagonal_repeats(operand: Operand) -> None:
    """What ni-compute's matrix did: A[i + 1, j + 1] = A[i, j]."""
    a = matrix(operand)
    usual = chance_of_equal(operand)
    for down in range(1, 9):
        for right in range(17):
            here, there = a[down:, right:], a[:-down, : DEPTH - right]
            anti = a[down:, : DEPTH - right], a[:-down, right:]
            for one, other in ((here, there), anti):
                share = float((one == other).mean())
                assert abs(share - usual) < tolerance(one.size, usual)


def distances() -> Iterator[int]:
    """Between counters: those that move the mixing's input least, found by search.

    By size: the denominators of the convergents of GOLDEN / 2^64 are the best there are.
    By weight, in signed bits: the best odd numbers to 2^20, as they are and shifted as far
    as the largest matrix goes.
    """
    golden = int(GOLDEN)
    reach = MAX_ROWS * 1024
    before, at, left, right = 0, 1, golden, 1 << 64
    while at < reach and left:
        yield at
        quotient, rest = divmod(right, left)
        before, at = at, quotient * at + before
        left, right = rest, left
    odd = np.arange(1, 1 << 20, 2, dtype=np.uint64)
    spread = odd * GOLDEN
    tripled = spread * np.uint64(3)
    weights = np.array([int(each).bit_count() for each in (spread ^ tripled)])
    for best in odd[np.argsort(weights)[:12]]:
        shift = (reach // int(best)).bit_length() - 1
        yield from (int(best), int(best) << shift)
    yield from (1 << shift for shift in range(reach.bit_length()))


def shared(one: Entries, other: Entries) -> float:
    return float((one == other).mean())


@OPERANDS
def test_rows_at_special_distances_share_no_more_than_chance(operand: Operand) -> None:
    count = 1 << 15
    start = np.arange(count, dtype=np.uint64)
    here = entries(words_at(start, key(2)), operand)
    usual = chance_of_equal(operand)
    for distance in distances():
        there = entries(words_at(start + np.uint64(distance), key(2)), operand)
        for lane in range(operand.per_word):
            share = shared(here[lane :: operand.per_word], there[lane :: operand.per_word])
            assert abs(share - usual) < tolerance(count, usual), (distance, lane)


@OPERANDS
def test_sums_and_differences_of_rows_are_no_smaller_than_chance(operand: Operand) -> None:
    """A row less another would be cheaper to multiply if its entries were small."""
    count = 1 << 15
    start = np.arange(count, dtype=np.uint64)
    here = entries(words_at(start, key(3)), operand).astype(np.int64)
    span = operand.high - operand.low + 1
    variance = (span * span - 1) / 6
    for distance in distances():
        there = entries(words_at(start + np.uint64(distance), key(3)), operand)
        found = (here - there).astype(np.float64).var()
        assert abs(found / variance - 1) < 0.03, distance


def test_counters_that_would_be_related_are_out_of_reach() -> None:
    """2^63 apart, the mixing's inputs differ in one bit, and so do its first product's in
    few: relations between lanes remain.  The largest matrix and memory have 2^40 words."""
    start = np.arange(1 << 15, dtype=np.uint64)

    def related(distance: int) -> float:
        here, there = (words_at(start + np.uint64(at), key(4)) for at in (0, distance))
        mixed = here ^ there
        # without its last step, the low six bits are those of one and the other
        undone = mixed ^ (mixed >> np.uint64(31)) ^ (mixed >> np.uint64(62))
        return float(((undone & np.uint64(63)) == 0).mean())

    assert related(1 << 63) == 1.0
    chance = 1 / 64
    for shift in (0, 20, 39):
        assert abs(related(1 << shift) - chance) < tolerance(1 << 15, chance)
    assert MAX_ROWS * (1 << 14) <= 1 << 40 and (MAX_LINES + 1) * 8 <= 1 << 40


def test_related_keys_are_related_and_do_not_occur() -> None:
    """Keys whose second halves differ in the top bit give words with five equal bits: so
    keys must be hashes, and no prover may choose them."""
    start = np.arange(1 << 15, dtype=np.uint64)
    k0, k1 = key(5)
    here, there = words_at(start, Key(k0, k1)), words_at(start, Key(k0, k1 ^ 1 << 63))
    assert (((here ^ there) & np.uint64(31)) == 0).all()
    seconds = {key(n).k1 & ~(1 << 63) for n in range(2000)}
    assert len(seconds) == 2000


@OPERANDS
def test_keys_give_unrelated_rows(operand: Operand) -> None:
    """Of rounds, provers and nonces: no row twice, and entries alike by chance only."""
    numbers = np.arange(64, dtype=np.uint64)
    matrices = [rows_of(key(n), numbers, DEPTH, operand) for n in range(40)]
    rows = np.concatenate(matrices)
    assert len(np.unique(rows, axis=0)) == len(rows)
    usual = chance_of_equal(operand)
    for one, other in itertools.pairwise(matrices):
        assert abs(shared(one, other) - usual) < tolerance(one.size, usual)


def test_no_bit_of_a_lane_is_of_low_degree_in_the_counter() -> None:
    """Over the field of two elements the sum over a cube of d counter bits is zero for a
    polynomial of a degree below d: for each output bit it is so half of the time only."""
    rng = np.random.default_rng(1)
    starts = rng.integers(0, 1 << 40, 4000, np.uint64)
    for bits in ([0, 1], [38, 39], [0, 39], [5, 17, 33], list(range(8)), list(range(32, 40))):
        free = starts & ~np.uint64(sum(1 << bit for bit in bits))
        total = np.zeros_like(free)
        for chosen in range(1 << len(bits)):
            offset = sum(1 << bit for n, bit in enumerate(bits) if chosen >> n & 1)
            total ^= words_at(free + np.uint64(offset), key(6))
        for bit in range(64):
            zero = float(((total >> np.uint64(bit)) & np.uint64(1) == 0).mean())
            assert abs(zero - 0.5) < tolerance(len(starts), 0.5), (bits, bit)


@OPERANDS
def test_entries_are_uniform(operand: Operand) -> None:
    """Small or zero entries more often than chance would make sparsity or narrow operands
    pay."""
    drawn = entries(words_at(np.arange(1 << 18, dtype=np.uint64), key(7)), operand)
    span = operand.high - operand.low + 1
    for lane in range(operand.per_word):
        counts = np.bincount(drawn[lane :: operand.per_word] - operand.low, minlength=span)
        expected = counts.sum() / span
        chi = float(((counts - expected) ** 2 / expected).sum())
        assert len(counts) == span
        assert abs(chi - (span - 1)) < 6 * (2 * (span - 1)) ** 0.5
