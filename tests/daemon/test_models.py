"""Every field of every GPU model: as the driver has it, so the daemon tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.daemon.client import Map, gpu
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.expected import NOT_SUPPORTED, Expected
from tests.fakes.nvml import layout
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.fakes.nvml.models import model_names


def make_busy(card: layout.Gpu) -> None:
    """Give what rests at zero a value of its own, so that no field passes for another."""
    card.util_gpu, card.util_memory = 83, 41
    card.memory_used = 12_345 << 20
    card.reasons = 0x4 | 0x20
    card.energy_mj = 987_654_321
    card.pcie_replays = 3
    card.compute_mode = 3
    card.recovery_action = 3
    card.ecc_corrected_volatile, card.ecc_corrected_aggregate = 7, 11
    card.ecc_uncorrected_volatile, card.ecc_uncorrected_aggregate = 1, 4
    card.remapped_corrected, card.remapped_uncorrected, card.remap_pending = 5, 2, 1
    if card.nvlinks:
        card.nvlink_up[card.nvlinks - 1] = 0


def has_rates(snapshot: Map) -> bool:
    """The second sample has come: what counts up has a rate, or never will."""
    sample = snapshot["gpus"][0]["sample"]
    return not any(
        isinstance(value, dict) and value["unknown"] == "not_read_yet" for value in sample.values()
    )


def without_read_at(record: Map) -> Map:
    return {name: value for name, value in record.items() if name != "read_at"}


@pytest.mark.parametrize("model", model_names())
def test_every_field_of_a_model(
    model: str, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml(model)
    make_busy(nvml.gpus[0])
    with polarisd(nvml).client() as client:
        snapshot = client.until(has_rates)
    [found] = snapshot["gpus"]
    expected = Expected(nvml)
    assert found["state"] == "ok"
    assert found["identity"] == expected.identity()
    assert without_read_at(found["sample"]) == expected.sample()
    assert without_read_at(found["condition"]) == expected.condition()
    assert found["mig_devices"] == expected.mig_devices()
    assert snapshot["driver"] == {
        "state": "ok",
        "detail": "",
        "driver_version": nvml.state.driver.decode(),
        "nvml_version": nvml.state.nvml.decode(),
        "cuda_version": f"{nvml.state.cuda_version // 1000}.{nvml.state.cuda_version % 1000 // 10}",
    }


def test_counters_become_rates(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100")
    with polarisd(nvml).client() as client:
        client.until(has_rates)
        nvml.gpus[0].pcie_tx_bytes += 1 << 20
        nvml.gpus[0].nvlink_rx_kib += 1 << 10

        def moved(snapshot: Map) -> bool:
            return (
                isinstance(rate := snapshot["gpus"][0]["sample"]["pcie_tx_bps"], float) and rate > 0
            )

        sample = client.until(moved)["gpus"][0]["sample"]
    # One MiB between two samples that are a tenth of a second apart, if nobody dawdled.
    assert 1 << 18 < sample["pcie_tx_bps"] < 1 << 26
    assert sample["nvlink_rx_bps"] == pytest.approx(sample["pcie_tx_bps"])
    assert sample["pcie_rx_bps"] == sample["nvlink_tx_bps"] == 0


def test_who_uses_a_gpu(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    """One process that lives, one that is gone by the time its name is looked up."""
    nvml = fake_nvml("h100", count=2)
    gone = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    nvml.add_process(1, os.getpid(), "compute", 3 << 30)
    nvml.add_process(1, gone, "graphics", None)
    name = Path("/proc/self/comm").read_text().strip()
    with polarisd(nvml).client() as client:
        snapshot = client.snapshot()
    assert gpu(snapshot, nvml.uuid(0))["condition"]["processes"] == []
    assert gpu(snapshot, nvml.uuid(1))["condition"]["processes"] == [
        {"pid": os.getpid(), "kind": "compute", "vram_bytes": 3 << 30, "name": name},
        {
            "pid": gone,
            "kind": "graphics",
            "vram_bytes": NOT_SUPPORTED,
            "name": {
                "unknown": "read_error",
                "detail": f"/proc/{gone}: No such file or directory",
            },
        },
    ]


def test_processes_of_a_mig_device(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100-mig-mix")
    nvml.add_process(0, os.getpid(), "compute", 1 << 30, mig=2)
    with polarisd(nvml).client() as client:
        [found] = client.snapshot()["gpus"]
    users = {d["index"]: [p["pid"] for p in d["processes"]] for d in found["mig_devices"]}
    assert users == {0: [], 1: [], 2: [os.getpid()], 3: []}
    assert [p["pid"] for p in found["condition"]["processes"]] == [os.getpid()]
