"""A reading is a value or the reason why there is none."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.gpu import Condition, Identity, MigDevice, Sample
from polarisd.api.reading import REASONS, Unknown, known
from tests.unit.build import unknowns


@given(st.integers() | st.text() | st.booleans() | st.none())
def test_a_value_is_known_whatever_it_is(value: object) -> None:
    assert known(value) is value


@given(unknowns)
def test_an_unknown_has_no_value(unknown: Unknown) -> None:
    assert known(unknown) is None


def test_every_reason_has_words() -> None:
    named = {v for k, v in vars(reading).items() if k.isupper() and isinstance(v, str)}
    assert named == set(REASONS)
    assert all(REASONS.values())


def test_an_unknown_cannot_be_taken_for_a_number() -> None:
    unknown = Unknown(reading.TIMED_OUT)
    with pytest.raises(TypeError):
        unknown + 1  # type: ignore[operator]
    with pytest.raises(dataclasses.FrozenInstanceError):
        unknown.reason = "ok"  # type: ignore[misc]


@pytest.mark.parametrize("cls", [Identity, Sample, Condition, MigDevice])
def test_what_is_measured_may_be_unknown(cls: type) -> None:
    """All but what names the thing, and when it was read."""
    certain = {
        field.name
        for field in dataclasses.fields(cls)
        if not str(field.type).startswith("Reading[")
    }
    assert certain <= {"uuid", "index", "read_at"}
