"""GPUs that go wrong one by one, seen through the daemon: the others must not notice."""

from __future__ import annotations

from time import monotonic, sleep

import pytest

from tests.daemon.client import Map, RawClient, fault, faults, gpu, state_of
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fake import FakeNvml
from tests.fakes.nvml.fixtures import FakeNvmlFactory

# Called once a tick for each GPU.
TICK = "nvmlDeviceGetTemperature"
PACE = {"gpu": {"sample_interval_s": 0.1, "condition_interval_s": 5, "call_deadline_s": 0.5}}


def read_times(client: RawClient, uuid: str, count: int) -> list[float]:
    """When the next samples of that GPU were read."""
    times: list[float] = []
    watch = client.call("watch", interval_s=0.05, events=False)["watch"]
    until = monotonic() + 15
    while len(times) < count:
        assert monotonic() < until, f"{uuid} was read {len(times)} times"
        read_at = gpu(client.note_of("snapshot")["item"], uuid)["sample"]["read_at"]
        if read_at not in times:
            times.append(read_at)
    client.call("unwatch", watch=watch)
    return times


def assert_sampled(client: RawClient, uuid: str) -> None:
    """At its pace of a tenth of a second, with room for a busy test machine."""
    times = read_times(client, uuid, 6)
    assert times[-1] - times[0] < 2.5


def calls_in(nvml: FakeNvml, seconds: float, slot: int | None = 0) -> dict[str, int]:
    before = nvml.calls(slot)
    sleep(seconds)
    return dict(nvml.calls(slot) - before)


def wait_calls(nvml: FakeNvml, function: str, more: int, slot: int | None = 0) -> None:
    wanted = nvml.calls(slot)[function] + more
    until = monotonic() + 10
    while nvml.calls(slot)[function] < wanted:
        assert monotonic() < until, f"{function} is not called any more"
        sleep(0.01)


