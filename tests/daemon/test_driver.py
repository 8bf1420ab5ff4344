"""The driver as a whole: absent, broken, upgraded, hanging; the NVML child that dies of it."""

from __future__ import annotations

import os
import signal
from time import monotonic

import pytest

from tests.daemon.client import fault, faults, gpu, state_of
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fixtures import FakeNvmlFactory

HASTE = {"gpu": {"sample_interval_s": 0.1, "condition_interval_s": 5, "call_deadline_s": 0.3}}


@pytest.mark.parametrize(
    ("init_error", "library", "state", "code", "remedy"),
    [
        (0, False, "absent", "driver_absent", "install its driver"),
        (9, True, "absent", "driver_absent", "install its driver"),
        (4, True, "forbidden", "driver_forbidden", "/dev/nvidia*"),
        (18, True, "mismatched", "driver_mismatched", "reboot"),
        (999, True, "failed", "driver_failed", "dmesg"),
    ],
    ids=["no library", "no module", "no permission", "mismatch", "unknown error"],
)
def test_a_driver_that_does_not_work(
    init_error: int,
    library: bool,
    state: str,
    code: str,
    remedy: str,
    fake_nvml: FakeNvmlFactory,
    polarisd: PolarisdFactory,
) -> None:
    """The daemon is READY all the same, and says what to do."""
    nvml = fake_nvml("h100")
    nvml.set_init_error(init_error)
    begun = monotonic()
    daemon = polarisd(nvml, library=library)
    assert monotonic() - begun < 8
    with daemon.client() as client:
        snapshot = client.snapshot()
    assert snapshot["driver"]["state"] == state
    assert snapshot["driver"]["detail"]
    assert snapshot["driver"]["driver_version"] == {"unknown": "no_driver", "detail": ""}
    assert snapshot["gpus"] == []
    assert faults(snapshot) == {code}
    assert remedy in fault(snapshot, code)["remedy"]
    assert snapshot["driver"]["detail"] in fault(snapshot, code)["text"]
    [status] = [line for line in daemon.told if line.startswith("STATUS=")]
    assert status == f"STATUS=no GPUs: driver {state}; offering; wrong: {code}"


