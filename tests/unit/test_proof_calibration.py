"""The work that is asked for fits the device that is expected, and the bounds."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.proof import calibration
from polarisd.proof.calibration import Expected, compute_for, memory_for, rescaled
from polarisd.proof.classes import CLASSES, DeviceClass

H100 = Expected(tensor_ops=7e14, memory_bps=2.9e12, mix_ops=6.7e11, vram_bytes=76 << 30)
T4 = Expected(tensor_ops=5e13, memory_bps=2.6e11, mix_ops=1.8e11, vram_bytes=14 << 30)
PROCESSOR = Expected(tensor_ops=3e10, memory_bps=5e9, mix_ops=1e9, vram_bytes=64 << 20)

devices = st.builds(
    Expected,
    tensor_ops=st.floats(1e8, 1e17),
    memory_bps=st.floats(1e8, 1e14),
    mix_ops=st.floats(1e7, 1e14),
    vram_bytes=st.integers(1 << 20, 250 << 30),
)


@given(devices, st.floats(1, 20), st.sampled_from(("nine_bit", "int8")))
def test_what_is_asked_for_is_within_bounds(
    expected: Expected, target_s: float, operand: str
) -> None:
    assert list(compute_for(expected, target_s, operand=operand).problems()) == []
    assert list(memory_for(expected, target_s).problems()) == []


@pytest.mark.parametrize("expected", [H100, T4, PROCESSOR], ids=["H100", "T4", "processor"])
@pytest.mark.parametrize("target_s", [1.0, 9.0])
def test_it_takes_about_as_long_as_it_should(expected: Expected, target_s: float) -> None:
    compute = compute_for(expected, target_s)
    assert 0.8 * target_s < compute.operations / expected.tensor_ops < 1.25 * target_s
    assert compute.rounds == 48
    memory = memory_for(expected, target_s)
    part_s = min(2.0, target_s / 4)
    fill_s = memory.words * memory.cost / expected.mix_ops
    assert 0.9 * part_s < fill_s < 1.1 * part_s
    assert 0.9 * part_s < memory.pass_bytes / expected.memory_bps < 1.1 * part_s
    assert memory.vram_bytes <= expected.vram_bytes
    assert memory.vram_bytes > 0.9 * expected.vram_bytes
    assert 7.9 < memory.walk_factor <= 8.0
    deadlines = calibration.deadlines_for(expected, compute, memory)
    assert fill_s < deadlines.fill_s < 1.3 * fill_s + 0.25
    assert compute.operations / expected.tensor_ops < deadlines.compute_s < 1.3 * 1.25 * target_s
    assert memory.pass_bytes / expected.memory_bps < deadlines.pass_s


@pytest.mark.parametrize("expected", [H100, T4], ids=["H100", "T4"])
def test_nobody_can_fill_anew_in_the_time_of_the_walks(expected: Expected) -> None:
    remake_ops = 2e12
    memory = memory_for(expected, remake_ops=remake_ops)
    refill_s = memory.words * memory.cost / remake_ops
    assert refill_s >= calibration.deadlines_for(expected, None, memory).walk_s
    assert memory.cost > memory_for(expected).cost
    assert list(memory.problems()) == []


@pytest.mark.parametrize("known", CLASSES.values(), ids=CLASSES)
def test_a_card_of_each_class_takes_eight_to_ten_seconds(known: DeviceClass) -> None:
    expected, ceiling = known.expected, known.ceiling
    compute = compute_for(expected)
    assert 8 <= compute.operations / expected.tensor_ops <= 10
    assert list(memory_for(expected, remake_ops=ceiling.remake_ops).problems()) == []
    assert expected.tensor_ops < ceiling.tensor_ops
    assert expected.memory_bps < ceiling.memory_bps
    assert expected.mix_ops < ceiling.mix_ops <= ceiling.remake_ops


def test_a_fast_card_gets_the_longest_edges() -> None:
    parameters = compute_for(H100)
    assert (parameters.columns, parameters.depth, parameters.chunk_rows) == (8192, 8192, 8192)


def test_a_slow_device_gets_fewer_rounds_rather_than_a_long_wait() -> None:
    slow = dataclasses.replace(PROCESSOR, tensor_ops=1e8)
    parameters = compute_for(slow, 1.0)
    assert parameters.chunks == 1
    assert parameters.rounds < 48
    assert parameters.samples == calibration.SAMPLES


@given(st.floats(0.5, 100), st.floats(1, 10))
def test_rescaling_keeps_the_shape(took_s: float, target_s: float) -> None:
    before = compute_for(T4)
    after = rescaled(before, took_s, target_s)
    assert list(after.problems()) == []
    assert (after.columns, after.depth) == (before.columns, before.depth)
    wanted = before.operations * target_s / took_s
    one_chunk = 2 * before.chunk_rows * before.columns * before.depth
    assert abs(after.operations - wanted) <= one_chunk * before.rounds
