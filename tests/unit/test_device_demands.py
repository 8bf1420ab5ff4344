"""A wrong call is refused by every device before anything is written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from polarisd.bench.worker.device import BLOCK_WORDS, OUT_OF_MEMORY, Buffer, Device, DeviceError
from polarisd.bench.worker.kernel_device import MAX_THREADS, over_items, over_rows, source
from polarisd.bench.worker.numpy_device import NumpyDevice
from tests.unit.kernel_support import host_device

KEY = (1, 2)
U64 = 1 << 64


def overlapping_product(whole: Buffer, d: Device) -> None:
    d.gemm("fp32", whole.part(0, 4), d.empty(4, "f32"), whole.part(3, 4), 2, 2, 2)


def overlapping_digest(whole: Buffer, d: Device) -> None:
    d.digest_blocks(whole.part(0, BLOCK_WORDS), 0, 1, whole.part(BLOCK_WORDS - 1, 1), KEY)


def overlapping_walk(whole: Buffer, d: Device) -> None:
    d.walk(whole.part(0, 8), 1, whole.part(7, 2), 2, 1, KEY)


def overlapping_copy(whole: Buffer, d: Device) -> None:
    d.copy(whole.part(1, 2), whole.part(0, 2), 16)


WRONG: dict[str, tuple[str, Callable[[Device], object]]] = {
    "generate beyond the end": (
        "out holds 16 bytes, and 24 are needed",
        lambda d: d.generate(d.empty(8, "u16"), "bf16", KEY, 0, 3),
    ),
    "generate into the wrong kind": (
        "out is of kind f32, not u16 or u64",
        lambda d: d.generate(d.empty(8, "f32"), "bf16", KEY, 0, 1),
    ),
    "generate at half a word": (
        "out does not begin at a multiple of 8 bytes",
        lambda d: d.generate(d.empty(9, "u16").part(1, 8), "bf16", KEY, 0, 1),
    ),
    "generate nothing": (
        "words is 0: less than 1",
        lambda d: d.generate(d.empty(8, "u16"), "bf16", KEY, 0, 0),
    ),
    "generate words that there are not": (
        "leave 64 bits",
        lambda d: d.generate(d.empty(8, "u16"), "bf16", KEY, U64 - 1, 2),
    ),
    "generate with a long key": (
        "a key is two numbers of 64 bits",
        lambda d: d.generate(d.empty(8, "u16"), "bf16", (1, U64), 0, 1),
    ),
    "a product of different kinds": (
        "bt is of kind i8, not u16",
        lambda d: d.gemm("bf16", d.empty(4, "u16"), d.empty(4, "i8"), d.empty(4, "f32"), 2, 2, 2),
    ),
    "an int8 product in fp32": (
        "c is of kind f32, not i32",
        lambda d: d.gemm("int8", d.empty(4, "i8"), d.empty(4, "i8"), d.empty(4, "f32"), 2, 2, 2),
    ),
    "a product larger than C": (
        "c holds 12 bytes, and 16 are needed",
        lambda d: d.gemm("int8", d.empty(4, "i8"), d.empty(4, "i8"), d.empty(3, "i32"), 2, 2, 2),
    ),
    "digest rows of six": (
        "not a multiple of 4",
        lambda d: d.digest_rows(d.empty(6, "i32"), d.empty(1, "u64"), 1, 6, KEY),
    ),
    "digest rows from the middle of a load": (
        "c does not begin at a multiple of 16 bytes",
        lambda d: d.digest_rows(d.empty(6, "i32").part(2, 4), d.empty(1, "u64"), 1, 4, KEY),
    ),
    "digest more rows than there are leaves": (
        "leaves holds 8 bytes, and 16 are needed",
        lambda d: d.digest_rows(d.empty(8, "i32"), d.empty(1, "u64"), 2, 4, KEY),
    ),
    "fill beyond the end": (
        "memory holds 8 bytes, and 16 are needed",
        lambda d: d.fill(d.empty(1, "u64"), 0, 2, KEY, 1),
    ),
    "fill at a negative cost": (
        "cost is -1: not between 0",
        lambda d: d.fill(d.empty(1, "u64"), 0, 1, KEY, -1),
    ),
    "walk on more lines than there are": (
        "memory holds 64 bytes, and 128 are needed",
        lambda d: d.walk(d.empty(8, "u64"), 2, d.empty(1, "u64"), 1, 1, KEY),
    ),
    "walk with more walkers than states": (
        "states holds 8 bytes, and 16 are needed",
        lambda d: d.walk(d.empty(8, "u64"), 1, d.empty(1, "u64"), 2, 1, KEY),
    ),
    "digest blocks from an odd word": (
        "memory does not begin at a multiple of 16 bytes",
        lambda d: d.digest_blocks(
            d.empty(BLOCK_WORDS + 1, "u64"), 1, 1, d.empty(1, "u64"), KEY
        ),
    ),
    "digest a block that is not all there": (
        "memory holds 65536 bytes, and 65552 are needed",
        lambda d: d.digest_blocks(d.empty(BLOCK_WORDS, "u64"), 2, 1, d.empty(1, "u64"), KEY),
    ),
    "copy beyond the end": (
        "9 bytes cannot be moved: a side has 8",
        lambda d: d.copy(d.empty(2, "u64"), d.empty(1, "u64"), 9),
    ),
    "upload beyond the end": (
        "9 bytes cannot be moved: a side has 8",
        lambda d: d.upload(d.pinned(8), d.empty(2, "u64"), 9),
    ),
    "download beyond the end": (
        "9 bytes cannot be moved: a side has 8",
        lambda d: d.download(d.empty(2, "u64"), d.pinned(8), 9),
    ),
    "a product over its own operand": (
        "c and a overlap",
        lambda d: overlapping_product(d.empty(8, "f32"), d),
    ),
    "digests within the rows": (
        "leaves and memory overlap",
        lambda d: overlapping_digest(d.empty(2 * BLOCK_WORDS, "u64"), d),
    ),
    "walks that overwrite their path": (
        "states and memory overlap",
        lambda d: overlapping_walk(d.empty(16, "u64"), d),
    ),
    "a copy onto itself": (
        "dst and src overlap",
        lambda d: overlapping_copy(d.empty(4, "u64"), d),
    ),
    "a part that is not within": (
        "entries 1 to 3 are not within 2",
        lambda d: d.empty(2, "u64").part(1, 2),
    ),
    "an empty buffer": ("count is 0: less than 1", lambda d: d.empty(0, "u64")),
    "an array of no kind": (
        "no buffer holds entries of type float64",
        lambda d: d.from_host(np.zeros(1)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", [host_device, NumpyDevice], ids=["host", "numpy"])
@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_wrong_call_is_refused(make: Callable[[], Device], what: str) -> None:
    message, call = WRONG[what]
    device = make()
    with pytest.raises(ValueError, match=message):
        call(device)


def test_memory_that_there_is_not_is_refused() -> None:
    with pytest.raises(DeviceError, match="cannot allocate") as caught:
        NumpyDevice().empty(1 << 50, "u64")
    assert caught.value.code == OUT_OF_MEMORY
    assert caught.value.hint


def test_a_freed_buffer_is_refused() -> None:
    device = NumpyDevice()
    buffer = device.empty(4, "u64")
    buffer.free()
    with pytest.raises(ValueError, match="has been freed"):
        device.to_host(buffer)


def test_bytes_go_to_the_device_and_back() -> None:
    device = NumpyDevice()
    there, back = device.pinned(24), device.pinned(24)
    there.array[:] = np.arange(24)
    one, two = device.empty(3, "u64"), device.empty(3, "u64")
    device.upload(there, one, 24)
    device.copy(two, one, 24)
    device.download(two, back, 24)
    assert back.array.tolist() == list(range(24))
    there.free()
    with pytest.raises(ValueError, match="has been freed"):
        device.upload(there, one, 8)


def test_marks_measure_time() -> None:
    device = NumpyDevice()
    start = device.mark()
    end = device.mark()
    device.wait(end)
    assert device.elapsed_s(start, end) >= 0


def test_a_processor_is_described() -> None:
    about = host_device().describe()
    assert about.name
    assert 0 < about.free_bytes <= about.total_bytes
    assert about.uuid == about.compute_capability == ""
    assert set(about.versions) == {"numpy", "compiler", "kernels"}


# How a GPU is asked.


@pytest.mark.parametrize(("items", "blocks"), [(1, 1), (256, 1), (257, 2), (1 << 40, 132 * 32)])
def test_items_are_spread_over_blocks(items: int, blocks: int) -> None:
    shape = over_items(items, 132)
    assert (shape.blocks, shape.threads) == (blocks, MAX_THREADS)


@pytest.mark.parametrize(
    ("loads", "threads"), [(1, 32), (32, 32), (33, 64), (255, 256), (2048, 256)]
)
def test_rows_are_taken_by_whole_warps(loads: int, threads: int) -> None:
    assert over_rows(1, loads, 132).threads == threads
    assert over_rows(1, loads, 132).blocks == 1
    assert over_rows(1 << 26, loads, 132).blocks == 132 * 32


def test_no_launch_has_more_threads_than_the_kernels_are_built_for() -> None:
    assert f"__launch_bounds__({MAX_THREADS})" in source()
