"""The worker's tests: their sizes, and that wrong results are noticed, on NumPy's device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.reading import ERROR, NOT_SUPPORTED, Unknown
from polarisd.bench.worker import bench, capacity, check, int_rate, memory, products, transfers
from polarisd.bench.worker.capacity import Piece
from polarisd.bench.worker.device import (
    BLOCK_WORDS,
    Buffer,
    DeviceError,
    Key,
    Operand,
    Product,
)
from polarisd.bench.worker.figures import Outcome, Setting, Test, below
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.timing import ClockStopped, Pace

SHORT = Pace(warm_s=0.001, measure_s=0.001, repeat_s=0.0001)
PRODUCTS: tuple[Product, ...] = ("bf16", "fp16", "int8", "fp32", "tf32")


def setting(device: NumpyDevice | None = None) -> Setting:
    device = device or NumpyDevice()
    return Setting(device, device.describe(), SHORT, lambda share: None)


@given(st.integers(0, 1 << 50), st.integers(1, 1 << 30).map(lambda n: 1 << n.bit_length()))
def test_below_is_a_power_of_two(limit: int, most: int) -> None:
    found = below(limit, most)
    assert found & (found - 1) == 0
    assert 1 <= found <= most and found <= max(limit, 1)
    assert found == most or found * 2 > limit


@given(st.integers(1 << 22, 1 << 40), st.sampled_from([6, 8, 12]))
def test_matrices_fit_into_a_quarter_of_the_memory(free_bytes: int, entry_bytes: int) -> None:
    edge = products.edge_for(free_bytes, entry_bytes, 8192)
    assert 256 <= edge <= 8192
    assert edge * edge * entry_bytes * 4 <= free_bytes or edge == 256
    assert edge == 8192 or 4 * edge * edge * entry_bytes * 4 > free_bytes


@pytest.mark.parametrize(
    ("operand", "capability", "lacks"),
    [
        ("bf16", "7.5", True),
        ("tf32", "7.0", True),
        ("bf16", "8.0", False),
        ("tf32", "12.0", False),
        ("fp16", "7.0", False),
        ("int8", "7.5", False),
        ("bf16", "", False),
    ],
)
def test_what_an_old_gpu_lacks(operand: Product, capability: str, lacks: bool) -> None:
    assert bool(products.lacking(operand, capability)) == lacks


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 26), st.integers(0, 1 << 30))
def test_a_piece_is_whole_blocks_and_leaves_what_is_spared(
    free_bytes: int, spare_bytes: int, most_bytes: int
) -> None:
    nbytes = capacity.next_piece(free_bytes, spare_bytes, most_bytes)
    assert nbytes % (8 * BLOCK_WORDS) == 0
    assert nbytes <= most_bytes
    assert nbytes == 0 or 1 << 20 <= nbytes <= free_bytes - spare_bytes


@pytest.mark.parametrize("operand", PRODUCTS)
@pytest.mark.parametrize("edge", [64, 96])
def test_a_right_product_passes_and_a_wrong_one_does_not(operand: Product, edge: int) -> None:
    device = NumpyDevice()
    a = products.random_matrix(device, operand, edge)
    bt = products.random_matrix(device, operand, edge)
    c = device.empty(edge * edge, "i32" if operand == "int8" else "f32")
    device.gemm(operand, a, bt, c, edge, edge, edge)
    products.verify(device, operand, a, bt, c, edge)
    c.array[:] += c.array.dtype.type(1 if operand == "int8" else 2)
    with pytest.raises(DeviceError, match="differ from NumPy's") as caught:
        products.verify(device, operand, a, bt, c, edge)
    assert caught.value.code == "wrong_answer"
    if c.kind == "f32":
        c.array[:] = np.nan
        with pytest.raises(DeviceError, match="differ from NumPy's"):
            products.verify(device, operand, a, bt, c, edge)


def test_random_matrices_have_no_two_equal_rows() -> None:
    device = NumpyDevice()
    for operand in PRODUCTS:
        rows = device.to_host(products.random_matrix(device, operand, 1024)).reshape(1024, 1024)
        assert len(np.unique(rows, axis=0)) == 1024


@pytest.mark.parametrize(
    "test",
    [
        products.test_of("bf16"),
        products.test_of("int8"),
        transfers.h2d,
        transfers.d2h,
        capacity.measure,
    ],
)
def test_a_processor_does_not_pretend_to_be_a_gpu(test: Test) -> None:
    value = test(setting()).value
    assert isinstance(value, Unknown) and value.reason == NOT_SUPPORTED


@pytest.mark.parametrize("test", [memory.copy, memory.read, int_rate.measure])
def test_a_processor_has_a_memory_and_integers(test: Test) -> None:
    outcome = test(setting())
    assert isinstance(outcome.value, float) and outcome.value > 1e6
    assert outcome.repeats >= 3


def test_a_scramble_is_22_operations() -> None:
    assert int_rate.SCRAMBLE_OPERATIONS == 22


def test_numpy_passes_its_own_check() -> None:
    check.verify(NumpyDevice())


Harm = Callable[[Buffer], None]


class Sick(NumpyDevice):
    """Computes a little wrong, in one of its calls."""

    def __init__(self, call: str) -> None:
        self._call = call

    def _harm(self, call: str, buffer: Buffer) -> None:
        if call == self._call:
            array = self.to_host(buffer)
            array[-1] += array.dtype.type(1)
            self.copy(buffer, self.from_host(array), buffer.nbytes)

    def generate(
        self, out: Buffer, operand: Operand, key: Key, first_word: int, words: int
    ) -> None:
        super().generate(out, operand, key, first_word, words)
        if operand == "int8":
            self._harm("generate", out)

    def gemm(
        self, operand: Product, a: Buffer, bt: Buffer, c: Buffer, rows: int, n: int, k: int
    ) -> None:
        super().gemm(operand, a, bt, c, rows, n, k)
        self._harm("gemm", c)

    def digest_rows(self, c: Buffer, leaves: Buffer, rows: int, n: int, key: Key) -> None:
        super().digest_rows(c, leaves, rows, n, key)
        self._harm("digest_rows", leaves)

    def fill(self, memory: Buffer, first_word: int, words: int, key: Key, cost: int) -> None:
        super().fill(memory, first_word, words, key, cost)
        self._harm("fill", memory)

    def digest_blocks(
        self, memory: Buffer, first_word: int, blocks: int, leaves: Buffer, key: Key
    ) -> None:
        super().digest_blocks(memory, first_word, blocks, leaves, key)
        self._harm("digest_blocks", leaves)

    def walk(
        self, memory: Buffer, lines: int, states: Buffer, walkers: int, steps: int, key: Key
    ) -> None:
        super().walk(memory, lines, states, walkers, steps, key)
        self._harm("walk", states)


@pytest.mark.parametrize(
    "call", ["generate", "gemm", "digest_rows", "fill", "digest_blocks", "walk"]
)
def test_the_check_notices_whatever_is_wrong(call: str) -> None:
    with pytest.raises(DeviceError, match=r"1 of \d+ entries differ") as caught:
        check.verify(Sick(call))
    assert caught.value.code == "wrong_answer"


def test_memory_that_changed_or_was_never_written_is_noticed() -> None:
    device, fill_key, digest_key = NumpyDevice(), (1, 2), (3, 4)
    words, first_word = 3 * BLOCK_WORDS, 5 * BLOCK_WORDS
    piece = Piece(device.empty(words, "u64"), first_word)
    device.fill(piece.memory, first_word, words, fill_key, 0)
    leaves = device.empty(3, "u64")
    device.digest_blocks(piece.memory, 0, 3, leaves, digest_key)
    good = device.to_host(leaves)
    capacity.verify(piece, good, good, fill_key, digest_key)
    other = good.copy()
    other[1] += np.uint64(1)
    for before, after in ((good, other), (other, good), (other - other, other - other)):
        with pytest.raises(DeviceError, match="does not read back") as caught:
            capacity.verify(piece, before, after, fill_key, digest_key)
        assert caught.value.code == "wrong_answer"


# A test that fails.


def failing(error: Exception) -> Test:
    def test(setting: Setting) -> Outcome:
        raise error

    return test


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeviceError("out_of_memory", "why"), ERROR),
        (DeviceError("not_supported", "why"), NOT_SUPPORTED),
        (ClockStopped("why"), ERROR),
        (MemoryError(), ERROR),
    ],
)
def test_a_test_that_fails_has_a_figure_that_says_so(error: Exception, reason: str) -> None:
    outcome = bench.attempt(failing(error), setting())
    assert isinstance(outcome.value, Unknown)
    assert outcome.value.reason == reason and outcome.value.detail
    assert outcome.repeats == 0


def test_a_wrong_answer_ends_the_run() -> None:
    with pytest.raises(DeviceError):
        bench.attempt(failing(DeviceError("wrong_answer", "why")), setting())


class Dead(NumpyDevice):
    def synchronize(self) -> None:
        raise DeviceError("cuda_error", "an illegal address")


def test_a_device_that_is_dead_after_a_test_ends_the_run() -> None:
    with pytest.raises(DeviceError, match="illegal address"):
        bench.attempt(failing(DeviceError("cuda_error", "why")), setting(Dead()))


def test_progress_is_told_of_the_whole_and_not_too_often() -> None:
    told: list[float] = []

    def send(frame: object) -> None:
        assert isinstance(frame, dict) and frame["test"] == "memory_copy"
        told.append(frame["share"])

    progress = bench.Progress("memory_copy", 1, 4, send)
    for share in (0.0, 0.5, 1.0):
        progress(share)
    assert told == [0.25]
