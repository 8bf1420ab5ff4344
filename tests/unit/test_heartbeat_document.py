"""What a heartbeat may look like; whatever else comes in is refused, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.health.catalogue import CATALOGUE
from polarisd.heartbeat import document
from polarisd.heartbeat.document import (
    MAX_DOCUMENT_BYTES,
    MAX_ENVELOPE_BYTES,
    Gpu,
    Signed,
    canonical,
    is_genuine,
    parse,
    parse_document,
)
from polarisd.heartbeat.reasons import REASONS, Refusal
from tests.unit.heartbeat_support import FACTS, GENESIS, beat, body_of, forged, origin, resigned

VALID: Mapping[str, Any] = json.loads(beat().document)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_heartbeat_comes_out_as_it_went_in() -> None:
    signed = beat()
    assert parse(body_of(signed)) == signed
    assert is_genuine(signed)


def test_the_bytes_are_these() -> None:
    """Golden: another implementation has to make the same."""
    hotkey = VALID["hotkey"]
    assert beat().document == (
        '{"endpoint":"203.0.113.7:8000","gpus":[{"uuid":"GPU-1","withheld_by":[]},'
        '{"uuid":"GPU-2","withheld_by":["gpu_lost","xid_error"]}],'
        '"health":{"faults":["disk_low"],"ok":true},"heartbeat":1,'
        f'"hotkey":"{hotkey}","netuid":0,"network":"independent","offering":true,'
        '"sent_at_ms":1800000000000,"sequence":7,"slots":{"free":2,"total":3},'
        '"ssh_ports":[11000,11002],"version":"0.3.0"}'
    )
    assert document.signed_bytes("{}") == b"polaris-heartbeat/1\n{}"


@pytest.mark.parametrize(
    "change",
    [
        {"heartbeat": 2},
        {"heartbeat": True},
        {"hotkey": "5" * 48},
        {"hotkey": ""},
        {"network": "finney"},
        {"network": GENESIS.upper()},
        {"netuid": -1},
        {"netuid": 65536},
        {"netuid": 0.0},
        {"sequence": 0},
        {"sequence": 2**53},
        {"sequence": "7"},
        {"sent_at_ms": 1.5},
        {"endpoint": ""},
        {"endpoint": "203.0.113.7"},
        {"endpoint": "203.0.113.7:0"},
        {"endpoint": "203.0.113.7:65536"},
        {"endpoint": "203.0.113.7:08000"},
        {"endpoint": "example.org:8000"},
        {"endpoint": "2001:db8::1:8000"},
        {"endpoint": "[2001:DB8::1]:8000"},
        {"endpoint": "[fe80::1%eth0]:8000"},
        {"endpoint": "[::ffff:203.0.113.7]:8000"},
        {"endpoint": []},
        {"ssh_ports": [11000]},
        {"ssh_ports": [11002, 11000]},
        {"ssh_ports": [1, 2, 3]},
        {"ssh_ports": [0, 3]},
        {"ssh_ports": [1, 65535]},
        {"gpus": None},
        {"gpus": [{"uuid": "GPU-1"}]},
        {"gpus": [{"uuid": "GPU 1", "withheld_by": []}]},
        {"gpus": [{"uuid": "GPU-1", "withheld_by": []}] * 2},
        {"gpus": [{"uuid": f"GPU-{n}", "withheld_by": []} for n in range(65)]},
        {"gpus": [{"uuid": "GPU-1", "withheld_by": ["\x1b[2J"]}]},
        {"gpus": [{"uuid": "GPU-1", "withheld_by": ["a", "b", "c", "d", "e"]}]},
        {"slots": {"total": 1, "free": 2}},
        {"slots": {"total": 1, "free": 1, "more": 1}},
        {"offering": 1},
        {"version": "1.0\n"},
        {"version": "ü"},
        {"health": {"ok": True, "faults": ["x"] * 17}},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_what_is_not_as_it_must_be_is_refused(change: dict[str, object]) -> None:
    refused = parse_document(canonical({**VALID, **change}))
    assert isinstance(refused, Refusal)
    assert refused.code == "bad_heartbeat"
    assert len(refused.text) <= 300
    assert refused.text.isprintable()


@pytest.mark.parametrize("missing", sorted(VALID))
def test_nothing_may_be_left_out(missing: str) -> None:
    short = {name: value for name, value in VALID.items() if name != missing}
    assert isinstance(parse_document(canonical(short)), Refusal)


@pytest.mark.parametrize(
    "other",
    [
        json.dumps(VALID),
        json.dumps(VALID, sort_keys=True),
        canonical(VALID) + "\n",
        canonical(VALID).replace('"netuid":0', '"netuid":0,"netuid":0'),
        canonical(VALID).replace('"netuid":0', '"netuid":-0'),
        canonical(VALID).replace("GPU-1", "\\u0047PU-1"),
        canonical(VALID).replace("1800000000000", "18e11"),
    ],
)
def test_the_same_in_other_bytes_is_refused(other: str) -> None:
    assert isinstance(parse_document(canonical(VALID)), document.Heartbeat)
    assert isinstance(parse_document(other), Refusal)


def test_an_unknown_endpoint_is_null() -> None:
    signed = beat(facts=replace(FACTS, endpoint=None))
    assert '"endpoint":null' in signed.document
    assert parse(body_of(signed)) == signed


def test_the_largest_heartbeat_fits() -> None:
    codes = tuple(f"{letter * 32}" for letter in "abcd")
    gpus = tuple(Gpu(uuid=f"{n:048}", withheld_by=codes) for n in range(64))
    faults = tuple("f" * 30 + f"{n:02}" for n in range(16))
    facts = replace(FACTS, gpus=gpus, faults=faults, version="1" * 32)
    signed = beat(sequence=2**53 - 1, facts=facts, of=origin(network=GENESIS, netuid=65535))
    assert len(signed.document) <= MAX_DOCUMENT_BYTES
    assert len(body_of(signed)) <= MAX_ENVELOPE_BYTES
    assert parse(body_of(signed)) == signed


def test_facts_that_are_too_many_are_cut_and_those_of_another_form_left_out() -> None:
    gpus = (
        *(Gpu(uuid=f"GPU-{n:03}", withheld_by=tuple("abcdefg")) for n in range(70)),
        Gpu(uuid="no uuid", withheld_by=()),
    )
    said = beat(facts=replace(FACTS, gpus=gpus, faults=("b", "a", "b"))).heartbeat
    assert len(said.gpus) == 64
    assert said.gpus[0].withheld_by == ("a", "b", "c", "d")
    assert said.health.faults == ("b", "a")


def test_every_fault_there_is_can_be_told() -> None:
    for code in (*CATALOGUE, "withheld_by_owner", "benchmark_running"):
        said = beat(facts=replace(FACTS, faults=(code,))).heartbeat
        assert said.health.faults == (code,)


def test_facts_that_nobody_could_take_are_a_bug() -> None:
    with pytest.raises(ValueError, match="cannot make a heartbeat"):
        beat(facts=replace(FACTS, slots_free=9))


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        {},
        {"document": canonical(VALID)},
        {"document": VALID, "signature": "0x" + "00" * 64},
        {"document": canonical(VALID), "signature": "00" * 64},
        {"document": canonical(VALID), "signature": "0x" + "AB" * 64},
        {"document": canonical(VALID), "signature": "0x" + "00" * 64, "more": 1},
    ],
    ids=str,
)
def test_an_envelope_is_a_document_and_a_signature(envelope: object) -> None:
    refused = parse(json.dumps(envelope).encode())
    assert isinstance(refused, Refusal)
    assert refused.code == "bad_heartbeat"


def test_what_is_too_large_is_not_read() -> None:
    envelope = {**resigned("x" * (MAX_DOCUMENT_BYTES + 1))}
    for body in (b" " * (MAX_ENVELOPE_BYTES + 1), json.dumps(envelope).encode()):
        refused = parse(body)
        assert isinstance(refused, Refusal)
        assert refused.code == "oversized"


@pytest.mark.parametrize("body", [b"[" * 30_000, b"{}" * 9, b"\xff", '{"a":1}'.encode("utf-16")])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert isinstance(parse(body), Refusal)


def test_a_deep_document_is_refused() -> None:
    assert isinstance(parse_document("[" * 8000 + "]" * 8000), Refusal)
    assert isinstance(parse_document('{"a":' * 2000 + "1" + "}" * 2000), Refusal)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(body: bytes) -> None:
    assert isinstance(parse(body), Refusal)


@given(st.sampled_from(sorted(VALID)), ANYTHING)
def test_any_value_in_any_place_is_taken_or_refused(name: str, value: object) -> None:
    text = json.dumps({**VALID, name: value}, sort_keys=True, separators=(",", ":"))
    result = parse_document(text)
    if isinstance(result, Refusal):
        assert result.code in REASONS
    else:
        assert canonical(json.loads(json.dumps(asdict(result)))) == text


@given(st.data())
def test_any_change_of_a_byte_spoils_the_signature_or_the_document(data: st.DataObject) -> None:
    body = bytearray(body_of(beat()))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255).filter(lambda b: b != body[place]))
    result = parse(bytes(body))
    assert isinstance(result, Refusal) or not is_genuine(result)


def test_a_changed_document_is_not_genuine() -> None:
    altered = forged(beat(), sequence=8)
    read = parse(body_of(altered))
    assert isinstance(read, Signed)
    assert not is_genuine(read)
