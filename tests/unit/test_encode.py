"""Records to maps and back: what a client receives, and what the daemon reads of its child."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polarisd.api import wire
from polarisd.api.encode import to_wire
from polarisd.api.gpu import Condition, Driver, Gpu, GpuProcess, Identity, MigDevice
from polarisd.api.reading import Unknown
from polarisd.api.snapshot import Event, Offering, Snapshot
from polarisd.gpu.intake import condition_from_wire
from polarisd.gpu.raw import RawSample, reading_from_wire, record_from_wire
from tests.unit.build import identity, raw_sample, records

PLAIN = (Identity, Driver, RawSample, GpuProcess)


def over_the_wire(value: object) -> Any:
    (arrived,) = _decoded(wire.pack(to_wire(value)))
    return arrived


def _decoded(data: bytes) -> list[Any]:
    decoder = wire.Decoder(wire.REPLY_MAX_ITEMS)
    decoder.feed(data)
    return list(decoder)


@pytest.mark.parametrize("cls", PLAIN)
@given(data=st.data())
@settings(max_examples=30)
def test_a_record_comes_back_as_it_was(cls: type[Any], data: st.DataObject) -> None:
    record = data.draw(records(cls))
    assert record_from_wire(cls, over_the_wire(record)) == record


@given(records(Condition))
@settings(max_examples=30)
def test_a_condition_comes_back_with_its_processes(condition: Condition) -> None:
    assert condition_from_wire(over_the_wire(condition)) == condition


@given(records(Snapshot))
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_a_snapshot_is_the_same_map_on_the_other_side(snapshot: Snapshot) -> None:
    assert over_the_wire(snapshot) == to_wire(snapshot)


@pytest.mark.parametrize("cls", [*PLAIN, Condition, Gpu, MigDevice, Snapshot, Event])
@given(data=st.data())
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
def test_every_field_is_on_the_wire_under_its_name(cls: type[Any], data: st.DataObject) -> None:
    wired = to_wire(data.draw(records(cls)))
    assert isinstance(wired, dict)
    assert list(wired) == [field.name for field in fields(cls)]


def test_an_unknown_is_a_map_with_its_reason() -> None:
    unknown = Unknown("timed_out", "after 2 s")
    assert to_wire(unknown) == {"unknown": "timed_out", "detail": "after 2 s"}
    assert reading_from_wire(to_wire(unknown)) == unknown


@dataclass(frozen=True)
class One:
    """A record of one field, for which attrgetter gives no tuple."""

    only: object


def test_a_record_of_one_field_and_an_empty_tuple() -> None:
    assert to_wire(One((1, One(2)))) == {"only": [1, {"only": 2}]}
    assert to_wire(Offering(wanted=True, since_at=1.5)) == {"wanted": True, "since_at": 1.5}
    assert to_wire(()) == []
    assert to_wire({"a": (Unknown("read_error"), None)}) == {
        "a": [{"unknown": "read_error", "detail": ""}, None]
    }


class Colour(str, Enum):
    """Would be text to msgpack and something else to everybody else."""

    RED = "red"


@pytest.mark.parametrize("odd", [object(), {1}, Colour.RED, 1j])
def test_what_has_no_place_on_the_wire_is_refused(odd: object) -> None:
    with pytest.raises(TypeError, match="cannot encode"):
        to_wire({"odd": [odd]})


WIRED_IDENTITY = over_the_wire(identity())
WIRED_SAMPLE = over_the_wire(raw_sample())


@pytest.mark.parametrize("name", sorted(WIRED_SAMPLE))
def test_an_absent_field_is_noticed(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        record_from_wire(RawSample, {k: v for k, v in WIRED_SAMPLE.items() if k != name})


@pytest.mark.parametrize("name", sorted(WIRED_SAMPLE))
@pytest.mark.parametrize("odd", ["64", None, True, {}, [], {"unknown": 1, "detail": ""}])
def test_a_reading_of_another_kind_is_none(name: str, odd: object) -> None:
    torn = {**WIRED_SAMPLE, name: odd}
    if name in ("read_s", "read_at"):
        with pytest.raises(TypeError, match=name):
            record_from_wire(RawSample, torn)
        return
    value = getattr(record_from_wire(RawSample, torn), name)
    said = f"{name} is of type {type(reading_from_wire(odd)).__name__}"
    assert value == Unknown("driver_error", said)


def test_what_must_be_known_must_not_be_unknown() -> None:
    with pytest.raises(TypeError, match="uuid"):
        record_from_wire(Identity, {**WIRED_IDENTITY, "uuid": to_wire(Unknown("gpu_lost"))})


def test_a_whole_number_stands_for_a_fraction_but_not_the_other_way_round() -> None:
    record = record_from_wire(
        Identity, {**WIRED_IDENTITY, "power_limit_max_w": 650, "vram_bytes": 8.0e10}
    )
    assert record.power_limit_max_w == 650
    assert isinstance(record.vram_bytes, Unknown)


def test_fields_of_a_later_version_are_left_out() -> None:
    assert record_from_wire(Identity, {**WIRED_IDENTITY, "colour": "green"}) == identity()
