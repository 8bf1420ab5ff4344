"""Faults of the machine around the GPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from polarisd.api.snapshot import Disk, Host
from polarisd.health.board import Board, update
from polarisd.health.host_signs import config_signs, host_signs, state_signs
from tests.unit.build import GIB, UNREAD, host, records


def seen(**changes: Any) -> dict[tuple[str, str], bool | None]:
    signs = host_signs(replace(host(), **changes))
    return {(sign.code, sign.key): sign.holds for sign in signs}


def disk(path: str, free_bytes: Any) -> Disk:
    return Disk(path=path, total_bytes=100 * GIB, free_bytes=free_bytes)


def test_a_healthy_host_shows_nothing() -> None:
    assert seen() == {}


@pytest.mark.parametrize(
    ("free_bytes", "holds"), [(0, True), (2 * 10**9 - 1, True), (2 * 10**9, False), (UNREAD, None)]
)
def test_a_disk_is_low_below_two_gigabytes(free_bytes: Any, holds: bool | None) -> None:
    expected = {} if holds is False else {("disk_low", "/"): holds}
    assert seen(disks=(disk("/", free_bytes),)) == expected


def test_how_little_is_left_is_said() -> None:
    low = replace(
        host(),
        disks=(disk("/srv", 1_500_000_000),),
        memory_total_bytes=200 * GIB,
        memory_available_bytes=8 * GIB,
    )
    board, _ = update(Board(), host_signs(low), 0)
    board, _ = update(board, host_signs(low), 60)
    said = {"/srv has 1.5 GB left", "only 4 % of memory is available"}
    assert {fault.text for fault in board.faults} == said


def test_each_disk_is_told_by_itself() -> None:
    disks = (disk("/", 0), disk("/var", 5 * GIB), disk("/srv", UNREAD))
    assert seen(disks=disks) == {("disk_low", "/"): True, ("disk_low", "/srv"): None}


@pytest.mark.parametrize(
    ("available", "holds"), [(49, True), (50, False), (1000, False), (UNREAD, None)]
)
def test_memory_is_low_below_a_twentieth(available: Any, holds: bool | None) -> None:
    expected = {} if holds is False else {("memory_low", ""): holds}
    assert seen(memory_total_bytes=1000, memory_available_bytes=available) == expected


def test_memory_of_no_known_size_cannot_be_told() -> None:
    assert seen(memory_total_bytes=UNREAD) == {("memory_low", ""): None}


def test_a_config_with_problems_is_a_fault_until_it_has_none() -> None:
    assert list(config_signs("")) == []
    (sign,) = config_signs("gpu.sample_interval_s: must be a number")
    board, _ = update(Board(), [sign], 0)
    (fault,) = board.faults
    assert "gpu.sample_interval_s: must be a number" in fault.text


def test_a_state_in_doubt_or_not_saved_is_a_fault_each() -> None:
    assert list(state_signs({}, "")) == []
    unreadable = {"offering.json": "/s/offering.json: no", "gpus.json": "/s/gpus.json: no"}
    board, _ = update(Board(), state_signs(unreadable, "cannot write /s/gpus.json: full"), 0)
    assert [(fault.code, fault.severity) for fault in board.faults] == [
        ("state_unreadable", "error"),
        ("state_unreadable", "error"),
        ("state_not_saved", "warning"),
    ]
    for fault, said in zip(board.faults, [*unreadable.values(), "gpus.json: full"], strict=True):
        assert said in fault.text
        assert ("sudo polarisctl start" in fault.remedy) == (fault.severity == "error")


@given(records(Host))
def test_any_host_can_be_judged_and_each_fault_said(some: Host) -> None:
    signs = list(host_signs(some))
    board, _ = update(Board(), signs, 0)
    later, _ = update(board, signs, 3600)
    assert len(later.faults) == len({sign.identity for sign in signs if sign.holds})
