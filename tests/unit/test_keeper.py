"""Reports become snapshots; faults, and the owner, withhold GPUs."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from polarisd.api import reading
from polarisd.api.gpu import LOST, MISSING, SILENT
from polarisd.api.reading import Unknown
from polarisd.api.snapshot import Offering
from polarisd.gpu import inventory
from tests.unit.build import (
    NOW,
    card,
    condition,
    driver,
    host,
    mig_device,
    raw_sample,
    sample,
)
from tests.unit.keeper_support import HEALTHY, A, B, World, journal, kinds, timed_out

# Snapshots.


def test_each_report_is_a_snapshot() -> None:
    world = World()
    world.take(*HEALTHY)
    assert world.snapshot.version == 1
    assert [gpu.uuid for gpu in world.snapshot.gpus] == [A, B]
    assert world.withheld == {A: (), B: ()}
    assert world.snapshot.driver == driver()
    assert world.codes == []
    world.keeper.take_host(replace(host(), hostname="other"))
    assert (world.snapshot.version, world.snapshot.host.hostname) == (2, "other")
    assert len(world.snapshot.gpus) == 2
    world.keeper.take_offering(Offering(wanted=False, since_at=NOW))
    assert world.snapshot.daemon.offering == Offering(wanted=False, since_at=NOW)
    assert world.snapshot.host.hostname == "other"


@pytest.mark.logs_errors("gpu_missing: ")
def test_samples_go_into_the_history_and_repeated_cards_do_not() -> None:
    world = World()
    gone = card(2, MISSING)
    world.take(*HEALTHY, gone)
    later = [replace(c, sample=sample(read_at=NOW + 5)) for c in HEALTHY]
    world.take(*later, gone, sampled=False)
    world.take(*later, gone)
    gpus: Any = world.keeper.history.since(0)["gpus"]
    assert {uuid: columns["read_at"] for uuid, columns in gpus.items()} == {
        A: [NOW - 1, NOW + 5],
        B: [NOW - 1, NOW + 5],
    }


@pytest.mark.logs_errors("driver_failed: ")
def test_the_history_of_a_gpu_outlives_a_restart_of_the_driver() -> None:
    """By UUID: it comes back at another index, and with counters that begin anew."""
    world = World()
    before = inventory.sampled(card(0), raw_sample(0), 9)
    world.take(before)
    gone = inventory.driverless(before, NOW + 5)
    world.take(gone, at=5, state="failed", detail="why", sampled=False)
    back = inventory.listed({A: gone}, replace(gone.identity, index=5), NOW + 60)
    world.take(inventory.sampled(back, raw_sample(70, pcie_tx_bytes=0), 1), at=70)
    columns: Any = world.keeper.history.since(0)["gpus"]
    assert list(columns) == [A]
    assert columns[A]["read_at"] == [NOW, NOW + 70]
    assert world.snapshot.gpus[0].sample.pcie_tx_bps == Unknown(reading.NOT_READ_YET)


def test_the_host_has_a_history_too() -> None:
    world = World()
    world.keeper.take_host(host())
    columns: Any = world.keeper.history.since(0)["host"]
    assert columns["read_at"] == [NOW - 1]


# Faults, withheld GPUs.


@pytest.mark.logs_errors("^gpu_lost: .* → .*power")
async def test_a_lost_gpu_is_withheld_until_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.take(*HEALTHY)
    caplog.clear()
    with world.heard() as events:
        world.take(card(0), card(1, LOST), at=1)
        assert world.codes == [("gpu_lost", B)]
        assert world.withheld == {A: (), B: ("gpu_lost",)}
        world.take(card(0), card(1, LOST), at=2)
        world.take(*HEALTHY, at=3)
        assert (world.codes, world.withheld) == ([], {A: (), B: ()})
    assert kinds(events) == [("fault_raised", B), ("fault_cleared", B)]
    assert [(event.code, event.at) for event in events] == [
        ("gpu_lost", NOW + 1),
        ("gpu_lost", NOW + 3),
    ]
    of_fault = {"gpu_uuid": B, "fault": "gpu_lost"}
    assert journal(caplog) == [
        (logging.ERROR, {"event": "fault_raised", **of_fault}),
        (logging.INFO, {"event": "fault_cleared", **of_fault}),
    ]


@pytest.mark.logs_errors("gpu_silent: ")
def test_a_silent_gpu_is_withheld_before_it_is_a_fault() -> None:
    world = World()
    world.take(*HEALTHY)
    silent = timed_out(card(1))
    world.take(card(0), silent, at=1)
    assert (world.codes, world.withheld[B]) == ([], ("gpu_silent",))
    world.take(card(0), silent, at=6)
    assert (world.codes, world.withheld[B]) == ([("gpu_silent", B)], ("gpu_silent",))


@pytest.mark.logs_errors("gpu_silent: ", "driver_failed: ")
def test_a_fault_persists_while_nothing_can_be_read_and_clears_when_all_is_well() -> None:
    world = World()
    world.take(timed_out(card(0)))
    world.take(timed_out(card(0)), at=6)
    assert world.codes == [("gpu_silent", A)]
    world.take(inventory.driverless(card(0), NOW), at=7, state="failed", detail="why")
    assert world.codes == [("gpu_silent", A), ("driver_failed", "")]
    world.take(card(0, SILENT, sample=timed_out(card(0)).sample), at=8)
    assert world.codes == [("gpu_silent", A)]
    world.take(card(0), at=9)
    assert world.codes == []


def test_a_gpu_that_was_not_heard_of_yet_is_withheld_without_a_fault() -> None:
    world = World((), *HEALTHY)
    world.keeper.take_host(host())
    assert world.withheld == {A: ("gpu_silent",), B: ("gpu_silent",)}
    assert world.codes == []


@pytest.mark.logs_errors("row_remap_failed: ", "gpu_lost: ")
def test_all_errors_of_a_gpu_are_named_and_warnings_are_not() -> None:
    world = World((A,))
    ill = condition(row_remap_failed=True, row_remap_pending=True)
    world.take(card(0, LOST, condition=ill))
    assert world.withheld == {A: ("gpu_lost", "row_remap_failed", "withheld_by_owner")}


def test_a_warning_withholds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.take(card(0, condition=condition(row_remap_pending=True)))
    assert (world.codes, world.withheld) == ([("row_remap_pending", A)], {A: ()})
    assert (logging.WARNING, "fault_raised") in [
        (level, of["event"]) for level, of in journal(caplog)
    ]


# What was left by an earlier run.


@pytest.mark.logs_errors("state_unreadable: .*offering", "state_unreadable: .*gpus")
async def test_the_owners_word_ends_the_doubt() -> None:
    world = World(unreadable={"offering.json": "offering: no", "gpus.json": "gpus: no"})
    world.take(*HEALTHY)
    offering = world.snapshot.daemon.offering
    assert [code for code, _ in world.codes] == ["state_unreadable"] * 2
    with world.heard() as events:
        world.keeper.take_offering(Offering(wanted=False, since_at=NOW))
    assert [event.kind for event in events] == ["fault_cleared", "offering_changed"]
    assert [fault.text for fault in world.snapshot.faults if "gpus: no" in fault.text]
    assert (len(world.codes), world.keeper.in_doubt) == (1, True)
    world.keeper.take_offering(offering)
    assert (world.codes, world.keeper.in_doubt) == ([], False)


@pytest.mark.logs_errors("state_unreadable: .*gpus")
async def test_to_say_start_again_is_a_word_too() -> None:
    world = World(unreadable={"gpus.json": "gpus: no"})
    world.take(*HEALTHY)
    with world.heard() as events:
        world.keeper.take_offering(world.snapshot.daemon.offering)
    assert [event.kind for event in events] == ["fault_cleared"]


# The owner withholds.


def test_the_owner_withholds_a_gpu_by_its_uuid() -> None:
    world = World((B, "GPU-of-another-machine"))
    world.take(*HEALTHY)
    assert world.withheld == {A: (), B: ("withheld_by_owner",)}


def test_the_owner_withholds_a_gpu_by_one_of_its_slices() -> None:
    """The whole of it: a slice cannot be told from its neighbours by a renter's driver."""
    world = World((mig_device().uuid,))
    sliced = card(1, mig_devices=(mig_device(),))
    world.take(card(0), sliced)
    assert world.withheld == {A: (), B: ("withheld_by_owner",)}
    world.take(*HEALTHY)
    assert world.withheld == {A: (), B: ()}


async def test_what_is_withheld_changes_with_a_reload(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.take(*HEALTHY)
    with world.heard() as events:
        world.keeper.take_config((A,), "", "")
    assert world.withheld == {A: ("withheld_by_owner",), B: ()}
    assert [event.kind for event in events] == ["config_reloaded"]
    caplog.clear()
    with world.heard() as events:
        world.keeper.take_config((A,), "", "gpu.history_s: must be a whole number")
    assert world.codes == [("config_not_applied", "")]
    assert "gpu.history_s" in world.snapshot.faults[0].text
    assert kinds(events) == [("fault_raised", "")]
    assert journal(caplog) == [
        (logging.WARNING, {"event": "fault_raised", "fault": "config_not_applied"})
    ]
    world.keeper.take_config((), "", "")
    assert (world.codes, world.withheld) == ([], {A: (), B: ()})
