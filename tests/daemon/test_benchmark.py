"""Benchmarks through the whole daemon, with the worker that it ships and a fake CuPy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psutil
import pytest

from tests.daemon.client import Map, RawClient, Refused, fault, faults, gpu
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd, with_tree
from tests.fakes.cupy import script
from tests.fakes.nvml.fake import FakeNvml
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.fakes.worker_socket import WorkerSocket

# The worker compiles its kernels first, on a machine that is busy with other tests.
ENDS_WITHIN_S = 120.0
ASK_EVERY_S = 0.1
FEW = ["memory_copy", "int32_rate"]


@pytest.fixture
def nvml(fake_nvml: FakeNvmlFactory) -> FakeNvml:
    return fake_nvml("h100", count=2)


@pytest.fixture
def daemon(nvml: FakeNvml, polarisd: PolarisdFactory) -> Polarisd:
    """Its workers see the first of its GPUs through CUDA, whichever they are told."""
    made = polarisd(nvml, start=False)
    hexadecimal = nvml.uuid(0).removeprefix("GPU-").replace("-", "")
    made.environ = script.environ(made.environ, uuid=hexadecimal, name="NVIDIA H100 80GB HBM3")
    return made.start()


@pytest.fixture
def client(daemon: Polarisd) -> Iterator[RawClient]:
    with daemon.client() as made:
        yield made


def run_of(client: RawClient, number: int) -> Map:
    [run] = client.call("benchmarks", run=number)["runs"]
    found: Map = run
    return found


def ended(client: RawClient, number: int) -> Map:
    """The run, once it has ended."""
    until = monotonic() + ENDS_WITHIN_S
    client.call("watch", interval_s=ASK_EVERY_S)
    while not (run := run_of(client, number))["outcome"]:
        assert monotonic() < until, f"benchmark {number} does not end: {run}"
        client.note_of("snapshot")
    return run


def workers(daemon: Polarisd) -> list[int]:
    """Its children but the one that reads the driver."""
    found = psutil.Process(daemon.pid).children()
    return [child.pid for child in found if any("bench.worker" in arg for arg in child.cmdline())]


def test_the_processor_is_measured(daemon: Polarisd, client: RawClient) -> None:
    answer = client.call("benchmark", backend="numpy", quick=True, tests=FEW)
    assert answer == {"runs": [{"run": 1, "gpu_uuid": ""}], "skipped": []}
    run = ended(client, 1)
    assert (run["outcome"], run["problem"]) == ("completed", "")
    assert [figure["test"] for figure in run["figures"]] == FEW
    for figure in run["figures"]:
        assert figure["value"] > 0
        assert figure["peak"]["unknown"] == "not_known"
        assert figure["conditions"]["power_w"]["unknown"] == "not_supported"
        assert run["started_at"] <= figure["started_at"] <= figure["ended_at"] <= run["ended_at"]
    assert "numpy" in run["versions"]
    assert run["gpu_name"]
    assert client.snapshot()["benchmarks"] == []
    assert workers(daemon) == []


def test_a_gpu_is_measured(nvml: FakeNvml, daemon: Polarisd, client: RawClient) -> None:
    uuid = nvml.uuid(0)
    nvml.gpus[0].reasons = 0x4
    answer = client.call("benchmark", gpus=[uuid], quick=True, tests=FEW)
    assert answer["runs"] == [{"run": 1, "gpu_uuid": uuid}]
    shown = client.until(lambda s: s["benchmarks"])
    assert gpu(shown, uuid)["withheld_by"] == ["benchmark_running"]
    assert gpu(shown, nvml.uuid(1))["withheld_by"] == []
    with daemon.client() as listener:
        listener.call("watch", interval_s=3600)
        run = ended(client, 1)
        event = listener.note_of("event")["item"]
    assert (event["kind"], event["gpu_uuid"]) == ("benchmark_ended", uuid)
    assert (run["outcome"], run["problem"], event["code"]) == ("completed", "", "completed")
    assert run["driver_version"] == client.snapshot()["driver"]["driver_version"]
    for figure in run["figures"]:
        assert figure["value"] > 0
        assert figure["conditions"]["samples"] > 0
        assert figure["conditions"]["throttle"] == ["sw_power_cap"]
        assert figure["conditions"]["power_limit_w"] == 700
    [copy] = [figure for figure in run["figures"] if figure["test"] == "memory_copy"]
    assert copy["peak"] > 3e12
    assert gpu(client.snapshot(), uuid)["withheld_by"] == []
    assert client.call("benchmarks", gpu_uuid=nvml.uuid(1))["runs"] == []
    assert f"benchmark 1 of {uuid}: completed" in daemon.log()


def test_a_worker_that_sees_another_gpu_measures_none(nvml: FakeNvml, client: RawClient) -> None:
    client.call("benchmark", gpus=[nvml.uuid(1)], quick=True, tests=FEW)
    run = ended(client, 1)
    assert run["outcome"] == "failed"
    assert f"it has {nvml.uuid(0)} instead of {nvml.uuid(1)}" in run["problem"]


def test_a_gpu_in_use_is_left_alone(nvml: FakeNvml, client: RawClient) -> None:
    """Even if the process came after the daemon last looked by itself."""
    client.until(lambda s: s["gpus"][0]["condition"]["processes"] == [])
    nvml.add_process(0, os.getpid(), memory=1 << 30)
    with pytest.raises(Refused, match=rf"in use by .*\({os.getpid()}\)") as refused:
        client.call("benchmark", gpus=[nvml.uuid(0)])
    assert refused.value.code == "refused"
    nvml.hang("nvmlDeviceGetComputeRunningProcesses_v3", 1)
    with pytest.raises(Refused, match=r"cannot be told|silent"):
        client.call("benchmark", gpus=[nvml.uuid(1)])
    nvml.release("nvmlDeviceGetComputeRunningProcesses_v3", 1)


def test_a_gpu_that_is_lost_meanwhile(nvml: FakeNvml, daemon: Polarisd, client: RawClient) -> None:
    client.call("benchmark", gpus=[nvml.uuid(0)])
    client.until(lambda s: workers(daemon))
    nvml.lose_gpu(0)
    run = ended(client, 1)
    assert (run["outcome"], run["problem"]) == (
        "failed",
        "the GPU is lost since the benchmark began",
    )
    assert workers(daemon) == []
    assert gpu(client.snapshot(), nvml.uuid(0))["withheld_by"] == ["gpu_lost"]


def test_the_process_that_reads_the_driver_is_replaced_meanwhile(
    nvml: FakeNvml, daemon: Polarisd, client: RawClient
) -> None:
    """For a while nothing is known of the GPU, and the benchmark goes on."""
    [reader] = daemon.children()
    client.call("benchmark", gpus=[nvml.uuid(0)], quick=True, tests=FEW)
    client.until(lambda s: workers(daemon))
    os.kill(reader, signal.SIGKILL)
    client.until(lambda s: s["gpus"][0]["state"] == "silent")
    assert gpu(client.snapshot(), nvml.uuid(0))["withheld_by"][-1] == "benchmark_running"
    client.until(lambda s: s["gpus"][0]["state"] == "ok")
    assert ended(client, 1)["outcome"] == "completed"


def test_cancelling(nvml: FakeNvml, daemon: Polarisd, client: RawClient) -> None:
    client.call("benchmark", gpus=[nvml.uuid(0)])
    client.call("benchmark", backend="numpy")
    client.until(lambda s: s["benchmarks"] and s["benchmarks"][0]["test"])
    assert len(workers(daemon)) == 1
    assert client.call("benchmark_cancel", run=2) == {"cancelled": [2]}
    assert run_of(client, 2)["outcome"] == "cancelled"
    assert client.call("benchmark_cancel") == {"cancelled": [1]}
    assert ended(client, 1)["outcome"] == "cancelled"
    assert workers(daemon) == []
    with pytest.raises(Refused) as refused:
        client.call("benchmark_cancel", run=1)
    assert refused.value.code == "not_found"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_daemon(
    number: signal.Signals, nvml: FakeNvml, daemon: Polarisd, client: RawClient
) -> None:
    client.call("benchmark", gpus=[nvml.uuid(0)])
    client.until(lambda s: s["benchmarks"] and s["benchmarks"][0]["test"])
    [worker] = workers(daemon)
    daemon.signal(number)
    daemon.wait()
    with suppress(psutil.NoSuchProcess):
        psutil.Process(worker).wait(5.0)
    assert not psutil.pid_exists(worker)
    with daemon.start().client() as again:
        run = run_of(again, 1)
        assert run["outcome"] == ("cancelled" if number == signal.SIGTERM else "failed")
        assert run["problem"].startswith("the daemon")
        assert again.call("benchmark", backend="numpy", tests=FEW)["runs"][0]["run"] == 2
        assert again.call("benchmark_cancel")["cancelled"] == [2]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[WorkerSocket]:
    """systemd's part, with the worker as it is installed: told nothing by its environment."""
    with TemporaryDirectory() as directory:
        argv = [sys.executable, "-m", "polarisd.bench.worker.main"]
        environ = with_tree(script.environ(os.environ))
        made = WorkerSocket(Path(directory) / "s", lambda: argv, environ)
        yield made
        made.close()


