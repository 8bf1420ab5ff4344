"""The host build of the kernels, the NumPy device and the formulas agree bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.bench.worker.device import BLOCK_WORDS, Array, Device, Key, Operand
from tests.unit import proof_oracle as oracle
from tests.unit.kernel_support import (
    contents,
    devices,
    guarded,
    halves,
    keys,
    operands,
    threads,
    words,
)

KINDS: dict[str, tuple[str, int]] = {"bf16": ("u16", 4), "fp16": ("u16", 4), "int8": ("i8", 8)}
INT32 = st.one_of(
    st.integers(-(1 << 31), (1 << 31) - 1), st.sampled_from([-(1 << 31), -1, 0, (1 << 31) - 1])
)
FP32_EXACT = st.one_of(
    st.integers(-(1 << 24), 1 << 24),
    st.sampled_from([-(1 << 24), 1 - (1 << 24), -1, 0, (1 << 24) - 1, 1 << 24]),
)


@st.composite
def counters(draw: st.DrawFn) -> tuple[int, int]:
    """Where a stream begins and how many words there are; up to the last word there is."""
    count = draw(st.one_of(st.integers(1, 300), st.sampled_from([63, 64, 65, 128, 255, 256, 257])))
    first = draw(st.one_of(st.integers(0, 1 << 40), st.just((1 << 64) - count)))
    return first, count


def generated(device: Device, operand: Operand, key: Key, first_word: int, words: int) -> Array:
    kind, entries = KINDS[operand]
    out = guarded(device, words * entries, "u16" if kind == "u16" else "i8")
    device.generate(out, operand, key, first_word, words)
    return contents(device, out)


@given(operands, keys, counters(), threads)
def test_generate(operand: Operand, key: Key, place: tuple[int, int], threads: int) -> None:
    expected = oracle.generated(operand, key, *place)
    for device in devices(threads):
        assert generated(device, operand, key, *place).tobytes() == expected, device.backend


@pytest.mark.parametrize("operand", ["bf16", "fp16"])
def test_every_nine_bit_integer_is_encoded(operand: Operand) -> None:
    for device in devices(2):
        patterns = generated(device, operand, (1, 2), 0, 4096)
        if operand == "fp16":
            values = patterns.view(np.float16).astype(int)
        else:
            values = (patterns.astype(np.uint32) << 16).view(np.float32).astype(int)
        assert set(values.tolist()) == set(range(-256, 256))
        assert len(set(patterns.tolist())) == 512, "zero has one pattern"


def rows_of(draw: st.DrawFn, entries: st.SearchStrategy[int]) -> list[list[int]]:
    n = 4 * draw(st.one_of(st.integers(1, 12), st.sampled_from([31, 32, 33, 65])))
    seed = draw(st.lists(st.lists(entries, min_size=4, max_size=4), min_size=1, max_size=9))
    # A few drawn values, spread over long rows, so that they do not take long to draw.
    return [[row[(place * 7 + place // 4) % 4] for place in range(n)] for row in seed]


@st.composite
def int32_rows(draw: st.DrawFn) -> list[list[int]]:
    return rows_of(draw, INT32)


@st.composite
def exact_rows(draw: st.DrawFn) -> list[list[int]]:
    return rows_of(draw, FP32_EXACT)


def row_digests(device: Device, product: Array, key: Key) -> list[int]:
    rows, n = product.shape
    leaves = guarded(device, rows, "u64")
    device.digest_rows(device.from_host(product), leaves, rows, n, key)
    return [int(leaf) for leaf in contents(device, leaves)]


@given(int32_rows(), keys, threads)
def test_digest_rows_of_int32(rows: list[list[int]], key: Key, threads: int) -> None:
    expected = [oracle.row_digest(row, key) for row in rows]
    for device in devices(threads):
        assert row_digests(device, np.array(rows, np.int32), key) == expected, device.backend


@given(exact_rows(), keys, threads)
def test_digest_rows_of_fp32(rows: list[list[int]], key: Key, threads: int) -> None:
    """The same leaf as of the same integers as int32."""
    expected = [oracle.row_digest(row, key) for row in rows]
    for device in devices(threads):
        assert row_digests(device, np.array(rows, np.float32), key) == expected, device.backend


def test_minus_zero_is_zero() -> None:
    for device in devices(1):
        zeros = [row_digests(device, np.full((1, 4), z, np.float32), (1, 2)) for z in (0.0, -0.0)]
        assert zeros[0] == zeros[1]


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(0, 8).map(lambda n: 2 * n), keys, words, threads)
def test_digest_blocks(blocks: int, first_word: int, key: Key, seed: int, threads: int) -> None:
    memory = np.random.default_rng(seed).integers(
        0, 1 << 64, first_word + blocks * BLOCK_WORDS + 3, np.uint64
    )
    listed = memory.tolist()
    starts = [first_word + number * BLOCK_WORDS for number in range(blocks)]
    expected = [oracle.digest(listed[at : at + BLOCK_WORDS], key) for at in starts]
    for device in devices(threads):
        leaves = guarded(device, blocks, "u64")
        device.digest_blocks(device.from_host(memory), first_word, blocks, leaves, key)
        assert contents(device, leaves).tolist() == expected, device.backend


@given(keys, counters(), st.integers(0, 9), threads)
def test_fill(key: Key, place: tuple[int, int], cost: int, threads: int) -> None:
    first_word, count = place
    expected = [oracle.filled(key, first_word + i, cost) for i in range(count)]
    for device in devices(threads):
        memory = guarded(device, count, "u64")
        device.fill(memory, first_word, count, key, cost)
        assert contents(device, memory).tolist() == expected, device.backend


@settings(max_examples=50)
@given(
    st.integers(1, 70),
    st.one_of(st.integers(1, 70), st.sampled_from([64, 128, 129])),
    st.integers(1, 12),
    keys,
    st.lists(halves, min_size=3, max_size=3),
    threads,
)
def test_walk(
    lines: int, walkers: int, steps: int, key: Key, pattern: list[int], threads: int
) -> None:
    memory = [pattern[(place + place // 8) % 3] ^ place for place in range(8 * lines)]
    expected = [oracle.walked(memory, lines, w, steps, key) for w in range(walkers)]
    for device in devices(threads):
        states = guarded(device, walkers, "u64")
        filled = device.from_host(np.array(memory, np.uint64))
        device.walk(filled, lines, states, walkers, steps, key)
        assert contents(device, states).tolist() == expected, device.backend


def test_work_shared_among_many_threads() -> None:
    """Large enough that every thread has some, unlike what the formulas are compared on."""
    key = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
    outcomes = []
    for device in devices(5):
        memory = device.empty(5 * BLOCK_WORDS, "u64")
        device.fill(memory, 12345, 5 * BLOCK_WORDS, key, 3)
        leaves, states = device.empty(5, "u64"), device.empty(3001, "u64")
        device.digest_blocks(memory, 0, 5, leaves, key)
        device.walk(memory, 5 * BLOCK_WORDS // 8, states, 3001, 20, key)
        outcomes.append([device.to_host(buffer) for buffer in (memory, leaves, states)])
    for host, numpy in zip(*outcomes, strict=True):
        np.testing.assert_array_equal(host, numpy)


@given(operands, keys, st.integers(1, 200), st.integers(1, 200))
def test_a_stream_may_be_made_in_parts(operand: Operand, key: Key, one: int, two: int) -> None:
    for device in devices(2):
        whole = generated(device, operand, key, 7, one + two)
        kind, entries = KINDS[operand]
        out = guarded(device, (one + two) * entries, "u16" if kind == "u16" else "i8")
        device.generate(out.part(one * entries, two * entries), operand, key, 7 + one, two)
        device.generate(out, operand, key, 7, one)
        np.testing.assert_array_equal(contents(device, out), whole)
