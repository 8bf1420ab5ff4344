"""The one line of `systemctl status`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from polarisd.api.snapshot import Offering, Snapshot
from polarisd.summary import status_line
from tests.unit.bench_samples import progress
from tests.unit.build import NOW, driver, fault, gpu, records, snapshot


def line(**changes: Any) -> str:
    return status_line(snapshot(**{"gpus": tuple(map(gpu, range(8))), **changes}))


def test_a_healthy_machine() -> None:
    assert line() == "8 of 8 GPUs able to work; offering"


def test_one_that_does_not_offer() -> None:
    stopped = replace(snapshot().daemon, offering=Offering(wanted=False, since_at=NOW))
    assert line(daemon=stopped) == "8 of 8 GPUs able to work; not offering"


def test_errors_are_named_once_and_nothing_less_is() -> None:
    gpus = (gpu(0), gpu(1, withheld_by=("gpu_lost",)), gpu(2, withheld_by=("withheld_by_owner",)))
    faults = (
        fault(code="xid_error"),
        fault(code="gpu_lost"),
        fault(code="gpu_lost", gpu_uuid=gpu(2).uuid),
        fault(code="disk_low", severity="warning"),
    )
    said = "1 of 3 GPUs able to work; offering; wrong: gpu_lost, xid_error"
    assert line(gpus=gpus, faults=faults) == said


def test_a_refused_configuration_is_said() -> None:
    faults = (fault(code="config_not_applied", severity="warning"),)
    assert line(faults=faults) == "8 of 8 GPUs able to work; offering; configuration refused"


def test_a_benchmark_is_said() -> None:
    gpus = (gpu(0, withheld_by=("benchmark_running",)), gpu(1))
    said = "1 of 2 GPUs able to work; offering; benchmark running"
    assert line(gpus=gpus, benchmarks=(progress(),)) == said


def test_without_a_driver_no_gpu_is_counted() -> None:
    faults = (fault(code="driver_absent"),)
    said = "no GPUs: driver absent; offering; wrong: driver_absent"
    assert line(driver=driver("absent", "why"), faults=faults) == said
    assert line(driver=driver("starting")) == "no GPUs: driver starting; offering"


@given(records(Snapshot))
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_any_snapshot_has_a_line(some: Snapshot) -> None:
    assert status_line(some)
