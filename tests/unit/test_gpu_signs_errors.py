"""A GPU that answers with errors: that nothing can be told of it must not pass for health."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from polarisd.api import reading
from polarisd.api.gpu import Gpu
from polarisd.api.reading import Unknown
from polarisd.health.board import Board, update
from polarisd.health.gpu_signs import gpu_signs
from tests.unit.build import UNREAD, uuid_of
from tests.unit.test_gpu_signs import WELL, holds, text_of, with_condition, with_sample

UUID = uuid_of(0)
ERROR = Unknown(reading.DRIVER_ERROR, "Unknown Error (NVML error 999)")


def with_vital(temperature: Any, vram: Any, clock: Any) -> Gpu:
    return with_sample(temperature_c=temperature, vram_used_bytes=vram, sm_clock_mhz=clock)


UNOFFERED = Unknown(reading.NOT_SUPPORTED)
OLD = Unknown(reading.DRIVER_TOO_OLD)
FORBIDDEN = Unknown(reading.NO_PERMISSION)
UNASKED = Unknown(reading.NOT_READ_YET)


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        (with_vital(ERROR, ERROR, ERROR), True),
        (with_vital(UNREAD, ERROR, Unknown(reading.GPU_LOST)), True),
        (with_vital(UNOFFERED, ERROR, UNOFFERED), True),
        (with_vital(FORBIDDEN, FORBIDDEN, FORBIDDEN), True),
        (with_vital(UNOFFERED, OLD, UNOFFERED), False),
        (with_vital(ERROR, ERROR, 1755), False),
        (with_vital(64, ERROR, ERROR), False),
        (with_vital(UNASKED, UNASKED, UNASKED), None),
        (replace(with_vital(ERROR, ERROR, ERROR), state="silent"), None),
        (replace(with_vital(ERROR, ERROR, ERROR), state="lost"), None),
    ],
)
def test_a_gpu_of_which_nothing_can_be_read_is_failing(some: Gpu, expected: bool | None) -> None:
    assert holds("gpu_failing", some) is expected


def test_a_failing_gpu_is_withheld_at_once_and_told_why() -> None:
    board, _ = update(Board(), gpu_signs(with_vital(ERROR, ERROR, ERROR)), 0)
    assert board.withheld_by(UUID) == ("gpu_failing",)
    assert board.faults[0].text.endswith("with an error: Unknown Error (NVML error 999)")
    assert "dmesg" in board.faults[0].remedy and f"-i {UUID}" in board.faults[0].remedy
    board, change = update(board, gpu_signs(WELL), 1)
    assert [fault.code for fault in change.cleared] == ["gpu_failing"]


@pytest.mark.parametrize(
    "name",
    [
        "recovery_action",
        "row_remap_failed",
        "row_remap_pending",
        "retired_pages_pending",
        "ecc_uncorrected_volatile",
    ],
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ERROR, True),
        (UNREAD, True),
        (UNOFFERED, False),
        (OLD, False),
        (FORBIDDEN, False),
        (UNASKED, None),
        (Unknown(reading.GPU_LOST), None),
    ],
)
def test_no_answer_about_damage_is_no_good_answer(
    name: str, value: Unknown, expected: bool | None
) -> None:
    some = with_condition(**{name: value})
    assert holds("condition_unreadable", some) is expected
    if expected:
        assert name in text_of(some)
    assert holds("condition_unreadable", replace(some, state="silent")) is None
