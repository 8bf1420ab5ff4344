"""Which faults hold on a GPU: each by what shows it, what denies it, and what tells nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.gpu import Gpu
from polarisd.api.reading import Unknown
from polarisd.health.board import Board, update
from polarisd.health.catalogue import CATALOGUE
from polarisd.health.gpu_signs import gpu_signs
from tests.unit.build import (
    NOW,
    UNREAD,
    condition,
    gpu,
    identity,
    records,
    sample,
    unknown_where,
    uuid_of,
)

UUID = uuid_of(0)


def judged(some: Gpu) -> dict[str, bool | None]:
    """Codes and whether they hold; what does not hold is left out."""
    signs = list(gpu_signs(some))
    assert all(sign.gpu_uuid == some.uuid for sign in signs)
    assert len({sign.code for sign in signs}) == len(signs)
    return {sign.code: sign.holds for sign in signs}


def in_condition(**changes: Any) -> Gpu:
    return gpu(condition=condition(retired_pages_pending=False, read_at=NOW - 1, **changes))


WELL = in_condition(pcie_generation=5, pcie_width=16)


def with_sample(**changes: Any) -> Gpu:
    return replace(WELL, sample=sample(**changes))


def with_condition(**changes: Any) -> Gpu:
    return replace(WELL, condition=replace(WELL.condition, **changes))


def test_a_healthy_gpu_shows_nothing() -> None:
    assert judged(WELL) == {}


def holds(code: str, some: Gpu) -> bool | None:
    return judged(some).get(code, False)


@pytest.mark.parametrize(
    ("code", "some", "expected"),
    [
        ("throttled_hw_thermal", with_sample(throttle=("hw_thermal",)), True),
        ("throttled_sw_thermal", with_sample(throttle=("sw_thermal",)), True),
        ("throttled_power_brake", with_sample(throttle=("hw_power_brake",)), True),
        ("throttled_hw_slowdown", with_sample(throttle=("hw_slowdown",)), True),
        ("throttled_hw_slowdown", with_sample(throttle=("hw_slowdown", "hw_thermal")), False),
        ("throttled_hw_slowdown", with_sample(throttle=("hw_slowdown", "hw_power_brake")), False),
        ("throttled_hw_slowdown", with_sample(throttle=("idle", "sw_power_cap")), False),
        ("throttled_hw_slowdown", with_sample(throttle=UNREAD), None),
        ("throttled_hw_thermal", with_sample(throttle=UNREAD), None),
        ("throttled_sw_thermal", with_sample(throttle=UNREAD), None),
        ("throttled_power_brake", with_sample(throttle=UNREAD), None),
        ("row_remap_failed", with_condition(row_remap_failed=True), True),
        ("row_remap_failed", with_condition(row_remap_failed=UNREAD), None),
        ("row_remap_pending", with_condition(row_remap_pending=True), True),
        ("row_remap_pending", with_condition(row_remap_pending=UNREAD), None),
        ("retired_pages_pending", with_condition(retired_pages_pending=True), True),
        ("retired_pages_pending", with_condition(retired_pages_pending=UNREAD), None),
        ("ecc_uncorrected", with_condition(ecc_uncorrected_volatile=1), True),
        ("ecc_uncorrected", with_condition(ecc_uncorrected_volatile=0), False),
        ("ecc_uncorrected", with_condition(ecc_uncorrected_volatile=UNREAD), None),
        ("recovery_needed", with_condition(recovery_action="none"), False),
        ("recovery_needed", with_condition(recovery_action="reset"), True),
        ("recovery_needed", with_condition(recovery_action="code 9"), True),
        ("recovery_needed", with_condition(recovery_action=UNREAD), None),
        ("power_limit_low", with_condition(power_limit_w=559.0), True),
        ("power_limit_low", with_condition(power_limit_w=560.0), False),
        ("power_limit_low", with_condition(power_limit_w=UNREAD), None),
        ("power_limit_low", gpu(identity=identity(power_limit_default_w=UNREAD)), None),
        ("mig_mode_pending", with_condition(mig_mode=False, mig_mode_pending=True), True),
        ("mig_mode_pending", with_condition(mig_mode=True, mig_mode_pending=True), False),
        ("mig_mode_pending", with_condition(mig_mode=UNREAD, mig_mode_pending=True), None),
        ("mig_mode_pending", with_condition(mig_mode=True, mig_mode_pending=UNREAD), None),
    ],
)
def test_each_fault_by_what_shows_it(code: str, some: Gpu, expected: bool | None) -> None:
    assert holds(code, some) is expected


def text_of(some: Gpu) -> str:
    """What the one fault of a GPU says, when it is visible."""
    board, _ = update(Board(), gpu_signs(some), 0)
    (fault,) = update(board, gpu_signs(some), 3600)[0].faults
    return fault.text


@pytest.mark.parametrize(
    ("some", "said"),
    [
        (with_sample(throttle=("hw_thermal",), temperature_c=91), "(91 °C)"),
        (with_sample(throttle=("sw_thermal",), temperature_c=UNREAD), "(temperature unknown)"),
        (with_condition(power_limit_w=350.0), "350 W, 50 % of the default 700 W"),
        (with_condition(ecc_uncorrected_volatile=3), "3 uncorrected memory errors"),
        (with_condition(recovery_action="drain_p2p"), "drain_p2p"),
        (gpu(state="missing"), "(PCI 00000000:10:00.0)"),
        (gpu(state="missing", identity=identity(pci_bus_id=UNREAD)), "(PCI unknown)"),
    ],
)
def test_a_fault_says_what_was_read(some: Gpu, said: str) -> None:
    assert said in text_of(some)


# A PCIe link: it counts only under load, and only if both were read at one moment.


def linked(busy: Any = 97, generation: Any = 5, width: Any = 16, apart_s: float = 0.0) -> Gpu:
    some = with_sample(utilisation_percent=busy)
    at = some.sample.read_at - apart_s
    newer = replace(some.condition, pcie_generation=generation, pcie_width=width, read_at=at)
    return replace(some, condition=newer)


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        (linked(), False),
        (linked(generation=4), True),
        (linked(width=8), True),
        (linked(generation=1, busy=0), None),
        (linked(generation=1, busy=49), None),
        (linked(generation=1, busy=50), True),
        (linked(generation=1, apart_s=10), None),
        (linked(generation=5, apart_s=10), None),
        (linked(busy=UNREAD), None),
        (linked(generation=UNREAD), None),
        (linked(width=UNREAD), None),
        (replace(linked(), identity=identity(pcie_max_generation=UNREAD)), None),
        (replace(linked(), identity=identity(pcie_max_width=UNREAD)), None),
    ],
)
def test_a_link_is_judged_under_load_only(some: Gpu, expected: bool | None) -> None:
    assert holds("pcie_link_reduced", some) is expected


def test_short_jobs_on_an_idle_gpu_do_not_reduce_its_link() -> None:
    """Each begins before the link, read every half minute when idle, is read again."""
    board = Board()
    for now in range(600):
        busy = 100 if now % 30 in range(5, 10) else 0
        some = linked(busy=busy, generation=1, apart_s=now % 30)
        board, change = update(board, gpu_signs(some), now)
        assert change.raised == ()


def test_a_link_that_stays_reduced_under_load_is_told_after_a_minute() -> None:
    board, raised = Board(), []
    for now in range(120):
        board, change = update(board, gpu_signs(linked(generation=3, apart_s=now % 30)), now)
        raised += [(now, fault.code) for fault in change.raised]
    assert raised == [(60, "pcie_link_reduced")]


# The state of a GPU.


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("ok", reading.NOT_SUPPORTED, {}),
        ("lost", reading.GPU_LOST, {"gpu_lost": True}),
        ("missing", reading.GPU_MISSING, {"gpu_missing": True}),
        ("silent", reading.TIMED_OUT, {"gpu_silent": True}),
        ("silent", reading.NO_PERMISSION, {"gpu_silent": True}),
        ("silent", reading.DRIVER_ERROR, {"gpu_silent": True}),
        ("silent", reading.NOT_READ_YET, {"gpu_silent": None}),
        ("silent", reading.NO_DRIVER, {"gpu_silent": None}),
    ],
)
def test_states_are_faults(state: str, reason: str, expected: dict[str, Any]) -> None:
    some = gpu(state=state, sample=sample(temperature_c=Unknown(reason)))
    states = {"gpu_lost", "gpu_missing", "gpu_silent"}
    assert {k: v for k, v in judged(some).items() if k in states} == expected


def test_a_silent_gpu_is_not_well_because_the_driver_went_too() -> None:
    board = Board()
    timed_out = gpu(state="silent", sample=sample(temperature_c=Unknown(reading.TIMED_OUT)))
    for now in range(10):
        board, _ = update(board, gpu_signs(timed_out), now)
    assert board.withheld_by(UUID) == ("gpu_silent",)
    no_driver = replace(timed_out, sample=sample(temperature_c=Unknown(reading.NO_DRIVER)))
    board, change = update(board, gpu_signs(no_driver), 10)
    assert (board.withheld_by(UUID), change.cleared) == (("gpu_silent",), ())
    board, change = update(board, gpu_signs(WELL), 11)
    assert [fault.code for fault in change.cleared] == ["gpu_silent"]


# Unknown, all over.


def test_what_cannot_be_read_at_all_raises_that_alone() -> None:
    blind = replace(
        WELL, sample=unknown_where(WELL.sample), condition=unknown_where(WELL.condition)
    )
    board, _ = update(Board(), gpu_signs(blind), 0)
    board, _ = update(board, gpu_signs(blind), 3600)
    assert [f.code for f in board.faults] == ["gpu_failing", "condition_unreadable"]


@given(records(Gpu), st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_fault_of_readings_ends_because_they_cannot_be_read(some: Gpu, blinded: int) -> None:
    """Sample, condition, both, or neither go blind; every fault is there still."""
    first, _ = update(Board(), gpu_signs(some), 0)
    board, _ = update(first, gpu_signs(some), 3600)
    blind = some
    if blinded & 1:
        blind = replace(blind, sample=unknown_where(some.sample))
    if blinded & 2:
        blind = replace(blind, condition=unknown_where(some.condition))
    later, change = update(board, gpu_signs(blind), 3601)
    assert {(f.code, f.gpu_uuid) for f in later.faults} >= {
        (f.code, f.gpu_uuid) for f in board.faults
    }
    # A silent GPU that was never asked and then timed out is new, and that all is blind.
    blindness = {"gpu_silent", "gpu_failing", "condition_unreadable"}
    assert {f.code for f in change.raised} <= blindness
    assert change.cleared == ()


@given(records(Gpu))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_gpu_can_be_judged_and_each_fault_said(some: Gpu) -> None:
    board, _ = update(Board(), gpu_signs(some), 0)
    board, _ = update(board, gpu_signs(some), 3600)
    for fault in board.faults:
        assert fault.code in CATALOGUE
        assert fault.text and fault.remedy
        assert "{uuid}" not in fault.remedy
