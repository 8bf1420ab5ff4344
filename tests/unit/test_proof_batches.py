"""What is verified together is judged as it is alone: speed changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import memory, rows
from polarisd.proof.batches import batches
from polarisd.proof.judge import judge
from polarisd.proof.matrix import (
    Product,
    exact_product_rows,
    float_rows,
    product_rows,
    row_digests,
    rows_of,
)
from polarisd.proof.operand import INT8, NINE_BIT, OPERANDS, Operand
from polarisd.proof.parameters import CHECKS, FREIVALDS
from polarisd.proof.reference import Done, ReferenceEngine
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Accepted, Reason, Rejected, Verdict
from polarisd.proof.words import Key, Keys, Words, digest, keys_of, scaled, words_at
from tests.unit import proof_support as support

some_keys = st.builds(Key, st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
key_lists = st.lists(some_keys, min_size=1, max_size=5)


class Liar(ReferenceEngine):
    """Computes one thing wrongly, and commits to it."""

    def __init__(self, lie: str) -> None:
        super().__init__()
        self._lie = lie

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        leaves, product = super().some_rows(a_key, digest_key, first, count)
        if self._lie == "product":
            product = product + np.eye(1, product.shape[1], 3, np.int32)
            leaves = row_digests(product, digest_key)
        return leaves ^ np.uint64(self._lie == "leaf"), product

    def walk(self, key: Key) -> Words:
        ends: Words = super().walk(key) ^ np.uint64(self._lie == "walk")
        return ends

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        leaves = super().start_read(key, first_block, blocks).leaves()
        return Done(leaves ^ np.uint64(self._lie == "read"))


# What is wrong with a transcript, and what it is rejected for if nothing else is.
WRONGS = {
    "nothing": None,
    "leaf": Reason.WRONG_ROW,
    "product": None,  # depends on the check
    "walk": Reason.WRONG_WALK,
    "read": Reason.WRONG_BLOCK,
    "path": Reason.WRONG_PATH,
    "size": Reason.MALFORMED,
}


def spoilt(transcript: Transcript, wrong: str) -> Transcript:
    first, *others = transcript.rows
    if wrong == "path":
        path = (*first.path[:-1], bytes(32))
        return dataclasses.replace(
            transcript, rows=(dataclasses.replace(first, path=path), *others)
        )
    if wrong == "size":
        return dataclasses.replace(transcript, rows=tuple(others))
    return transcript


def expected(wrong: str, check: str) -> Reason | None:
    if wrong == "product":
        return Reason.WRONG_PRODUCT if check == FREIVALDS else Reason.WRONG_ROW
    return WRONGS[wrong]


def asked(check: str, kind: int, sweep: int, slot: int) -> Terms:
    """Of a few kinds, so that some share B, some walk in step, and others do not."""
    compute = dataclasses.replace(
        support.COMPUTE,
        check=check,
        operand=(NINE_BIT, INT8, NINE_BIT)[kind].name,
        samples=9 + 4 * (kind == 2),
    )
    memory_ = dataclasses.replace(
        support.MEMORY,
        cost=3 + (kind == 1),
        blocks=16 * (1 + kind % 2),
        walk_samples=4 + kind,
        unit_samples=5 + 6 * kind,
    )
    terms = support.terms(compute, memory_, slot=slot, label=f"terms {slot}")
    return dataclasses.replace(terms, sweep_seed=bytes([sweep]) * 32)


def verdicts(transcripts: list[Transcript]) -> list[Verdict]:
    ceilings = [support.HIGH] * len(transcripts)
    return judge(transcripts, ceilings, support.entropy("freivalds"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CHECKS),
            st.integers(0, 2),
            st.integers(0, 1),
            st.sampled_from(list(WRONGS)),
        ),
        max_size=7,
    )
)
def test_a_batch_is_judged_as_each_alone(parts: list[tuple[str, int, int, str]]) -> None:
    transcripts = []
    for slot, (check, kind, sweep, wrong) in enumerate(parts):
        honest = support.transcript(asked(check, kind, sweep, slot), Liar(wrong))
        transcripts.append(spoilt(honest, wrong))
    together = verdicts(transcripts)
    assert together == [verdicts([transcript])[0] for transcript in transcripts]
    for said, (check, _, _, wrong) in zip(together, parts, strict=True):
        reason = expected(wrong, check)
        assert isinstance(said, Rejected) == (reason is not None)
        assert isinstance(said, Accepted) or said.reason is reason


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 20))
def test_batches_keep_order_and_bound(sizes: list[int], at_most: int) -> None:
    cut = list(batches(range(len(sizes)), sizes.__getitem__, at_most))
    assert [n for batch in cut for n in batch] == list(range(len(sizes)))
    for batch in cut:
        assert sum(sizes[n] for n in batch) <= at_most or len(batch) == 1


marks = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=40)


@given(marks)
def test_the_first_wrong_row_of_each_is_found(rows_: list[tuple[int, bool, bool]]) -> None:
    ordered = sorted(rows_, key=lambda row: row[0])
    owner, doubtful, wrong = (
        np.array([row[n] for row in ordered], kind) for n, kind in enumerate((np.intp, bool, bool))
    )
    asked_for: list[int] = []

    def surely(places: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        assert len(set(owner[places])) == len(places)
        asked_for.extend(places.tolist())
        result: npt.NDArray[np.bool_] = wrong[places]
        return result

    found = rows.first_wrong(doubtful, owner, surely)
    wanted: dict[int, int] = {}
    for place, (number, in_doubt, is_wrong) in enumerate(ordered):
        if in_doubt and is_wrong:
            wanted.setdefault(number, place)
    assert found == wanted
    assert len(asked_for) == len(set(asked_for))


# Many keys at once are each of them alone.


@given(key_lists, st.integers(0, 1 << 40))
def test_words_and_digests_of_many_keys(each: list[Key], first: int) -> None:
    counters = np.arange(6, dtype=np.uint64) + np.uint64(first)
    both = keys_of(each)
    made = [words_at(counters, key) for key in each]
    together = words_at(counters.repeat(len(each)).reshape(6, -1), both)
    assert (np.stack(made) == together.T).all()
    wanted = [int(digest(words[None], key)[0]) for words, key in zip(made, each, strict=True)]
    assert digest(np.stack(made), both).tolist() == wanted


def test_a_digest_of_more_rows_than_a_slab() -> None:
    words = words_at(np.arange(3000 * 64, dtype=np.uint64), Key(1, 2)).reshape(3000, 64)
    each = [Key(n, 2 * n) for n in range(3000)]
    together = digest(words, keys_of(each))
    for n in range(0, 3000, 499):
        assert together[n] == digest(words[n : n + 1], each[n])[0]


@given(key_lists, st.integers(0, 1 << 40), st.integers(1, 9))
def test_memory_of_many_keys(each: list[Key], first: int, cost: int) -> None:
    counters = np.arange(8 * len(each), dtype=np.uint64).reshape(-1, 8) + np.uint64(first)
    together = memory.filled(counters, keys_of(each), cost)
    for n, key in enumerate(each):
        assert (together[n] == memory.filled(counters[n], key, cost)).all()


def test_memory_of_many_keys_over_slabs() -> None:
    counters = np.arange(9 * 4096, dtype=np.uint64).reshape(9, 4096)
    each = [Key(n, 1 << 63 | n) for n in range(9)]
    together = memory.filled(counters, keys_of(each), 2)
    for n, key in enumerate(each):
        assert (together[n] == memory.filled(counters[n], key, 2)).all()


@given(key_lists, st.data())
def test_walks_in_many_memories(each: list[Key], data: st.DataObject) -> None:
    count = len(each)
    lines = data.draw(st.lists(st.integers(1, 1 << 20), min_size=count, max_size=count))
    numbers = np.array(data.draw(st.lists(st.integers(0, 99), min_size=count, max_size=count)))
    walkers, sizes, both = numbers.astype(np.uint64), np.array(lines, np.uint64), keys_of(each)

    def reading(key: Key | Keys) -> Callable[[Words], Words]:
        return lambda where: memory.filled(memory.line_counters(where), key, 2)

    together = memory.walk(reading(both), walkers, sizes, 5, both)
    for n, key in enumerate(each):
        alone = memory.walk(reading(key), walkers[n : n + 1], lines[n], 5, key)
        assert together[n] == alone[0]


@given(st.lists(st.integers(1, (1 << 32) - 1), min_size=1), st.integers(0, (1 << 64) - 1))
def test_scaled_to_many_ranges(counts: list[int], word: int) -> None:
    words = np.full(len(counts), word, np.uint64)
    wanted = [word * count >> 64 for count in counts]
    assert scaled(words, np.array(counts, np.uint64)).tolist() == wanted


@given(key_lists, st.sampled_from(list(OPERANDS)))
def test_rows_of_many_keys(each: list[Key], operand: str) -> None:
    numbers = list(range(7, 7 + len(each)))
    both, kind = keys_of(each), OPERANDS[operand]
    together = rows_of(both, numbers, 64, kind)
    assert (float_rows(both, numbers, 64, kind) == together).all()
    for n, key in enumerate(each):
        assert (together[n] == rows_of(key, [numbers[n]], 64, kind)[0]).all()


# Products over several slabs of B, and beyond what fp32 holds.


@pytest.mark.parametrize("kind", OPERANDS.values(), ids=OPERANDS)
def test_the_largest_sums_are_exact(kind: Operand) -> None:
    """Rows that have the signs of B's first column: the sums are as large as they get."""
    depth, columns, key = kind.max_depth, 1040 if kind is NINE_BIT else 144, Key(3, 4)
    b = rows_of(key, range(columns), depth, kind)
    signs = np.where(b[:1] < 0, kind.low, kind.high)
    a = np.concatenate([signs, b[:1]]).astype(np.int16)
    wanted = a.astype(float) @ b.T.astype(float)
    assert np.abs(wanted).max() > 1 << 24
    assert (exact_product_rows(a, key, columns, depth, kind) == wanted).all()
    if kind is INT8:
        assert (product_rows(a, key, columns, depth, kind) == wanted).all()
