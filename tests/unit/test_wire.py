"""Frames: what a peer may send, in whatever pieces, and what it costs us."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

KEYS = st.text(max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PARAMS = st.dictionaries(KEYS, VALUES, max_size=4)


def decoded(pieces: Iterable[bytes], max_items: int = wire.REQUEST_MAX_ITEMS) -> list[object]:
    decoder = wire.Decoder(max_items)
    frames: list[object] = []
    for piece in pieces:
        decoder.feed(piece)
        frames.extend(decoder)
    return frames


def refusal_of(pieces: Iterable[bytes]) -> str:
    with pytest.raises(ControlError) as refused:
        decoded(pieces)
    return refused.value.code


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    ends = sorted({min(end, len(data)) for end in at} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_are_frames_or_a_control_error(pieces: list[bytes]) -> None:
    with suppress(ControlError):
        decoded(pieces)


@given(st.lists(VALUES, max_size=4), st.lists(st.integers(0, 300)))
def test_frames_do_not_depend_on_how_the_stream_was_cut(
    values: list[object], at: list[int]
) -> None:
    assert decoded(cut(b"".join(map(wire.pack, values)), at)) == values


@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(1, 7))
def test_partial_bytes_are_those_of_the_frame_that_has_not_ended(
    values: list[object], step: int
) -> None:
    packed = [wire.pack(value) for value in values]
    stream = b"".join(packed)
    ends = [sum(map(len, packed[: i + 1])) for i in range(len(packed))]
    decoder = wire.Decoder()
    for begin in range(0, len(stream), step):
        decoder.feed(stream[begin : begin + step])
        list(decoder)
        fed = min(begin + step, len(stream))
        assert decoder.partial_bytes == fed - max([0, *(end for end in ends if end <= fed)])


def test_a_frame_of_the_largest_size_passes() -> None:
    largest = wire.pack(b"x" * (wire.MAX_FRAME_BYTES - 5))
    assert len(largest) == wire.MAX_FRAME_BYTES
    assert decoded(cut(largest, range(0, len(largest), 1 << 16))) == [largest[5:]]


@pytest.mark.parametrize("step", [1 << 12, 1 << 16, 1 << 21])
def test_a_frame_above_the_largest_size_is_refused(step: int) -> None:
    larger = wire.pack(b"x" * (wire.MAX_FRAME_BYTES - 4))
    assert len(larger) == wire.MAX_FRAME_BYTES + 1
    assert refusal_of(cut(larger, range(0, len(larger), step))) == errors.FRAME_TOO_LARGE


def test_a_large_frame_of_small_parts_is_refused_before_it_fills_the_memory() -> None:
    """msgpack takes each part out of its buffer, so its own limit never sees the whole."""
    part = wire.pack(b"x" * 60_000)
    decoder = wire.Decoder()
    decoder.feed(b"\xdc\x01\x00")  # an array of 256
    for _ in range(17):
        decoder.feed(part)
        assert list(decoder) == []
    decoder.feed(part)
    with pytest.raises(ControlError) as refused:
        next(decoder)
    assert refused.value.code == errors.FRAME_TOO_LARGE


def test_a_large_frame_that_is_complete_at_once_is_refused() -> None:
    part = wire.pack(b"x" * 60_000)
    decoder = wire.Decoder()
    decoder.feed(b"\xdc\x00\x12" + part * 17)
    assert list(decoder) == []
    decoder.feed(part)
    with pytest.raises(ControlError) as refused:
        next(decoder)
    assert refused.value.code == errors.FRAME_TOO_LARGE


def test_many_small_frames_may_be_more_than_one_large_one() -> None:
    frame = wire.request(1, "snapshot", {})
    count = 2 * wire.MAX_FRAME_BYTES // len(frame)
    assert len(decoded(cut(frame * count, range(0, len(frame) * count, 1 << 16)))) == count


@pytest.mark.parametrize(
    "header",
    [
        b"\xdd\xff\xff\xff\xff",  # an array of 2**32 - 1
        b"\xdc\x01\x01",  # one of 257
        b"\xdf\xff\xff\xff\xff",  # a map
        b"\xde\x01\x01",
        b"\xc9\xff\xff\xff\xff\x01",  # an extension
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp, which nobody needs here
    ],
)
def test_a_length_that_is_only_named_costs_nothing(header: bytes) -> None:
    assert refusal_of([header]) == errors.BAD_FRAME
    assert _peak_bytes(header) < 100_000


@pytest.mark.parametrize("header", [b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"])
def test_text_of_a_length_that_is_only_named_waits_as_any_frame_does(header: bytes) -> None:
    assert _peak_bytes(header) < 100_000
    flood = [header, *[b"x" * (1 << 16)] * 20]
    assert refusal_of(flood) == errors.FRAME_TOO_LARGE


@pytest.mark.parametrize("header", [b"\xdc\x01\x00", b"\x91", b"\x81\xa1x"])
def test_deep_nesting_is_refused_before_it_costs_much(header: bytes) -> None:
    assert refusal_of([header * 5_000]) == errors.BAD_FRAME
    assert _peak_bytes(header * 5_000) < 4_000_000


def _peak_bytes(data: bytes) -> int:
    decoder = wire.Decoder()
    tracemalloc.start()
    try:
        decoder.feed(data)
        with suppress(ControlError):
            list(decoder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [b"\xc1", b"\xa1\xff", b"\x81\x90\x01", b"\x81\x01\x01"])
def test_what_is_no_messagepack_of_ours_is_a_bad_frame(data: bytes) -> None:
    """A reserved byte, text that is not UTF-8, a list or a number as a key."""
    assert refusal_of([data]) == errors.BAD_FRAME


def test_replies_may_hold_long_columns() -> None:
    column = list(range(10_000))
    assert decoded([wire.pack(column)], wire.REPLY_MAX_ITEMS) == [column]
    assert refusal_of([wire.pack(column)]) == errors.BAD_FRAME


@given(st.integers(0, 2**32 - 1), st.text(max_size=30), PARAMS)
def test_a_request_arrives_as_it_was_sent(msgid: int, method: str, params: dict[str, Any]) -> None:
    (frame,) = decoded([wire.request(msgid, method, params)])
    assert wire.parse_request(frame) == (msgid, method, params)


@given(st.text(max_size=30), PARAMS)
def test_a_notification_has_no_msgid(method: str, params: dict[str, Any]) -> None:
    (frame,) = decoded([wire.notification(method, params)])
    assert wire.parse_request(frame) == (None, method, params)


@pytest.mark.parametrize(
    "frame",
    [
        None,
        {},
        "snapshot",
        [],
        [0],
        [0, 1, "snapshot"],
        [0, 1, "snapshot", []],
        [0, 1, b"snapshot", {}],
        [0, -1, "snapshot", {}],
        [0, 1 << 32, "snapshot", {}],
        [0, True, "snapshot", {}],
        [0, 1.0, "snapshot", {}],
        [0, None, "snapshot", {}],
        [0, 1, "snapshot", {}, 0],
        [1, 1, None, {}],
        [2, "snapshot", None],
        [2, 1, "snapshot", {}],
        [3, 1, "snapshot", {}],
    ],
)
def test_any_other_frame_is_refused(frame: object) -> None:
    with pytest.raises(ControlError) as refused:
        wire.parse_request(frame)
    assert refused.value.code == errors.BAD_FRAME
    assert refused.value.hint


@given(VALUES)
def test_parsing_any_value_raises_nothing_but_a_control_error(value: object) -> None:
    try:
        msgid, method, params = wire.parse_request(value)
    except ControlError:
        return
    assert value in ([0, msgid, method, params], [2, method, params])


def test_each_envelope_has_these_bytes() -> None:
    """What another implementation of the protocol relies on."""
    gone = ControlError("not_found", "no such GPU", "look")
    map_of_gone = (
        b"\x83\xa4code\xa9not_found\xa7message\xabno such GPU\xa4hint\xa4look"  # in this order
    )
    assert wire.request(7, "watch", {"events": True}) == b"\x94\x00\x07\xa5watch\x81\xa6events\xc3"
    assert wire.reply(7, {"watch": 1}) == b"\x94\x01\x07\xc0\x81\xa5watch\x01"
    assert wire.error_reply(7, gone) == b"\x94\x01\x07" + map_of_gone + b"\xc0"
    assert wire.notification("closing", {}) == b"\x93\x02\xa7closing\x80"
    assert wire.reply_packed(7, b"\xa2ok") == b"\x94\x01\x07\xc0\xa2ok"
    assert (
        wire.stream_item("event", 3, b"\x80") == b"\x93\x02\xa5event\x82\xa5watch\x03\xa4item\x80"
    )


@given(st.integers(0, 2**32 - 1), VALUES)
def test_what_was_packed_before_travels_as_it_is(number: int, value: object) -> None:
    packed = wire.pack(value)
    assert wire.reply_packed(number, packed) == wire.reply(number, value)
    assert wire.stream_item("snapshot", number, packed) == wire.notification(
        "snapshot", {"watch": number, "item": value}
    )


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_an_error_arrives_as_it_was_sent(code: str, message: str, hint: str) -> None:
    ((_, _, error, result),) = _lists(wire.error_reply(1, ControlError(code, message, hint)))
    arrived = errors.from_wire(error)
    assert (arrived.code, arrived.message, arrived.hint) == (code, message, hint)
    assert result is None


@given(VALUES)
def test_an_error_of_any_shape_can_be_read(error: object) -> None:
    arrived = errors.from_wire(error)
    assert isinstance(arrived.code, str) and isinstance(arrived.message, str)


def test_text_that_is_not_utf8_is_spelt_out_instead_of_ending_the_daemon() -> None:
    """As Python holds a path or a hostname with a byte that is none."""
    odd = b"/etc/\xff.toml".decode(errors="surrogateescape")
    assert msgpack.unpackb(wire.pack({"config_path": odd})) == {"config_path": r"/etc/\udcff.toml"}
    assert decoded([wire.error_reply(1, ControlError("refused", odd))])


def test_codes_are_plain_and_differ() -> None:
    assert len(set(errors.ALL_CODES)) == len(errors.ALL_CODES)
    named = {v for k, v in vars(errors).items() if k.isupper() and isinstance(v, str)}
    assert named == set(errors.ALL_CODES)


def _lists(data: bytes) -> list[list[Any]]:
    return [frame for frame in decoded([data]) if isinstance(frame, list)]
