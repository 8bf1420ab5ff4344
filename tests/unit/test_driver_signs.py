"""Faults of the driver, and those that XIDs make."""

from __future__ import annotations

from typing import Any

import pytest

from polarisd.api.gpu import Gpu
from polarisd.health.board import Board, Sign, update
from polarisd.health.gpu_signs import XidCount, driver_signs, xid_signs
from tests.unit.build import NOW, driver, gpu, uuid_of

UUID = uuid_of(0)
WELL = gpu()


def of_driver(*gpus: Gpu, no_events: str = "", **changes: Any) -> dict[str, bool | None]:
    return {s.code: s.holds for s in driver_signs(driver(**changes), gpus, no_events)}


@pytest.mark.parametrize("state", ["absent", "mismatched", "forbidden", "failed"])
def test_a_driver_that_does_not_work_is_a_fault(state: str) -> None:
    seen = of_driver(state=state, detail="why")
    assert seen == {f"driver_{state}": True, "gpu_unreadable": None}
    (sign, *_) = driver_signs(driver(state, "why"), (), "")
    assert sign.facts == {"detail": "why"}


def test_a_driver_that_starts_is_slow_after_a_while() -> None:
    assert of_driver(state="starting") == {"driver_slow": True, "gpu_unreadable": None}
    board = Board()
    seen = []
    for now in range(8):
        board, _ = update(board, driver_signs(driver("starting"), (), ""), now)
        seen.append([fault.code for fault in board.faults])
    assert seen == [[]] * 5 + [["driver_slow"]] * 3
    assert board.faults[0].severity == "error"
    board, _ = update(board, driver_signs(driver(), [WELL], ""), 8)
    assert board.faults == ()


def test_a_driver_that_works_should_show_a_gpu() -> None:
    assert of_driver() == {"no_gpus": True}
    assert of_driver(WELL) == {}


def test_a_gpu_that_cannot_be_opened_is_a_fault_though_it_has_no_name() -> None:
    assert of_driver(WELL, detail="cannot open GPU 1: ...") == {"gpu_unreadable": True}


def test_that_xids_cannot_be_watched_is_told() -> None:
    assert of_driver(WELL, no_events="no permission") == {"xid_watch_unavailable": True}


# XIDs.


def of_xid(xid: int, count: int = 1) -> list[Sign]:
    return list(xid_signs([XidCount(UUID, xid, count, NOW)]))


@pytest.mark.parametrize(("xid", "code"), [(48, "xid_error"), (63, "xid_warning")])
def test_an_xid_is_a_fault_of_its_severity(xid: int, code: str) -> None:
    (sign,) = of_xid(xid)
    board, _ = update(Board(), [sign], 0)
    (fault,) = board.faults
    assert (fault.code, fault.gpu_uuid, sign.key) == (code, UUID, str(xid))
    assert fault.text.startswith(f"XID {xid}: ") and fault.text.endswith("(once)")
    assert f"--forget {UUID}" in fault.remedy


def test_how_often_is_said() -> None:
    board, _ = update(Board(), of_xid(79, 17), 0)
    assert board.faults[0].text.endswith("(17 times)")


def test_a_programs_fault_is_none_of_the_gpus() -> None:
    assert of_xid(13) == []


def test_xids_of_one_gpu_are_told_apart() -> None:
    signs = xid_signs([XidCount(UUID, 79, 1, NOW), XidCount(UUID, 48, 1, NOW)])
    board, _ = update(Board(), signs, 0)
    assert len(board.faults) == 2
    assert board.withheld_by(UUID) == ("xid_error",)
