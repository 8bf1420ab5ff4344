"""On a real GPU: every kernel and every product, bit for bit what NumPy says.

What the host build and the emulated threads cannot show: NVRTC's machine code on this
silicon, shuffles and atomic additions as they are, cuBLAS's choice of algorithm, and that
its sums of 9-bit integers are exact in the tensor cores.  Skipped without a GPU and CuPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from polarisd.bench.worker.cupy_device import CupyDevice
from polarisd.bench.worker.device import (
    BLOCK_WORDS,
    NO_GPU,
    NO_STACK,
    OPERAND_KINDS,
    Array,
    Buffer,
    Device,
    DeviceError,
    Operand,
)
from polarisd.bench.worker.exact_product import decoded
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.proof import memory as spec
from polarisd.proof.words import Key

KEYS = [(0x0123456789ABCDEF, 0xFEDCBA9876543210), (0, 0), ((1 << 64) - 1, (1 << 64) - 1)]
OPERANDS: tuple[Operand, ...] = ("bf16", "fp16", "int8")
DEPTH = 8192
# The tensor cores of sm_70 and sm_75 have no bf16.
FIRST_WITH_BF16 = 8.0
GUARD = 64
PATTERN = 0x5A5A5A5A5A5A5A5A


@pytest.fixture(scope="module")
def gpu() -> Iterator[CupyDevice]:
    try:
        device = CupyDevice()
    except DeviceError as error:
        if error.code not in (NO_STACK, NO_GPU):
            raise
        pytest.skip(f"needs a GPU and CuPy: {error.message}")
    yield device
    device.synchronize()


@pytest.fixture
def reference() -> NumpyDevice:
    return NumpyDevice()


def guarded(device: Device, words: int) -> Buffer:
    return device.from_host(np.full(words + GUARD, PATTERN, np.uint64))


def contents(device: Device, buffer: Buffer) -> Array:
    device.synchronize()
    whole = device.to_host(buffer)
    assert (whole[-GUARD:] == np.uint64(PATTERN)).all(), "written behind the end"
    return whole[:-GUARD]


def same(gpu: Array, reference: Array) -> None:
    np.testing.assert_array_equal(gpu, reference)


# Kernels.


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("words", [1, 255, 257, 1 << 22, (1 << 22) + 31])
def test_generate(
    gpu: Device, reference: Device, operand: Operand, words: int, key: tuple[int, int]
) -> None:
    made = []
    for device in (gpu, reference):
        out = guarded(device, words)
        device.generate(out, operand, key, (1 << 64) - words, words)
        made.append(contents(device, out))
    same(made[0], made[1])


@pytest.mark.parametrize("kind", ["i32", "f32"])
@pytest.mark.parametrize(
    ("rows", "n"), [(1, 4), (3, 124), (70, 128), (33, 132), (9000, 1024), (512, 8192)]
)
def test_digest_rows(gpu: Device, reference: Device, rows: int, n: int, kind: str) -> None:
    random = np.random.default_rng(rows * n)
    product = random.integers(-(1 << 24), (1 << 24) + 1, rows * n).astype(
        np.int32 if kind == "i32" else np.float32
    )
    product[-4:] = [1 << 24, -(1 << 24), 0, -1]
    made = []
    for device in (gpu, reference):
        leaves = guarded(device, rows)
        device.digest_rows(device.from_host(product), leaves, rows, n, KEYS[0])
        made.append(contents(device, leaves))
    same(made[0], made[1])


@pytest.mark.parametrize("blocks", [1, 7, 5000])
def test_memory(gpu: Device, reference: Device, blocks: int) -> None:
    """More blocks than a launch has, and walkers that do not fill their last block."""
    made = []
    for device in (gpu, reference):
        words = 2 + blocks * BLOCK_WORDS
        memory, leaves, states = (guarded(device, n) for n in (words, blocks, 70_001))
        device.fill(memory, 1 << 40, words, KEYS[0], 3)
        device.digest_blocks(memory, 2, blocks, leaves, KEYS[1])
        device.walk(memory, words // 8, states, 70_001, 40, KEYS[2])
        made.append([contents(device, buffer) for buffer in (memory, leaves, states)])
    for ours, theirs in zip(made[0], made[1], strict=True):
        same(ours, theirs)


def test_more_memory_than_thirty_two_bits_count(gpu: Device) -> None:
    """Past 32 GiB a word's place, and past 4 GiB a byte's, needs more than 32 bits."""
    free_words = gpu.describe().free_bytes // 8
    blocks = min(free_words - (1 << 27), (1 << 32) + (1 << 22)) // BLOCK_WORDS
    if blocks * BLOCK_WORDS * 8 <= 1 << 32:
        pytest.skip("this GPU has no 4 GiB free")
    words = blocks * BLOCK_WORDS
    memory, leaves = gpu.empty(words, "u64"), gpu.empty(blocks, "u64")
    gpu.fill(memory, 0, words, KEYS[0], 0)
    gpu.digest_blocks(memory, 0, blocks, leaves, KEYS[1])
    states = gpu.empty(4096, "u64")
    gpu.walk(memory, words // 8, states, 4096, 20, KEYS[2])

    some = NumpyDevice()
    for block in {0, 1, blocks // 2, blocks - 1}:
        part, leaf = some.empty(BLOCK_WORDS, "u64"), some.empty(1, "u64")
        some.fill(part, block * BLOCK_WORDS, BLOCK_WORDS, KEYS[0], 0)
        same(gpu.to_host(memory.part(block * BLOCK_WORDS, BLOCK_WORDS)), some.to_host(part))
        some.digest_blocks(part, 0, 1, leaf, KEYS[1])
        same(gpu.to_host(leaves.part(block, 1)), some.to_host(leaf))
    ends = spec.walk(
        lambda lines: spec.filled(spec.line_counters(lines), Key(*KEYS[0]), 0),
        np.arange(4096, dtype=np.uint64),
        words // 8,
        20,
        Key(*KEYS[2]),
    )
    same(gpu.to_host(states), ends)


# Products.


def skip_unless_offered(gpu: Device, operand: Operand) -> None:
    capability = gpu.describe().compute_capability
    if operand == "bf16" and float(capability) < FIRST_WITH_BF16:
        pytest.skip(f"compute capability {capability} has no bf16")


def multiplied(
    gpu: Device, operand: Operand, a: Buffer, bt: Buffer, shape: tuple[int, int, int]
) -> Array:
    rows, n, k = shape
    c = gpu.empty(rows * n, "i32" if operand == "int8" else "f32")
    gpu.gemm(operand, a, bt, c, rows, n, k)
    return gpu.to_host(c).reshape(rows, n)


def integers(gpu: Device, operand: Operand, matrix: Buffer, depth: int) -> Array:
    return decoded(operand, gpu.to_host(matrix)).reshape(-1, depth).astype(np.float64)


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("size", [(128, 128), (512, 8192), (8192, 8192)])
def test_random_products_are_exact(gpu: Device, operand: Operand, size: tuple[int, int]) -> None:
    """At the proof's depth.  All rows are computed, a sample of them is made anew."""
    skip_unless_offered(gpu, operand)
    rows, n = size
    a, bt = (gpu.empty(count * DEPTH, OPERAND_KINDS[operand]) for count in size)
    for key, matrix in zip(KEYS, (a, bt), strict=False):
        gpu.generate(matrix, operand, key, 0, matrix.nbytes // 8)
    product = multiplied(gpu, operand, a, bt, (rows, n, DEPTH))
    sample = np.random.default_rng(1).choice(rows, 64, replace=False)
    left, right = (integers(gpu, operand, matrix, DEPTH) for matrix in (a, bt))
    same(product[sample].astype(np.float64), left[sample] @ right.T)


def encoded(operand: Operand, entries: Array) -> Array:
    if operand == "int8":
        return entries.astype(np.int8)
    if operand == "fp16":
        return entries.astype(np.float16).view(np.uint16)
    return (entries.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


@pytest.mark.parametrize("operand", OPERANDS)
def test_the_largest_sums_are_exact(gpu: Device, operand: Operand) -> None:
    """Partial sums run up to what the accumulator holds, and back: for 9 bits to 2^24."""
    skip_unless_offered(gpu, operand)
    low, high, climb = (-128, 127, DEPTH) if operand == "int8" else (-256, 255, 256)
    random = np.random.default_rng(2)
    places = np.arange(DEPTH)
    up = np.where(places < climb // 2, low, 0)
    down = np.where((places >= climb // 2) & (places < climb), high, 0)
    kinds = np.stack([up, up + down, down, np.roll(up, DEPTH // 2), np.where(places % 2, low, 0)])
    a = kinds[np.arange(128) % 5]
    bt = np.concatenate([kinds[np.arange(64) % 4], random.integers(-1, 2, (64, DEPTH))])
    exact = a @ bt.T
    # The running sums too, in any order of the terms: no sum of some exceeds that of all.
    bound = np.abs(a) @ np.abs(bt).T
    assert bound.max() <= (1 << 31 if operand == "int8" else 1 << 24)
    left, right = (gpu.from_host(encoded(operand, matrix).reshape(-1)) for matrix in (a, bt))
    product = multiplied(gpu, operand, left, right, (128, 128, DEPTH))
    same(product.astype(np.int64), exact)
