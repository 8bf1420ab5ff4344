"""The fake NVIDIA driver library, judged from other processes through unmodified pynvml."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.nvml import fixtures, layout, model_names
from tests.fakes.nvml.build import build, functions
from tests.fakes.nvml.client import CallFailed, NvmlClient
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.fakes.nvml.models import load_model
from tests.unit.nvml_support import (
    ROOT,
    UTILISATION,
    handle,
)

fake_nvml = fixtures.fake_nvml


# The library itself.


def test_every_field_of_the_state_has_its_offset_asserted_by_the_compiler() -> None:
    header = layout.c_header()
    for structure in layout.STRUCTURES:
        for field in structure._fields_:
            assert f", {field[0]}) == {getattr(structure, field[0]).offset}," in header


def test_both_sides_agree_on_the_far_end_of_the_state(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100", count=layout.MAX_GPUS)
    fake.set_field(15, 273, 2**64 - 1)
    with NvmlClient(fake.env()) as client:
        assert client.call("nvmlDeviceGetCount") == 16
        values = client.call("nvmlDeviceGetFieldValues", handle(client, 15), [273])
    assert values == [{"id": 273, "code": 0, "value": 2**64 - 1}]


def test_two_processes_can_build_at_once(tmp_path: Path) -> None:
    env = {**os.environ, "FAKE_NVML_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", "from tests.fakes.nvml.build import build; print(build())"]
    builders = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {builder.communicate()[0].strip() for builder in builders}
    assert said == {str(entry) for entry in tmp_path.iterdir()}


def test_a_branch_exports_only_what_it_had() -> None:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", build() / "470" / "libnvidia-ml.so.1"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    exported = set(re.findall(r" T (nvml\w+)", listing))
    assert {"nvmlDeviceGetMemoryInfo", "nvmlDeviceGetCurrentClocksThrottleReasons"} <= exported
    assert not exported & {"nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetTemperatureV"}


# Models.


@pytest.mark.parametrize("name", model_names())
def test_a_model_is_what_its_file_says(fake_nvml: FakeNvmlFactory, name: str) -> None:
    fake, model = fake_nvml(name), load_model(name)
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        assert client.call("nvmlSystemGetDriverVersion") == model.driver
        assert client.call("nvmlDeviceGetName", gpu) == model.gpu["name"]
        assert client.call("nvmlDeviceGetUUID", gpu) == fake.uuid(0)
        assert client.call("nvmlDeviceGetMemoryInfo", gpu)["total"] == fake.gpus[0].memory_total
        for function in model.missing_functions:
            assert fake.gpus[0].not_supported[functions()[function]]


def test_a_consumer_card_lacks_what_it_lacks(fake_nvml: FakeNvmlFactory) -> None:
    with NvmlClient(fake_nvml("rtx4090").env()) as client:
        gpu = handle(client)
        for function in ("Serial", "EccMode", "MigMode", "RemappedRows"):
            assert client.code(f"nvmlDeviceGet{function}", gpu) == 3
        assert client.code("nvmlDeviceGetNvLinkState", gpu, 0) == 3
        assert client.call("nvmlDeviceGetNumFans", gpu) == 2
        assert client.call("nvmlDeviceGetFanSpeed_v2", gpu, 1) == 30
        fields = client.call("nvmlDeviceGetFieldValues", gpu, [82, 186])
        assert [field["code"] for field in fields] == [3, 0]


def test_an_old_driver_lacks_functions_and_fields(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("t4-470")
    fake.add_process(0, 4242, memory=5)
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        for function in ("NumGpuCores", "CurrentClocksEventReasons", "MemoryBusWidth"):
            with pytest.raises(CallFailed, match="FunctionNotFound"):
                client.call(f"nvmlDeviceGet{function}", gpu)
        with pytest.raises(CallFailed, match="NVMLLibraryMismatchError"):
            client.call("nvmlDeviceGetComputeRunningProcesses", gpu)
        (process,) = client.call("nvmlDeviceGetComputeRunningProcesses_v2", gpu)
        assert (process["pid"], process["usedGpuMemory"]) == (4242, 5)
        assert client.call("nvmlDeviceGetCurrentClocksThrottleReasons", gpu) == 1
        fields = client.call("nvmlDeviceGetFieldValues", gpu, [83, 186])
        assert [field["code"] for field in fields] == [0, 2]


def test_mig_instances_are_devices_of_their_own(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100-mig-mix")
    fake.add_process(0, 4242, memory=5, mig=1)
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        assert client.call("nvmlDeviceGetMigMode", gpu) == [1, 1]
        assert client.call("nvmlDeviceGetMaxMigDeviceCount", gpu) == 7
        index = ("nvmlDeviceGetMigDeviceHandleByIndex", gpu)
        assert [client.code(*index, i) for i in range(7)] == [0, 0, 0, 0, 6, 6, 6]
        second = client.call(*index, 1)
        assert client.call("nvmlDeviceGetName", second).endswith("HBM3 MIG 2g.20gb")
        assert client.call("nvmlDeviceGetUUID", second) == fake.uuid(0, mig=1)
        assert client.call("nvmlDeviceGetGpuInstanceId", second) == 3
        assert client.call("nvmlDeviceGetAttributes_v2", second)["multiprocessorCount"] == 32
        assert client.call("nvmlDeviceGetMemoryInfo", second)["total"] == 20096 << 20
        (process,) = client.call("nvmlDeviceGetComputeRunningProcesses", second)
        assert (process["pid"], process["gpuInstanceId"]) == (4242, 3)
        assert client.call("nvmlDeviceGetComputeRunningProcesses", client.call(*index, 0)) == []
        parent = client.call("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", second)
        assert client.call("nvmlDeviceGetUUID", parent) == fake.uuid(0)
        for device in (gpu, second):
            assert client.code(UTILISATION, device) == 3
            assert client.code("nvmlDeviceGetRemappedRows", device) == 3
        fake.gpus[0].mig_mode = 0
        assert client.code("nvmlDeviceGetUUID", second) == 2
        assert client.code(UTILISATION, gpu) == 0


def test_the_command_line_runs_a_program_on_the_machine() -> None:
    command = [sys.executable, "-m", "tests.fakes.nvml", "--model", "h100", "--count", "2", "--"]
    command += [sys.executable, "-m", "gpustat", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert [gpu["temperature.gpu"] for gpu in json.loads(done.stdout)["gpus"]] == [31, 31]


@pytest.mark.parametrize("model", ["rtx4090", "t4-470", "h100-mig"])
def test_nvitop_runs_unmodified(fake_nvml: FakeNvmlFactory, model: str) -> None:
    command = [sys.executable, "-m", "nvitop", "--once", "--ascii"]
    env = {**fake_nvml(model).env(), "COLUMNS": "120"}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    assert load_model(model).driver in done.stdout


def test_print_env_gives_a_machine_that_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fakes.nvml", "--model", "rtx4090", "--print-env"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    script = f"{done.stdout}\n{sys.executable} -m gpustat --no-header"
    listing = subprocess.check_output(["sh", "-ec", script], text=True)
    assert "RTX 4090" in listing


def test_the_command_line_adds_a_fake_cupy_that_sees_the_gpu_it_is_shown() -> None:
    code = (
        "import os; from cupy_backends.cuda.api import runtime; "
        "print(os.environ['POLARIS_GPU_STACKS'] == '', runtime.getDeviceCount())"
    )
    command = [sys.executable, "-m", "tests.fakes.nvml", "--cupy", "--", sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "GPU-" + "0" * 32}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    assert done.stdout == "True 1\n"
