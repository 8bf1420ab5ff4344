"""A driver that hangs while it is asked for its GPUs, seen through the daemon."""

from __future__ import annotations

from time import monotonic, sleep

import psutil
import pytest

from tests.daemon.client import fault, faults, gpu, state_of
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fixtures import FakeNvmlFactory


def test_a_new_driver_that_hangs_makes_what_was_read_before_untrue(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", driver="570.124.06")
    with polarisd(nvml, hurried=True).client() as client:
        assert state_of(client.snapshot(), nvml.uuid(0)) == "ok"
        nvml.hang("nvmlDeviceGetUUID")
        nvml.set_driver("580.95.05")
        snapshot = client.until(lambda s: s["driver"]["state"] == "starting")
        assert gpu(snapshot, nvml.uuid(0))["withheld_by"] == ["gpu_silent"]
        nvml.release("nvmlDeviceGetUUID")
        client.until(lambda s: state_of(s, nvml.uuid(0)) == "ok")


def test_a_driver_that_hangs_from_the_start_is_a_fault_long_before_it_is_given_up(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    nvml.hang("nvmlInitWithFlags")
    daemon = polarisd(nvml, start=False)
    daemon.spawn()
    until = monotonic() + 10
    while not daemon.socket_path.exists():
        assert monotonic() < until, daemon.log()
        sleep(0.05)
    with daemon.client() as client:
        assert client.snapshot()["driver"]["state"] == "starting"
        snapshot = client.until(lambda s: faults(s) == {"driver_slow"})
        assert fault(snapshot, "driver_slow")["severity"] == "error"
        nvml.release("nvmlInitWithFlags")
        client.until(lambda s: faults(s) == set() and state_of(s, nvml.uuid(0)) == "ok")


@pytest.mark.parametrize("function", ["nvmlInitWithFlags", "nvmlDeviceGetUUID"])
def test_a_child_that_hangs_ends_with_a_daemon_that_is_killed(
    function: str, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    nvml.hang(function)
    daemon = polarisd(nvml, start=False)
    process = daemon.spawn()
    until = monotonic() + 10
    while nvml.calls()[function] == 0:
        assert monotonic() < until, daemon.log()
        sleep(0.05)
    [child] = daemon.children()
    process.kill()
    process.wait()
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert monotonic() < until, "the child is left"
        sleep(0.05)
