"""Bytes from a peer become messages, or Malformed, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polarisd.proof import messages as m
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.transcript import Opening
from tests.unit import proof_support as support

hashes = st.binary(min_size=32, max_size=32)
numbers = st.integers(0, (1 << 32) - 1)
KINDS = set(get_args(m.Message))
SAMPLES: list[m.Message] = [
    m.Offer(support.terms()),
    m.Offer(support.terms(None)),
    m.Offer(support.terms(memory=None)),
    m.Ping(1),
    m.Begin(m.COMPUTE, bytes(32)),
    m.Sample(bytes(32)),
    m.Ready(),
    m.Pong(2),
    m.Refused("no"),
    m.Filled(),
    m.WalkRoot(bytes(32)),
    m.UnitRoot(3, bytes(32)),
    m.RoundDigest(4, bytes(32)),
    m.Opened(m.ROW, 5, Opening(b"block", (bytes(32),), b"row")),
]


def test_there_is_a_sample_of_every_kind() -> None:
    assert {type(sample) for sample in SAMPLES} == KINDS


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was(message: m.Message) -> None:
    assert m.decode(m.encode(message)) == message


@given(support.compute_parameters(), support.memory_parameters())
def test_parameters_come_back(compute: ComputeParameters, memory: MemoryParameters) -> None:
    offer = m.Offer(support.terms(compute, memory))
    assert m.decode(m.encode(offer)) == offer


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x90")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
@example(b"\x91" * 5000)
@example(b"\x81\x91\x01\x02")
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        message = m.decode(data)
    except m.Malformed:
        return
    assert type(message) in KINDS


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 40) | st.binary(max_size=40) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=9),
    max_leaves=20,
)


@given(st.integers(0, 25), st.lists(plain, max_size=8))
def test_any_items_are_a_message_or_malformed(code: int, items: list[object]) -> None:
    try:
        m.decode(msgpack.packb([code, *items]))
    except m.Malformed:
        return


@given(st.sampled_from(SAMPLES), st.data())
def test_spoilt_messages_are_another_message_or_malformed(
    message: m.Message, data: st.DataObject
) -> None:
    spoilt = bytearray(m.encode(message))
    at = data.draw(st.integers(0, len(spoilt) - 1))
    spoilt[at] ^= data.draw(st.integers(1, 255))
    try:
        assert m.decode(bytes(spoilt)) != message
    except m.Malformed:
        return


def test_a_frame_is_measured_before_it_is_read() -> None:
    with pytest.raises(m.Malformed, match="at most"):
        m.decode(bytes(m.MAX_FRAME_BYTES + 1))


def test_the_largest_opening_fits() -> None:
    opening = Opening(bytes(8 * 4096), (bytes(32),) * 26, bytes(4 * 65536))
    assert m.decode(m.encode(m.Opened(m.ROW, 4095, opening)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("operand", "fp8"),
        ("check", "trust"),
        ("chunk_rows", 0),
        ("chunk_rows", 20),
        ("columns", 24),
        ("columns", 1 << 20),
        ("depth", 8208),
        ("chunks", 1 << 30),
        ("rounds", 0),
        ("group", 0),
        ("group", 1 << 20),
        ("samples", 3),
        ("samples", 1 << 20),
    ],
)
def test_compute_parameters_have_bounds(field: str, value: Any) -> None:
    wrong = dataclasses.replace(support.COMPUTE, **{field: value})
    assert list(wrong.problems())
    with pytest.raises(m.Malformed):
        m.decode(m.encode(m.Offer(support.terms(wrong))))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("blocks", 0),
        ("blocks", 1 << 22),
        ("blocks", 9),
        ("cost", 0),
        ("walkers", 3),
        ("walkers", 1 << 30),
        ("steps", 1 << 20),
        ("segments", 0),
        ("segments", 1),
        ("segments", 3),
        ("units", 1 << 20),
        ("group", 0),
        ("group", 8),
        ("walk_samples", 0),
        ("unit_samples", 1 << 20),
    ],
)
def test_memory_parameters_have_bounds(field: str, value: int) -> None:
    wrong = dataclasses.replace(support.MEMORY, **{field: value})
    assert list(wrong.problems())
    with pytest.raises(m.Malformed):
        m.decode(m.encode(m.Offer(support.terms(memory=wrong))))


def test_an_offer_of_another_version_or_of_nothing() -> None:
    items = msgpack.unpackb(m.encode(m.Offer(support.terms())))
    items[1] = 2
    with pytest.raises(m.Malformed, match="version"):
        m.decode(msgpack.packb(items))
    with pytest.raises(m.Malformed, match="nothing"):
        m.decode(m.encode(m.Offer(support.terms(None, None))))


def test_true_is_no_number() -> None:
    with pytest.raises(m.Malformed):
        m.decode(msgpack.packb([2, True]))
