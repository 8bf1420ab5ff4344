"""What can be made to go wrong on the fake machine, seen through unmodified pynvml."""

import time
from pathlib import Path

import pytest

from tests.fakes.nvml import fixtures, layout
from tests.fakes.nvml.client import CallFailed, NvmlClient
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.unit.nvml_support import (
    GPU_IS_LOST,
    TEMPERATURE,
    UTILISATION,
    XID,
    handle,
    temperature,
    watch,
)

fake_nvml = fixtures.fake_nvml


def test_a_change_is_seen_at_once_by_every_way_to_read_it(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        assert temperature(client, gpu) == 31
        fake.gpus[0].temp = 91
        fake.gpus[0].power_mw = 702_500
        assert temperature(client, gpu) == client.call("nvmlDeviceGetTemperatureV", gpu, 0) == 91
        assert client.call("nvmlDeviceGetPowerUsage", gpu) == 702_500
        (power,) = client.call("nvmlDeviceGetFieldValues", gpu, [186])
        assert power["value"] == 702_500


def test_a_lost_gpu_fails_every_call_and_leaves_the_others_alone(
    fake_nvml: FakeNvmlFactory,
) -> None:
    fake = fake_nvml("h100", count=2)
    with NvmlClient(fake.env()) as client:
        first, second = handle(client, 0), handle(client, 1)
        fake.lose_gpu(0)
        assert client.call("nvmlDeviceGetCount") == 2
        assert client.code("nvmlDeviceGetHandleByIndex", 0) == GPU_IS_LOST
        assert client.code(TEMPERATURE, first, 0) == GPU_IS_LOST
        assert client.code("nvmlDeviceGetDisplayMode", first) == GPU_IS_LOST  # not implemented
        assert client.code(TEMPERATURE, second, 0) == 0
        fake.recover_gpu(0)
        assert client.code(TEMPERATURE, first, 0) == 0


def test_a_gpu_that_leaves_moves_the_indices_of_the_others(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml(["h100", "rtx4090"])
    with NvmlClient(fake.env()) as client:
        gone = handle(client, 0)
        fake.remove_gpu(0)
        assert client.call("nvmlDeviceGetCount") == 1
        assert client.call("nvmlDeviceGetName", handle(client, 0)).endswith("4090")
        assert client.code("nvmlDeviceGetHandleByUUID", fake.uuid(0)) == 6
        assert client.code(TEMPERATURE, gone, 0) == GPU_IS_LOST
        fake.restore_gpu(0)
        fake.add_gpu("a100")
        found = client.call("nvmlDeviceGetHandleByUUID", fake.uuid(2))
        assert client.call("nvmlDeviceGetIndex", found) == 2


def test_one_function_of_one_gpu_can_fail(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100", count=2)
    fake.fail(1, "nvmlDeviceGetPowerUsage")
    fake.fail_field(1, 83, 15)
    with NvmlClient(fake.env()) as client:
        power = [client.code("nvmlDeviceGetPowerUsage", handle(client, i)) for i in (0, 1)]
        assert power == [0, 999]
        fields = client.call("nvmlDeviceGetFieldValues", handle(client, 1), [82, 83])
        assert [field["code"] for field in fields] == [0, 15]
        fake.fail(1, "nvmlDeviceGetPowerUsage", 0)
        assert client.code("nvmlDeviceGetPowerUsage", handle(client, 1)) == 0
        fake.fail(None, "nvmlDeviceGetCount_v2", 4)
        assert client.code("nvmlDeviceGetCount") == 4


def test_one_gpu_can_hang_until_it_is_released(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100", count=2)
    fake.hang(UTILISATION, gpu=1)
    with NvmlClient(fake.env()) as stuck, NvmlClient(fake.env()) as other:
        stuck.send(UTILISATION, handle(stuck, 1))
        assert not stuck.answered(within_s=0.05)
        assert other.code(UTILISATION, handle(other, 0)) == 0
        assert other.code(TEMPERATURE, handle(other, 1), 0) == 0
        fake.release(UTILISATION, gpu=1)
        assert stuck.receive() == {"gpu": 0, "memory": 0}


def test_pcie_throughput_blocks_as_the_real_call_does(fake_nvml: FakeNvmlFactory) -> None:
    with NvmlClient(fake_nvml("h100").env()) as client:
        gpu = handle(client)
        start = time.monotonic()
        client.call("nvmlDeviceGetPcieThroughput", gpu, 0)
        assert time.monotonic() - start >= 0.02


@pytest.mark.parametrize(("code", "kind"), [(9, "DriverNotLoaded"), (4, "NoPermission")])
def test_init_can_fail(fake_nvml: FakeNvmlFactory, code: int, kind: str) -> None:
    fake = fake_nvml("h100")
    fake.set_init_error(code)
    with NvmlClient(fake.env(), init=False) as client:
        with pytest.raises(CallFailed, match=kind):
            client.call("nvmlInit")
        assert client.code("nvmlDeviceGetCount") == 1
        fake.set_init_error(0)
        assert client.code("nvmlInit") == 0


def test_the_library_can_be_missing(fake_nvml: FakeNvmlFactory) -> None:
    with NvmlClient(fake_nvml("h100").env(library=False), init=False) as client:
        assert client.code("nvmlInit") == 12


def test_after_a_driver_upgrade_only_new_processes_work(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100", driver="535.183.06")
    with NvmlClient(fake.env()) as old:
        gpu = handle(old)
        assert old.code("nvmlDeviceGetTemperatureV", gpu, 0) == 13
        fake.set_driver("580.95.05")
        assert old.code(TEMPERATURE, gpu, 0) == 18
        old.call("nvmlShutdown")
        assert old.code("nvmlInit") == 18
        with NvmlClient(fake.env()) as new:
            assert new.call("nvmlDeviceGetTemperatureV", handle(new), 0) == 31


def test_processes_come_and_go(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    fake.add_process(0, 100, memory=1 << 30)
    fake.add_process(0, 200, kind="graphics", memory=None)
    fake.add_process(0, 300, kind="mps")
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        kinds = ("Compute", "Graphics", "MPSCompute")
        lists = [client.call(f"nvmlDeviceGet{kind}RunningProcesses", gpu) for kind in kinds]
        assert [[p["pid"] for p in processes] for processes in lists] == [[100], [200], [300]]
        assert [p["usedGpuMemory"] for p in lists[0] + lists[1]] == [1 << 30, None]
        assert lists[0][0]["gpuInstanceId"] == layout.NO_INSTANCE
        fake.end_process(0, 100)
        assert client.call("nvmlDeviceGetComputeRunningProcesses", gpu) == []


def test_calls_are_counted_across_processes(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100", count=2)
    for index in (0, 1, 1):
        with NvmlClient(fake.env()) as client:
            temperature(client, handle(client, index))
    assert fake.calls()[TEMPERATURE] == 3
    assert fake.calls(gpu=1)[TEMPERATURE] == 2
    fake.reset_calls()
    assert not fake.calls()


# Events.


def test_a_waiter_sleeps_until_the_event(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    with NvmlClient(fake.env()) as client:
        gpu = handle(client)
        fake.xid(0, 13)  # before registration: never delivered
        client.send("nvmlEventSetWait", watch(client, gpu), 60_000)
        assert not client.answered(within_s=0.05)
        switches = voluntary_switches(client.pid)
        assert not client.answered(within_s=0.2)
        assert voluntary_switches(client.pid) < switches + 5  # naps would be dozens
        fake.event(0, 0x10)  # a clock change, not registered
        fake.xid(0, 79)
        event = client.receive()
    assert (event["eventType"], event["eventData"]) == (XID, 79)
    assert event["gpuInstanceId"] == layout.NO_INSTANCE


def voluntary_switches(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def test_a_storm_keeps_the_newest_events(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    with NvmlClient(fake.env()) as client:
        events = watch(client, handle(client))
        fake.xid(0, 48)
        fake.xid_storm(0, 63, layout.MAX_EVENTS)
        for _ in range(layout.MAX_EVENTS):
            assert client.call("nvmlEventSetWait", events, 0)["eventData"] == 63
        assert client.code("nvmlEventSetWait", events, 1) == 10


def test_losing_a_watched_gpu_ends_the_wait(fake_nvml: FakeNvmlFactory) -> None:
    fake = fake_nvml("h100")
    with NvmlClient(fake.env()) as client:
        client.send("nvmlEventSetWait", watch(client, handle(client)), 60_000)
        assert not client.answered(within_s=0.05)
        fake.lose_gpu(0)
        with pytest.raises(CallFailed, match="GpuIsLost"):
            client.receive()


# Other people's programs.