def test_workers_through_a_socket(
    listener: WorkerSocket, nvml: FakeNvml, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(nvml, start=False)
    daemon.options = ["--worker-socket", str(listener.path)]
    with daemon.start().client() as client:
        client.call("benchmark", backend="numpy", quick=True, tests=FEW)
        assert ended(client, 1)["outcome"] == "completed"
        client.call("benchmark", backend="numpy")
        client.until(lambda s: s["benchmarks"] and s["benchmarks"][0]["test"])
        [_, worker] = listener.workers
        assert worker.poll() is None
        client.call("benchmark_cancel")
        assert ended(client, 2)["outcome"] == "cancelled"
        assert worker.wait(5.0) in (0, -signal.SIGKILL)
        client.call("benchmark", backend="numpy")
        client.until(lambda s: s["benchmarks"] and s["benchmarks"][0]["test"])
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    assert listener.workers[2].wait(5.0) == 0
    assert listener.workers[0].wait(5.0) == 0


def test_nobody_at_the_socket(tmp_path: Path, nvml: FakeNvml, polarisd: PolarisdFactory) -> None:
    daemon = polarisd(nvml, start=False)
    daemon.options = ["--worker-socket", str(tmp_path / "s")]
    with daemon.start().client() as client:
        client.call("benchmark", backend="numpy")
        run = ended(client, 1)
    assert (run["outcome"], run["problem"]) == (
        "failed",
        f"cannot start a worker through {tmp_path / 's'}: No such file or directory",
    )
    assert "polaris-worker.socket" in run["remedy"]


def test_a_history_that_is_spoilt(nvml: FakeNvml, polarisd: PolarisdFactory) -> None:
    daemon = polarisd(nvml, start=False)
    path: Path = daemon.state_directory / "benchmarks.sqlite"
    path.write_bytes(b"not a database" * 1000)
    with daemon.start().client() as client:
        assert client.call("benchmarks") == {"runs": [], "left_out": 0, "problem": ""}
        told = fault(client.snapshot(), "benchmarks_set_aside")
        assert told["severity"] == "notice"
        assert "benchmarks.sqlite.bad" in told["text"]
    daemon.stop()
    assert (daemon.state_directory / "benchmarks.sqlite.bad").exists()
    with daemon.start().client() as client:
        assert faults(client.snapshot()) == set()


def test_without_cupy_the_remedy_is_told(nvml: FakeNvml, polarisd: PolarisdFactory) -> None:
    with polarisd(nvml).client() as client, pytest.raises(Refused) as refused:
        client.call("benchmark")
    assert refused.value.error["hint"] == "sudo polarisctl gpu-setup"
