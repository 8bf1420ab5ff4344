"""The kernels' GPU branch, on emulated threads: any shape of a launch gives the same.

`test_kernels_host` compares the same kernels' host branch with the formulas; here NumPy,
which was found equal there, is what they are compared with.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.bench.worker.device import BLOCK_WORDS, Array, Device, Key, Operand
from polarisd.bench.worker.kernel_device import Launch
from polarisd.bench.worker.numpy_device import NumpyDevice
from tests.fakes.simt import Simt, SimtDevice, SimtProblem
from tests.unit.kernel_support import contents, guarded, keys, operands, words

warps = st.integers(1, 8).map(lambda count: 32 * count)
any_shape = st.builds(Launch, st.integers(1, 5), st.integers(1, 256))
whole_warps = st.builds(Launch, st.integers(1, 5), warps)
counts = st.one_of(st.integers(1, 700), st.sampled_from([31, 32, 33, 255, 256, 257]))

few = settings(max_examples=40)


def emulated(shape: Launch | None) -> SimtDevice:
    return SimtDevice(2, shape)


@few
@given(operands, keys, counts, words, any_shape)
def test_generate(operand: Operand, key: Key, count: int, first: int, shape: Launch) -> None:
    first = min(first, (1 << 64) - count)

    def made(device: Device) -> Array:
        out = guarded(device, count, "u64")
        device.generate(out, operand, key, first, count)
        return contents(device, out)

    np.testing.assert_array_equal(made(emulated(shape)), made(NumpyDevice()))


@few
@given(st.integers(1, 9), counts, st.booleans(), keys, words, st.none() | whole_warps)
def test_digest_rows(
    rows: int, loads: int, floats: bool, key: Key, seed: int, shape: Launch | None
) -> None:
    integers = np.random.default_rng(seed).integers(-(1 << 24), (1 << 24) + 1, (rows, 4 * loads))
    product = integers.astype(np.float32 if floats else np.int32)

    def made(device: Device) -> Array:
        leaves = guarded(device, rows, "u64")
        device.digest_rows(device.from_host(product), leaves, rows, 4 * loads, key)
        return contents(device, leaves)

    np.testing.assert_array_equal(made(emulated(shape)), made(NumpyDevice()))


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(0, 4), keys, words)
def test_digest_blocks(blocks: int, pairs_before: int, key: Key, seed: int) -> None:
    count = 2 * pairs_before + blocks * BLOCK_WORDS
    memory = np.random.default_rng(seed).integers(0, 1 << 64, count, np.uint64)

    def made(device: Device) -> Array:
        leaves = guarded(device, blocks, "u64")
        device.digest_blocks(device.from_host(memory), 2 * pairs_before, blocks, leaves, key)
        return contents(device, leaves)

    np.testing.assert_array_equal(made(emulated(None)), made(NumpyDevice()))


@few
@given(keys, counts, words, st.integers(0, 9), any_shape)
def test_fill(key: Key, count: int, first: int, cost: int, shape: Launch) -> None:
    first = min(first, (1 << 64) - count)

    def made(device: Device) -> Array:
        memory = guarded(device, count, "u64")
        device.fill(memory, first, count, key, cost)
        return contents(device, memory)

    np.testing.assert_array_equal(made(emulated(shape)), made(NumpyDevice()))


@few
@given(keys, st.integers(1, 70), counts, st.integers(1, 9), words, any_shape)
def test_walk(key: Key, lines: int, walkers: int, steps: int, seed: int, shape: Launch) -> None:
    memory = np.random.default_rng(seed).integers(0, 1 << 64, 8 * lines, np.uint64)

    def made(device: Device) -> Array:
        states = guarded(device, walkers, "u64")
        device.walk(device.from_host(memory), lines, states, walkers, steps, key)
        return contents(device, states)

    np.testing.assert_array_equal(made(emulated(shape)), made(NumpyDevice()))


@pytest.mark.parametrize("count", [32 * 256, 32 * 256 + 1, 3 * 32 * 256 + 7])
def test_more_items_than_a_launch_has_threads(count: int) -> None:
    """As `KernelDevice` shapes it for one multiprocessor: threads come round again."""
    outcomes = []
    for device in (SimtDevice(1), NumpyDevice()):
        memory = guarded(device, count, "u64")
        device.fill(memory, 5, count, (3, 4), 1)
        outcomes.append(contents(device, memory))
    np.testing.assert_array_equal(outcomes[0], outcomes[1])


def test_more_rows_than_a_launch_has_blocks() -> None:
    product = np.arange(75 * 8, dtype=np.int32).reshape(75, 8)
    outcomes = []
    for device in (SimtDevice(1), NumpyDevice()):
        leaves = guarded(device, 75, "u64")
        device.digest_rows(device.from_host(product), leaves, 75, 8, (1, 2))
        outcomes.append(contents(device, leaves))
    np.testing.assert_array_equal(outcomes[0], outcomes[1])


class _Slices(SimtDevice):
    scrambles_a_launch = 700


@pytest.mark.parametrize("count", [99, 100, 101, 350])
def test_a_long_fill_is_several_launches(count: int) -> None:
    """Of 100 words each, at this cost."""
    outcomes = []
    for device in (_Slices(1), NumpyDevice()):
        memory = guarded(device, count, "u64")
        device.fill(memory, 5, count, (3, 4), 6)
        outcomes.append(contents(device, memory))
    np.testing.assert_array_equal(outcomes[0], outcomes[1])


def test_a_word_that_takes_longer_than_a_launch_should_is_one_nevertheless() -> None:
    outcomes = []
    for device in (_Slices(1), NumpyDevice()):
        memory = guarded(device, 3, "u64")
        device.fill(memory, 5, 3, (3, 4), 1000)
        outcomes.append(contents(device, memory))
    np.testing.assert_array_equal(outcomes[0], outcomes[1])


# That the emulation would notice.


@pytest.mark.parametrize("threads", [1, 31, 48, 255])
def test_a_shuffle_of_part_of_a_warp_is_noticed(threads: int) -> None:
    device = emulated(Launch(1, threads))
    with pytest.raises(SimtProblem, match="lanes that have ended or never were"):
        device.digest_rows(device.empty(4, "i32"), device.empty(1, "u64"), 1, 4, (1, 2))


BROKEN = """
typedef unsigned long long u64;
extern "C" __global__ void early(u64 *out)
{
    if (threadIdx.x == 7)
        return;
    out[0] = __shfl_down_sync(0xFFFFFFFFu, 1ull, 1);
}
extern "C" __global__ void apart(u64 *out)
{
    out[0] = __shfl_down_sync(0xFFFFFFFFu, 1ull, threadIdx.x < 9 ? 1 : 2);
}
extern "C" __global__ void partial(u64 *out)
{
    out[0] = __shfl_down_sync(0x0000FFFFu, 1ull, 1);
}
extern "C" __global__ void sound(u64 *out)
{
    out[threadIdx.x] = __shfl_down_sync(0xFFFFFFFFu, static_cast<u64>(threadIdx.x), 8);
}
"""


@pytest.mark.parametrize(
    ("kernel", "problem"),
    [
        ("early", "lanes that have ended or never were"),
        ("apart", "different shuffles"),
        ("partial", "only some of the lanes"),
    ],
)
def test_a_broken_kernel_is_noticed(kernel: str, problem: str) -> None:
    out = NumpyDevice().empty(32, "u64")
    with pytest.raises(SimtProblem, match=problem):
        Simt(BROKEN, "simt-broken").launch(kernel, Launch(1, 32), [out.address])


def test_a_shuffle_moves_values_down() -> None:
    out = NumpyDevice().empty(32, "u64")
    Simt(BROKEN, "simt-broken").launch("sound", Launch(1, 32), [out.address])
    assert out.array.tolist() == [*range(8, 32), *range(24, 32)]
