"""Every device proves the same: whole challenges, bit for bit the reference's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings

from polarisd.bench.worker.device import Device, DeviceError
from polarisd.bench.worker.engine import DeviceEngine, encoding_for, needed_bytes
from polarisd.bench.worker.figures import Setting
from polarisd.bench.worker.host_device import HostDevice
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.proof_rate import measure
from polarisd.bench.worker.timing import Pace
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from tests.unit import proof_support as support


@pytest.fixture(scope="module", params=["host", "numpy"])
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Device:
    if request.param == "numpy":
        return NumpyDevice()
    cache: Path = tmp_path_factory.mktemp("kernels")
    return HostDevice(cache)


@settings(max_examples=40, deadline=None)
@given(support.compute_parameters(), support.memory_parameters())
def test_a_device_says_what_the_reference_says(
    device: Device, compute: ComputeParameters, memory: MemoryParameters
) -> None:
    asked = support.terms(compute, memory)
    engine = DeviceEngine(device, device.describe())
    assert support.transcript(asked, engine) == support.transcript(asked)


def test_larger_than_one_launch(device: Device) -> None:
    compute = dataclasses.replace(
        support.COMPUTE, chunk_rows=256, columns=512, depth=1024, chunks=3, group=64
    )
    asked = support.terms(compute, None)
    engine = DeviceEngine(device, device.describe())
    assert support.transcript(asked, engine) == support.transcript(asked)


@pytest.mark.parametrize(
    ("operand", "capability", "encoding"),
    [
        ("nine_bit", "7.5", "fp16"),
        ("nine_bit", "8.0", "bf16"),
        ("nine_bit", "12.0", "bf16"),
        ("nine_bit", "", "bf16"),
        ("int8", "7.5", "int8"),
    ],
)
def test_how_operands_are_held(operand: str, capability: str, encoding: str) -> None:
    parameters = dataclasses.replace(support.COMPUTE, operand=operand)
    assert encoding_for(parameters, capability) == encoding


def test_what_is_needed_covers_every_buffer() -> None:
    c, m = support.COMPUTE, support.MEMORY
    both, one = needed_bytes(c, m), needed_bytes(c, None)
    assert both - one >= m.vram_bytes + 8 * m.walkers
    assert one >= 2 * (c.chunk_rows + c.columns) * c.depth + 4 * c.chunk_rows * c.columns


def test_the_rate_of_a_proof(device: Device) -> None:
    pace = Pace(warm_s=0.03, measure_s=0.03, repeat_s=0.01)
    ticks: list[float] = []
    outcome = measure(Setting(device, device.describe(), pace, ticks.append))
    assert isinstance(outcome.value, float)
    assert outcome.value > 0
    assert outcome.repeats == 3
    assert ticks[-1] == 1.0


def test_a_device_that_multiplies_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    device = NumpyDevice()
    right = device.gemm

    def wrong(*arguments: object) -> None:
        right(*arguments)  # type: ignore[arg-type]
        c = arguments[3]
        c.array[:] += 1  # type: ignore[attr-defined]

    monkeypatch.setattr(device, "gemm", wrong)
    pace = Pace(warm_s=0.03, measure_s=0.03, repeat_s=0.01)
    with pytest.raises(DeviceError, match="the proof is wrong") as caught:
        measure(Setting(device, device.describe(), pace, lambda share: None))
    assert caught.value.code == "wrong_answer"