def test_a_lost_gpu_is_withheld_until_it_returns(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    here, lost = nvml.uuid(0), nvml.uuid(1)
    with polarisd(nvml).client() as client:
        nvml.lose_gpu(1)
        snapshot = client.until(lambda s: state_of(s, lost) == "lost")
        assert fault(snapshot, "gpu_lost")["gpu_uuid"] == lost
        assert gpu(snapshot, lost)["withheld_by"] == ["gpu_lost"]
        assert gpu(snapshot, lost)["sample"]["power_w"] == {"unknown": "gpu_lost", "detail": ""}
        assert gpu(snapshot, lost)["identity"]["name"] == "NVIDIA H100 80GB HBM3"
        assert gpu(snapshot, here)["withheld_by"] == []
        assert_sampled(client, here)
        nvml.recover_gpu(1)
        snapshot = client.until(lambda s: state_of(s, lost) == "ok")
        assert faults(snapshot) == set()
        assert gpu(snapshot, lost)["withheld_by"] == []


def test_a_gpu_that_was_lost_before_the_daemon_came(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """It has no UUID then, so the driver's detail must name it."""
    nvml = fake_nvml("h100", count=2)
    nvml.lose_gpu(1)
    with polarisd(nvml).client() as client:
        snapshot = client.snapshot()
    assert [gpu["uuid"] for gpu in snapshot["gpus"]] == [nvml.uuid(0)]
    assert "GPU 1" in snapshot["driver"]["detail"]
    assert snapshot["driver"]["state"] == "ok"


def test_a_gpu_lost_across_a_restart_keeps_its_name(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    daemon = polarisd(nvml)
    daemon.stop()
    nvml.lose_gpu(1)
    with daemon.start().client() as client:
        snapshot = client.snapshot()
    assert state_of(snapshot, nvml.uuid(1)) == "lost"
    assert gpu(snapshot, nvml.uuid(1))["identity"]["name"] == "NVIDIA H100 80GB HBM3"
    assert faults(snapshot) == {"gpu_lost"}


def test_one_broken_function_costs_one_field(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    nvml.fail(1, "nvmlDeviceGetUtilizationRates", 999)
    nvml.fail(1, "nvmlDeviceGetEccMode", 4)
    nvml.fail_field(1, 82, 999)
    with polarisd(nvml).client() as client:
        snapshot = client.snapshot()
        broken, whole = gpu(snapshot, nvml.uuid(1)), gpu(snapshot, nvml.uuid(0))
        assert broken["state"] == "ok"
        unknown = {"unknown": "driver_error", "detail": "Unknown Error (NVML error 999)"}
        assert broken["sample"]["utilisation_percent"] == unknown
        assert broken["sample"]["memory_temperature_c"] == unknown
        assert broken["condition"]["ecc_mode"] == {"unknown": "no_permission", "detail": ""}
        assert known_fields(broken["sample"]) == known_fields(whole["sample"]) - {
            "utilisation_percent",
            "memory_busy_percent",
            "memory_temperature_c",
        }
        nvml.fail(1, "nvmlDeviceGetUtilizationRates", 0)
        client.until(
            lambda s: gpu(s, nvml.uuid(1))["sample"]["utilisation_percent"] == 0,
            "the function works again",
        )


def known_fields(record: Map) -> set[str]:
    """Rates are left out: they need a second sample."""
    return {n for n, v in record.items() if not isinstance(v, dict) and not n.endswith("_bps")}


@pytest.mark.parametrize(
    ("driver", "most"), [("580.95.05", 7), ("470.256.02", 8)], ids=["new", "old"]
)
def test_a_tick_costs_few_calls(
    driver: str, most: int, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Before 525 a driver tells the power in a call of its own."""
    nvml = fake_nvml(["h100", "rtx4090", "t4-470", "a100"], driver=driver)
    fast_only = {"gpu": {"sample_interval_s": 0.1, "condition_interval_s": 3600}}
    polarisd(nvml, fast_only)
    wait_calls(nvml, TICK, 3, slot=3)
    before = [nvml.calls(slot) for slot in range(4)]
    wait_calls(nvml, TICK, 10, slot=3)
    for slot in range(4):
        made = nvml.calls(slot) - before[slot]
        assert made.total() <= most * (made[TICK] + 1), made
        assert max(made.values()) <= 2 * (made[TICK] + 1), made
    assert nvml.calls()["nvmlDeviceGetPcieThroughput"] == 0


def test_what_a_gpu_does_not_support_is_asked_once(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100-mig")
    with polarisd(nvml).client() as client:
        utilisation = client.snapshot()["gpus"][0]["sample"]["utilisation_percent"]
        assert utilisation == {"unknown": "not_supported", "detail": ""}
        # Twice at most: as the child starts, and as it finds out about the MIG mode.
        wait_calls(nvml, TICK, 3)
        asked = nvml.calls(0)["nvmlDeviceGetUtilizationRates"]
        assert asked <= 2
        wait_calls(nvml, TICK, 5)
        assert nvml.calls(0)["nvmlDeviceGetUtilizationRates"] == asked


def test_a_call_that_hangs_delays_its_own_gpu_alone(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=3)
    stuck = nvml.uuid(1)
    with polarisd(nvml, PACE).client() as client:
        nvml.hang(TICK, 1)
        snapshot = client.until(lambda s: state_of(s, stuck) == "silent")
        assert gpu(snapshot, stuck)["withheld_by"] == ["gpu_silent"]
        temperature = gpu(snapshot, stuck)["sample"]["temperature_c"]
        assert temperature == {"unknown": "timed_out", "detail": ""}
        assert_sampled(client, nvml.uuid(0))
        assert_sampled(client, nvml.uuid(2))
        nvml.release(TICK, 1)
        snapshot = client.until(lambda s: state_of(s, stuck) == "ok")
        assert gpu(snapshot, stuck)["withheld_by"] == []
        assert_sampled(client, stuck)


def test_a_hang_of_the_slow_tier_delays_its_own_gpu_alone(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    stuck = nvml.uuid(1)
    nvml.hang("nvmlDeviceGetPerformanceState", 1)
    with polarisd(nvml, PACE).client() as client:
        assert_sampled(client, nvml.uuid(0))
        snapshot = client.until(lambda s: state_of(s, stuck) == "silent")
        condition = gpu(snapshot, stuck)["condition"]
        assert condition["power_limit_w"] == {"unknown": "not_read_yet", "detail": ""}
        nvml.release("nvmlDeviceGetPerformanceState", 1)
        snapshot = client.until(lambda s: state_of(s, stuck) == "ok")
        assert gpu(snapshot, stuck)["condition"]["performance_state"] == 0


def test_a_gpu_that_does_not_say_what_it_is(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Its start takes until a deadline, and then the others are there."""
    nvml = fake_nvml("h100", count=2)
    stuck = nvml.uuid(1)
    nvml.hang("nvmlDeviceGetSerial", 1)
    daemon = polarisd(nvml, PACE)
    assert "0 of 0" not in daemon.log()
    with daemon.client() as client:
        snapshot = client.until(lambda s: len(s["gpus"]) == 2)
        assert state_of(snapshot, nvml.uuid(0)) == "ok"
        client.until(lambda s: state_of(s, stuck) == "silent")
        nvml.release("nvmlDeviceGetSerial", 1)
        snapshot = client.until(lambda s: state_of(s, stuck) == "ok")
    assert gpu(snapshot, stuck)["identity"]["serial"] == nvml.gpus[1].serial.decode()


def test_a_burst_reads_faster_and_ends(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    slow = {"gpu": {"sample_interval_s": 30, "condition_interval_s": 60}}
    with polarisd(nvml, slow).client() as client:
        before = client.snapshot()["gpus"][0]["sample"]["read_at"]
        answer = client.call("burst", interval_s=0.1, seconds=1)
        times = read_times(client, nvml.uuid(0), 7)
        assert times[0] == before or times[0] - before < 5
        assert times[-1] - times[1] < 2
        assert answer["until_at"] > times[1]
        # Past its end the pace is the old one again.
        sleep(max(0.0, answer["until_at"] - times[-1] + 0.3))
        assert calls_in(nvml, 0.5) == {}


def test_a_gpu_that_answers_with_errors_alone_is_not_offered(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    vital = [
        TICK,
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetClockInfo",
    ]
    for function in vital:
        nvml.fail(1, function, 999)
    sick = nvml.uuid(1)
    with polarisd(nvml).client() as client:
        snapshot = client.snapshot()
        assert "gpu_failing" in gpu(snapshot, sick)["withheld_by"]
        assert fault(snapshot, "gpu_failing")["gpu_uuid"] == sick
        assert "NVML error 999" in fault(snapshot, "gpu_failing")["text"]
        assert gpu(snapshot, nvml.uuid(0))["withheld_by"] == []
        for function in vital:
            nvml.fail(1, function, 0)
        snapshot = client.until(lambda s: gpu(s, sick)["withheld_by"] == [])
    assert faults(snapshot) == set()


def test_damage_that_the_driver_does_not_tell_of_is_not_taken_for_none(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    nvml.fail(0, "nvmlDeviceGetRemappedRows", 999)
    with polarisd(nvml).client() as client:
        snapshot = client.until(lambda s: "condition_unreadable" in faults(s))
    said = fault(snapshot, "condition_unreadable")
    assert (said["severity"], snapshot["gpus"][0]["withheld_by"]) == ("warning", [])
    assert "row_remap_failed, row_remap_pending" in said["text"]


@pytest.mark.parametrize(
    "uuid", [b"", b"GPU-\xff\xfe", b"GPU-1\x1b[31m", b"no-uuid", None], ids=repr
)
def test_a_uuid_that_is_none_or_anothers_hides_its_own_gpu_alone(
    uuid: bytes | None, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=3)
    first, last = nvml.uuid(0), nvml.uuid(2)
    nvml.gpus[1].uuid = first.encode() if uuid is None else uuid
    with polarisd(nvml).client() as client:
        snapshot = client.snapshot()
    assert [(g["uuid"], g["state"]) for g in snapshot["gpus"]] == [(first, "ok"), (last, "ok")]
    assert faults(snapshot) == {"gpu_unreadable"}
    said = fault(snapshot, "gpu_unreadable")["text"]
    assert "GPU 1: the driver reported an error" in said and "UUID" in said
    assert said.isprintable()