def test_a_driver_that_comes_to_work(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100")
    nvml.set_init_error(18)
    with polarisd(nvml).client() as client:
        assert client.snapshot()["driver"]["state"] == "mismatched"
        nvml.set_init_error(0)
        snapshot = client.until(lambda s: s["driver"]["state"] == "ok" and s["gpus"])
    assert faults(snapshot) == set()


def test_no_gpus(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    with polarisd(fake_nvml([])).client() as client:
        snapshot = client.snapshot()
    assert snapshot["driver"]["state"] == "ok"
    assert faults(snapshot) == {"no_gpus"}


def test_a_driver_upgraded_under_the_daemon(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Only a new process can use the new library; no fault is raised for the moment between."""
    nvml = fake_nvml("h100", driver="570.124.06")
    daemon = polarisd(nvml, hurried=True)
    with daemon.client() as client:
        assert client.snapshot()["driver"]["driver_version"] == "570.124.06"
        [child] = daemon.children()
        nvml.set_driver("580.95.05")
        snapshot = client.until(lambda s: s["driver"]["driver_version"] == "580.95.05")
        assert snapshot["driver"]["state"] == "ok"
        assert snapshot["driver"]["cuda_version"] == "13.0"
        assert state_of(snapshot, nvml.uuid(0)) == "ok"
        assert daemon.children() != [child]
    assert "fault_raised" not in daemon.log().replace("fault_raised: no_identity", "")
    assert "driver_changed: driver ok, version 580.95.05" in daemon.log()


def test_a_child_that_is_killed(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100")
    daemon = polarisd(nvml)
    with daemon.client() as client:
        [child] = daemon.children()
        os.kill(child, signal.SIGKILL)
        snapshot = client.until(lambda s: s["driver"]["state"] == "failed")
        assert fault(snapshot, "driver_failed")["text"].endswith("the NVML process ended")
        [card] = snapshot["gpus"]
        assert card["withheld_by"] == ["gpu_silent"]
        assert card["sample"]["power_w"] == {"unknown": "no_driver", "detail": ""}
        snapshot = client.until(lambda s: state_of(s, nvml.uuid(0)) == "ok")
    assert faults(snapshot) == set()
    assert [os.path.exists(f"/proc/{child}"), len(daemon.children())] == [False, 1]


def test_a_child_that_sends_nonsense_is_not_believed(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Written into the pipe beside it, as a library that prints would."""
    nvml = fake_nvml("h100")
    daemon = polarisd(nvml)
    with daemon.client() as client:
        [child] = daemon.children()
        # The child's own copy of its end; 1 is standard error by then.
        ends = [n for n in os.listdir(f"/proc/{child}/fd") if n not in "012"]
        pipes = [n for n in ends if os.readlink(f"/proc/{child}/fd/{n}").startswith("pipe:")]
        for pipe in pipes:
            with open(f"/proc/{child}/fd/{pipe}", "wb") as file:
                file.write(b"NVRM: this is no MessagePack\n")
        snapshot = client.until(lambda s: s["driver"]["state"] == "failed")
        assert "nonsense" in snapshot["driver"]["detail"] or "sent" in snapshot["driver"]["detail"]
        client.until(lambda s: state_of(s, nvml.uuid(0)) == "ok")


def test_every_gpu_hangs(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    """Then the child itself is given up, and its successors too, until they answer."""
    nvml = fake_nvml("h100", count=2)
    daemon = polarisd(nvml, HASTE, hurried=True)
    with daemon.client() as client:
        [child] = daemon.children()
        nvml.hang("nvmlDeviceGetTemperature")
        client.until(lambda s: state_of(s, nvml.uuid(0)) == "silent")
        snapshot = client.until(lambda s: s["driver"]["state"] == "failed")
        assert "no GPU has answered" in fault(snapshot, "driver_failed")["text"]
        assert not os.path.exists(f"/proc/{child}")
        nvml.release("nvmlDeviceGetTemperature")
        snapshot = client.until(lambda s: {g["state"] for g in s["gpus"]} == {"ok"})
    assert faults(snapshot) == set()


@pytest.mark.parametrize("function", ["nvmlInitWithFlags", "nvmlDeviceGetUUID"])
def test_a_driver_that_hangs_from_the_start(
    function: str, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    nvml.hang(function)
    daemon = polarisd(nvml, hurried=True)
    with daemon.client() as client:
        snapshot = client.snapshot()
        assert snapshot["driver"]["state"] == "failed"
        assert "did not list its GPUs within 1.5 s" in snapshot["driver"]["detail"]
        nvml.release(function)
        snapshot = client.until(lambda s: s["driver"]["state"] == "ok" and len(s["gpus"]) == 2)
    assert faults(snapshot) == set()


def test_a_count_that_hangs_later(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    """The child counts the GPUs again and again, to see whether any came or went."""
    nvml = fake_nvml("h100", count=2)
    with polarisd(nvml, HASTE, hurried=True).client() as client:
        nvml.hang("nvmlDeviceGetCount_v2")
        client.until(lambda s: s["driver"]["state"] == "failed")
        nvml.release("nvmlDeviceGetCount_v2")
        client.until(lambda s: {g["state"] for g in s["gpus"]} == {"ok"})


def test_a_gpu_comes_and_another_goes(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Indices move; UUIDs do not."""
    nvml = fake_nvml("h100", count=2)
    first, second = nvml.uuid(0), nvml.uuid(1)
    with polarisd(nvml, hurried=True).client() as client:
        third = nvml.uuid(nvml.add_gpu("a100"))
        snapshot = client.until(lambda s: state_of(s, third) == "ok")
        assert {g["uuid"] for g in snapshot["gpus"]} == {first, second, third}
        assert faults(snapshot) == set()
        nvml.remove_gpu(0)
        snapshot = client.until(lambda s: state_of(s, first) == "missing")
        assert fault(snapshot, "gpu_missing")["gpu_uuid"] == first
        assert gpu(snapshot, first)["withheld_by"] == ["gpu_missing"]
        snapshot = client.until(lambda s: state_of(s, second) == state_of(s, third) == "ok")
        assert gpu(snapshot, second)["identity"]["index"] == 0
        assert gpu(snapshot, third)["identity"]["index"] == 1
        assert client.call("forget", gpu_uuid=first) == {"forgotten": [f"GPU {first}"]}
        snapshot = client.snapshot()
        assert {g["uuid"] for g in snapshot["gpus"]} == {second, third}
        assert faults(snapshot) == set()
        nvml.restore_gpu(0)
        client.until(lambda s: state_of(s, first) == "ok")


def test_a_gpu_is_forgotten_without_a_driver(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """The last GPU was taken out, so the kernel module does not load any more."""
    nvml = fake_nvml("h100")
    uuid = nvml.uuid(0)
    daemon = polarisd(nvml)
    daemon.stop()
    nvml.set_init_error(9)
    with daemon.start().client() as client:
        snapshot = client.snapshot()
        assert faults(snapshot) == {"driver_absent"}
        assert state_of(snapshot, uuid) == "silent"
        assert client.call("forget", gpu_uuid=uuid) == {"forgotten": [f"GPU {uuid}"]}
        assert client.snapshot()["gpus"] == []


def test_nothing_is_said_of_a_gpu_before_the_driver_was_asked(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """A driver that wakes up slowly must not make every restart look like a loss."""
    nvml = fake_nvml("h100")
    daemon = polarisd(nvml)
    daemon.stop()
    nvml.latency("nvmlInitWithFlags", 1.3)
    daemon.start()
    assert "fault_raised" not in daemon.log().replace("fault_raised: no_identity", "")
    assert daemon.log().count("gpu_appeared") == 1


def test_the_kernel_tells_of_a_gpu_before_the_library_does(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    daemon = polarisd(nvml, hurried=True)
    with daemon.client() as client:
        [child] = daemon.children()
        (daemon.driver_directory / "0000:07:00.0").touch()
        client.until(lambda s: daemon.children() not in ([], [child]), "a new child")
        client.until(lambda s: state_of(s, nvml.uuid(0)) == "ok")
    assert "fault_raised" not in daemon.log().replace("fault_raised: no_identity", "")


def test_a_lost_gpu_is_looked_for_anew(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """A card that fell off the bus is only seen to return by a new process."""
    nvml = fake_nvml("h100", count=2)
    daemon = polarisd(nvml, hurried=True)
    with daemon.client() as client:
        [child] = daemon.children()
        nvml.lose_gpu(1)
        client.until(lambda s: state_of(s, nvml.uuid(1)) == "lost")
        client.until(lambda s: daemon.children() not in ([], [child]), "a new child")
        assert state_of(client.snapshot(), nvml.uuid(0)) == "ok"
        assert state_of(client.snapshot(), nvml.uuid(1)) == "lost"
        nvml.recover_gpu(1)
        client.until(lambda s: state_of(s, nvml.uuid(1)) == "ok")
    assert "driver_failed" not in daemon.log()
