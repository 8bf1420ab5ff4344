"""What happened: GPUs and drivers that come and go, XIDs, and what is forgotten."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from polarisd.api import reading
from polarisd.api.gpu import MISSING, OK, SILENT
from polarisd.api.reading import Unknown
from polarisd.api.snapshot import Offering
from polarisd.claims import Claim
from tests.unit.bench_samples import bench_run
from tests.unit.build import (
    NOW,
    card,
)
from tests.unit.keeper_support import HEALTHY, A, B, World, journal, kinds


@pytest.mark.logs_errors("gpu_missing: ")
async def test_gpus_that_come_and_go_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    with world.heard() as events:
        world.take(*HEALTHY)
        world.take(card(0), card(1, MISSING), at=1)
        world.take(*HEALTHY, at=2)
    assert kinds(events) == [
        ("driver_changed", ""),
        ("gpu_appeared", A),
        ("gpu_appeared", B),
        ("gpu_missing", B),
        ("fault_raised", B),
        ("gpu_appeared", B),
        ("fault_cleared", B),
    ]
    told = [of for _, of in journal(caplog) if of["event"] in ("gpu_appeared", "gpu_missing")]
    assert [(of["event"], of["gpu_uuid"]) for of in told] == [
        ("gpu_appeared", A),
        ("gpu_appeared", B),
        ("gpu_missing", B),
        ("gpu_appeared", B),
    ]


async def test_gpus_that_were_known_before_the_restart_do_not_appear() -> None:
    world = World((), *HEALTHY)
    with world.heard() as events:
        world.take(*HEALTHY)
    assert kinds(events) == [("driver_changed", "")]


@pytest.mark.logs_errors("driver_mismatched: ")
async def test_changes_of_the_driver_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    with world.heard() as events:
        world.take(card())
        world.take(card())
        world.take(card(), state="mismatched", detail="of different versions")
        world.take(card(), driver_version="580.1")
        world.take(card(), driver_version=Unknown(reading.DRIVER_ERROR))
    assert [event.text for event in events if event.kind == "driver_changed"] == [
        "driver ok, version 570.86.15",
        "driver mismatched: of different versions",
        "driver ok, version 580.1",
        "driver ok, version unknown",
    ]
    states = [of["driver_state"] for _, of in journal(caplog) if of["event"] == "driver_changed"]
    assert states == ["ok", "mismatched", "ok", "ok"]


async def test_offering_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    with world.heard() as events:
        world.keeper.take_offering(Offering(wanted=False, since_at=NOW))
        world.keeper.take_offering(Offering(wanted=True, since_at=NOW))
    assert [event.text for event in events] == ["offering ends", "offering begins"]
    assert [of for _, of in journal(caplog)] == [
        {"event": "offering_changed", "wanted": "false"},
        {"event": "offering_changed", "wanted": "true"},
    ]


# XIDs.


@pytest.mark.logs_errors("^XID 79 on GPU-0000", "^xid_error: XID 79: .*once")
async def test_an_xid_is_an_event_a_record_and_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.take(*HEALTHY)
    caplog.clear()
    with world.heard() as events:
        world.keeper.take_xid(B, 79)
    assert [(event.kind, event.gpu_uuid, event.xid, event.code) for event in events] == [
        ("xid", B, 79, ""),
        ("fault_raised", B, 0, "xid_error"),
    ]
    assert journal(caplog) == [
        (logging.ERROR, {"event": "xid", "gpu_uuid": B, "xid": "79"}),
        (logging.ERROR, {"event": "fault_raised", "gpu_uuid": B, "fault": "xid_error"}),
    ]
    assert world.withheld == {A: (), B: ("xid_error",)}
    world.take(*HEALTHY, at=3600)
    assert world.withheld[B] == ("xid_error",)


@pytest.mark.logs_errors("^XID 48 on ", "^xid_error: ")
async def test_a_storm_is_counted_and_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.take(*HEALTHY)
    caplog.clear()
    with world.heard() as events:
        for i in range(1200):
            world.now = NOW + i / 10
            world.keeper.take_xid(A, 48)
    assert [event.kind for event in events] == ["xid", "fault_raised", "xid"]
    assert len(caplog.records) == 3
    assert world.snapshot.version < 5
    world.take(*HEALTHY, at=120)
    assert "(1200 times)" in world.snapshot.faults[0].text


async def test_a_programs_xid_is_told_and_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.take(*HEALTHY)
    caplog.clear()
    with world.heard() as events:
        world.keeper.take_xid(A, 13)
    assert kinds(events) == [("xid", A)]
    assert journal(caplog) == [(logging.INFO, {"event": "xid", "gpu_uuid": A, "xid": "13"})]
    assert (world.codes, world.withheld[A]) == ([], ())


@pytest.mark.logs_errors("^XID 79 on an unknown GPU")
def test_an_xid_of_nobody_is_told_and_blames_no_gpu() -> None:
    world = World()
    world.take(*HEALTHY)
    world.keeper.take_xid("", 79)
    assert world.codes == []
    assert world.withheld == {A: (), B: ()}


# Forgetting.


@pytest.mark.logs_errors("^XID 48 on ", "^xid_error")
def test_a_forgotten_xid_is_no_fault_any_more() -> None:
    world = World()
    world.take(*HEALTHY)
    for _ in range(3):
        world.keeper.take_xid(A, 48)
    assert world.keeper.forget(A) == ("XID 48 (3×)",)
    assert (world.codes, world.withheld[A]) == ([], ())
    assert A in world.keeper.memory.gpus
    assert world.keeper.forget(A) == ()


@pytest.mark.logs_errors("gpu_missing: ")
def test_a_gpu_that_is_gone_is_forgotten_with_its_history() -> None:
    world = World()
    world.take(*HEALTHY)
    world.take(card(0), card(1, MISSING))
    assert world.keeper.forget(B) == (f"GPU {B}",)
    world.take(card(0))
    assert world.codes == []
    assert set(world.keeper.memory.gpus) == {A}
    history: Any = world.keeper.history.since(0)["gpus"]
    assert set(history) == {A}


@pytest.mark.parametrize("state", [OK, SILENT])
def test_one_that_is_there_or_may_be_is_not(state: str) -> None:
    world = World()
    world.take(card(0, state))
    assert world.keeper.forget(A) == ()
    assert A in world.keeper.memory.gpus


def test_a_gpu_that_nobody_knows_has_nothing_to_forget() -> None:
    world = World()
    before = world.keeper.memory
    assert world.keeper.forget("GPU-of-another-machine") == ()
    assert world.keeper.memory == before


@pytest.mark.parametrize(
    ("outcome", "level"), [("completed", logging.INFO), ("failed", logging.WARNING)]
)
async def test_benchmarks_are_told(
    outcome: str, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    with world.heard() as events:
        world.keeper.take_benchmark_begun(bench_run())
        world.keeper.take_benchmark_ended(bench_run(outcome=outcome, problem="it is hot"))
        world.keeper.take_benchmark_ended(bench_run(gpu_uuid="", outcome=outcome))
    assert [(e.kind, e.gpu_uuid, e.code) for e in events] == [
        ("benchmark_ended", A, outcome),
        ("benchmark_ended", "", outcome),
    ]
    assert events[0].text == f"benchmark 7 of {A}: {outcome}: it is hot"
    assert events[1].text == f"benchmark 7 of the processor: {outcome}"
    (_, begun), (said, ended), _ = journal(caplog)
    assert caplog.messages[0] == f"benchmark 7 of {A} (cupy) begins"
    assert (begun["event"], begun["gpu_uuid"]) == ("benchmark_begun", A)
    assert (said, ended["event"], ended["outcome"]) == (level, "benchmark_ended", outcome)


async def test_what_is_claimed_is_withheld_beside_all_else() -> None:
    world = World((B,))
    world.take(*HEALTHY)
    world.keeper.take_claims({A: Claim("benchmark 7", "benchmark_running"), B: Claim("x", "y")})
    assert world.withheld == {A: ("benchmark_running",), B: ("withheld_by_owner", "y")}
    world.keeper.take_claims({})
    assert world.withheld == {A: (), B: ("withheld_by_owner",)}


async def test_a_history_of_benchmarks_that_is_not_well_is_a_fault() -> None:
    world = World()
    world.take(*HEALTHY)
    world.keeper.take_benchmarks_kept("it is now benchmarks.sqlite.bad", "disk full")
    assert {code for code, _ in world.codes} == {"benchmarks_set_aside", "benchmarks_not_kept"}
    assert world.withheld == {A: (), B: ()}
    world.keeper.take_benchmarks_kept("it is now benchmarks.sqlite.bad", "")
    assert {code for code, _ in world.codes} == {"benchmarks_set_aside"}
