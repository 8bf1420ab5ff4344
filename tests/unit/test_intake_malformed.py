"""Frames that are none: noticed, and nothing of them gets any further."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading, wire
from polarisd.api.encode import to_wire
from polarisd.gpu import raw
from polarisd.gpu.inventory import to_gpu
from tests.unit.build import (
    condition,
    condition_frame,
    driver,
    gpu_frame,
    mig_device,
    raw_sample,
    sample_frame,
    uuid_of,
)
from tests.unit.intake_support import Child

MALFORMED = (ValueError, KeyError, TypeError)

FRAMES: list[list[Any]] = [
    [raw.DRIVER, to_wire(driver())],
    gpu_frame(0),
    [raw.UNREADABLE, 1, reading.GPU_LOST, ""],
    [raw.READY, 1],
    sample_frame(0),
    condition_frame(0, mig_device()),
    [raw.XID, uuid_of(0), 79],
    [raw.NO_EVENTS, "why"],
    [raw.CHANGED, "why"],
    [raw.FAILED, "absent", "why"],
]


@pytest.mark.parametrize(
    "frame",
    [
        [],
        ["nobody knows this"],
        [raw.SAMPLE],
        [raw.SAMPLE, 1, uuid_of(7), to_wire(raw_sample())],
        [raw.SAMPLE, "1", uuid_of(0), to_wire(raw_sample())],
        [raw.SAMPLE, 1, uuid_of(0), {}],
        [raw.CONDITION, 1, uuid_of(7), to_wire(condition()), []],
        [raw.CONDITION, 1, uuid_of(0), {"processes": 5}, []],
        [raw.CONDITION, 1, uuid_of(0), to_wire(condition()), [None]],
        [raw.CONDITION, 1, uuid_of(0), to_wire(condition()), ["processes"]],
        [raw.XID, None, 79],
        [raw.READY],
    ],
)
def test_a_malformed_frame_is_noticed_and_changes_nothing(frame: list[Any]) -> None:
    child = Child()
    child.start(0)
    before = dict(child.intake.cards)
    with pytest.raises(MALFORMED):
        child.send(frame)
    assert child.intake.cards == before


def test_even_a_deeply_nested_frame_is_only_malformed() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="unknown frame"):
        Child().send(deep)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data(), st.sampled_from(FRAMES), ODD)
def test_a_frame_with_anything_in_it_is_taken_or_noticed(
    data: st.DataObject, frame: list[Any], odd: Any
) -> None:
    """And whatever was taken can be sent to clients."""
    child = Child()
    child.start(0)
    at = data.draw(st.integers(0, len(frame) - 1))
    torn = [*frame[:at], odd, *frame[at + 1 :]]
    if isinstance(frame[at], dict) and data.draw(st.booleans()):
        torn[at] = {**frame[at], data.draw(st.sampled_from(sorted(frame[at]))): odd}
    try:
        child.send(torn)
    except MALFORMED:
        return
    child.tick(0)
    for each in child.intake.cards.values():
        assert isinstance(each.identity.index, int)
        wire.pack(to_wire(to_gpu(each, ())))
    wire.pack(to_wire(child.intake.driver))
