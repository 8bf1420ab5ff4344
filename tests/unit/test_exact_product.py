"""Products of integer matrices on a processor are exact, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from polarisd.bench.worker.device import WRONG_ANSWER, Array, DeviceError, Operand
from polarisd.bench.worker.numpy_device import NumpyDevice
from tests.unit import proof_oracle as oracle
from tests.unit.kernel_support import contents, guarded, operands

LOWEST: dict[str, tuple[int, int]] = {"bf16": (-256, 255), "fp16": (-256, 255), "int8": (-128, 127)}
Integers = NDArray[np.int64]


def encoded(operand: Operand, integers: Integers) -> Array:
    if operand == "int8":
        return integers.astype(np.int8)
    if operand == "fp16":
        return integers.astype(np.float16).view(np.uint16)
    return (integers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def multiplied(operand: Operand, a: Integers, bt: Integers) -> Array:
    device = NumpyDevice()
    rows, n, k = len(a), len(bt), a.shape[1]
    c = guarded(device, rows * n, "i32" if operand == "int8" else "f32")
    left, right = (device.from_host(encoded(operand, matrix)) for matrix in (a, bt))
    device.gemm(operand, left, right, c, rows, n, k)
    return contents(device, c).reshape(rows, n)


@st.composite
def small(draw: st.DrawFn) -> tuple[Operand, list[list[int]], list[list[int]]]:
    operand = draw(operands)
    low, high = LOWEST[operand]
    k = draw(st.integers(1, 20))
    entry = st.one_of(st.integers(low, high), st.sampled_from([low, high]))
    row = st.lists(entry, min_size=k, max_size=k)
    matrix = st.lists(row, min_size=1, max_size=5)
    return operand, draw(matrix), draw(matrix)


@given(small())
def test_small_ones(case: tuple[Operand, list[list[int]], list[list[int]]]) -> None:
    operand, a, bt = case
    product = multiplied(operand, np.array(a), np.array(bt))
    assert product.astype(int).tolist() == oracle.product(a, bt)


@settings(max_examples=20)
@given(operands, st.integers(0, 1 << 32), st.sampled_from([247, 248, 249, 1016, 2000, 8192]))
def test_deep_ones(operand: Operand, seed: int, k: int) -> None:
    """Deeper than fp32 sums are exact for in the worst case, and more rows than a slab."""
    low, high = LOWEST[operand]
    random = np.random.default_rng(seed)
    a, bt = (random.integers(low, high + 1, (rows, k)) for rows in (520, 9))
    np.testing.assert_array_equal(multiplied(operand, a, bt).astype(np.int64), a @ bt.T)


@pytest.mark.parametrize("operand", ["bf16", "fp16", "int8"])
@pytest.mark.parametrize("k", [1, 7, 248, 256])
def test_the_largest_entries(operand: Operand, k: int) -> None:
    """All at the lowest end, at the highest, and with the greatest sums half way."""
    low, high = LOWEST[operand]
    turning = np.where(np.arange(k) < k // 2, low, high)
    rows = np.stack([np.full(k, low), np.full(k, high), turning])
    columns = np.stack([np.full(k, low), np.full(k, high), turning, turning[::-1]])
    product = multiplied(operand, rows, columns)
    np.testing.assert_array_equal(product.astype(np.int64), rows @ columns.T)


def test_a_sum_that_passes_what_fp32_holds_and_comes_back_is_exact() -> None:
    """In fp32 alone, which is what a deep product would be done in, it is not."""
    k = 4096
    a = np.full((1, k), -256)
    a[0, ::2] = -255
    bt = np.where(np.arange(k) < k // 2, 255, -256)[None, :]
    bt[0, -1] = 3
    exact = int((a @ bt.T)[0, 0])
    assert abs(exact) < 1 << 24
    running = np.cumsum((a * bt)[0])
    assert np.abs(running).max() > 1 << 26
    assert int(multiplied("bf16", a, bt)[0, 0]) == exact


def test_an_entry_that_fp32_does_not_hold_is_refused() -> None:
    with pytest.raises(DeviceError, match="more than float32 holds exactly") as caught:
        multiplied("bf16", np.full((1, 512), 255), np.full((1, 512), 255))
    assert caught.value.code == WRONG_ANSWER
    assert caught.value.hint


def test_an_entry_that_int32_does_not_hold_is_refused() -> None:
    lowest = np.full((1, 1 << 17), -128)
    with pytest.raises(DeviceError, match="more than int32 holds exactly"):
        multiplied("int8", lowest, lowest)
    nearly = multiplied("int8", lowest, np.full((1, 1 << 17), 127))
    assert nearly[0, 0] == -128 * 127 << 17


@pytest.mark.parametrize("entry", [0.5, 257.0, -512.0, float("nan"), float("inf")])
def test_what_is_no_nine_bit_integer_is_refused(entry: float) -> None:
    device = NumpyDevice()
    a = device.from_host(np.full(4, entry, np.float16).view(np.uint16))
    c = device.empty(1, "f32")
    with pytest.raises(ValueError, match="integers from -256 to 256"):
        device.gemm("fp16", a, a, c, 1, 1, 4)


@pytest.mark.parametrize("operand", ["fp32", "tf32"])
def test_fp32_is_multiplied_as_it_is(operand: Any) -> None:
    device = NumpyDevice()
    a = device.from_host(np.array([0.5, 0.25, 1, 2], np.float32))
    bt = device.from_host(np.array([2, 4, 8, 16, 0, 1], np.float32))
    c = device.empty(6, "f32")
    device.gemm(operand, a, bt, c, 2, 3, 2)
    assert device.to_host(c).tolist() == [2, 8, 0.25, 10, 40, 2]
