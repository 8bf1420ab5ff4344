"""The whole comparison, on a machine of fake GPUs with a fake nvidia-smi."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import nvidia_smi
from tests.fakes.nvml import FakeNvml
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.gpu.fields import FIELDS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def smi_path(tmp_path: Path) -> str:
    nvidia_smi.install(tmp_path, REPOSITORY)
    return f"{tmp_path}:{os.environ['PATH']}"


def run(
    fake: FakeNvml, path: str, *words: str, refuses: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.gpu.compare_nvidia_smi", *words],
        env={**fake.env(), "PATH": path, "FAKE_SMI_REFUSES": refuses},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("model", ["h100", "rtx4090"])
def test_a_fake_machine_agrees_in_every_field(
    fake_nvml: FakeNvmlFactory, smi_path: str, model: str
) -> None:
    fake = fake_nvml(model, count=2)
    fake.gpus[1].temp = 81
    fake.gpus[1].ecc_uncorrected_aggregate = 5
    done = run(fake, smi_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"2 GPUs, {2 * (len(FIELDS) + 1)} fields, 0 differ" in done.stdout


def test_a_field_that_nvidia_smi_does_not_know_is_left_out(
    fake_nvml: FakeNvmlFactory, smi_path: str
) -> None:
    done = run(fake_nvml("h100"), smi_path, refuses="clocks_event_reasons.active")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this nvidia-smi does not know: clocks_event_reasons.active" in done.stdout
    assert f"1 GPUs, {len(FIELDS)} fields, 0 differ" in done.stdout


def test_a_difference_is_named_and_fails(
    fake_nvml: FakeNvmlFactory, smi_path: str, tmp_path: Path
) -> None:
    fake = fake_nvml("h100")
    probe = [sys.executable, "-m", "polarisd.main", "--probe"]
    printed = subprocess.run(
        probe, env=fake.env(), cwd=REPOSITORY, capture_output=True, timeout=60, check=True
    )
    document = json.loads(printed.stdout)
    document["gpus"][0]["identity"]["vbios"] = "00.00"
    (tmp_path / "said.json").write_text(json.dumps(document))
    done = run(fake, smi_path, "--", "cat", str(tmp_path / "said.json"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 differ" in done.stdout
    (line,) = [
        line for line in done.stdout.splitlines() if line.endswith("differ") and "00.00" in line
    ]
    assert "vbios_version" in line


def test_without_nvidia_smi_or_without_gpus_there_is_nothing_to_compare(
    fake_nvml: FakeNvmlFactory, smi_path: str, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(fake_nvml("h100"), str(empty))
    assert done.returncode == 2
    assert "nvidia-smi" in done.stderr
    done = run(fake_nvml("h100"), smi_path, "--", "echo", "{}")
    assert done.returncode == 2
    assert "printed no GPUs" in done.stderr
