"""Bytes that are no message, or one that is damaged.

What stops it: a frame is measured before it is decoded, and everything in it is checked
for type, size and range.  Whatever comes, nothing but Malformed is raised.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from polarisd.proof import messages as m
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.verdict import BEFORE_SAMPLE, Reason, Rejected
from tests.cheats.cases import (
    MEMORY,
    Entropy,
    Scripted,
    accepted,
    card,
    judged,
    party,
    terms,
)
from tests.cheats.world import Act, Worker, play

ASKED = terms("messages", memory=MEMORY)
HASH = bytes(32)

JUNK = [
    *(None, True, False, 0, -1, 1, 31, 32, 255, 256, (1 << 32) - 1, 1 << 32, -(1 << 63)),
    *((1 << 64) - 1, 0.0, 1.0, float("inf"), float("nan"), "", "row", "nine_bit", "compute"),
    *("\x00" * 300, b"", b"row", bytes(16), HASH, bytes(33), bytes(64), b"\xff" * 4096),
    *([], [[]], [None] * 64, [HASH] * 40, [HASH] * 41, [b"", [], b""], {}, msgpack.ExtType(1, b"")),
    *([0] * 9, ["nine_bit", *[16] * 7, "recompute"], ["int8", *[0] * 7, "freivalds"]),
]


def decoded(data: bytes) -> m.Message | None:
    try:
        return m.decode(data)
    except m.Malformed:
        return None


def said_by_honest() -> list[bytes]:
    """A whole conversation's messages, of both sides."""
    frames = [m.encode(m.Offer(ASKED))]

    @dataclass
    class Recording(Scripted):
        def hear(self, message: m.Message) -> Iterator[Act]:
            frames.append(m.encode(message))
            for act in Scripted.hear(self, message):
                assert not isinstance(act, bytes)
                frames.append(m.encode(act))  # type: ignore[arg-type]
                yield act

    worker = Worker(card())
    accepted(judged(play([party(ASKED, Recording(worker), worker)])[0]))
    return frames


FRAMES = said_by_honest()


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    decoded(data)


def packed(item: object) -> bytes:
    frame: bytes = msgpack.packb(item)
    return frame


@pytest.mark.parametrize("item", [*JUNK, msgpack.Timestamp(0)], ids=lambda item: repr(item)[:20])
def test_what_is_no_array_of_a_type(item: object) -> None:
    assert decoded(packed(item)) is None
    assert decoded(packed([item])) is None
    assert decoded(packed({"a": item})) is None


@pytest.mark.parametrize("code", [*range(-1, 30), 1 << 70 >> 8])
def test_wrong_fields_of_each_type(code: int) -> None:
    """Every number of fields, each of them junk."""
    rng = random.Random(code)
    for count in range(9):
        for _ in range(12):
            frame = packed([code, *rng.choices(JUNK, k=count)])
            message = decoded(frame)
            assert message is None or decoded(m.encode(message)) == message


@given(st.integers(0, 1 << 30))
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_junk_in_each_place(seed: int) -> None:
    """One item of a right message, at any depth, is junk."""
    rng = random.Random(seed)
    items = msgpack.unpackb(rng.choice(FRAMES))
    part = items
    while isinstance(part, list) and part:
        at = rng.randrange(len(part))
        if not isinstance(part[at], list) or not part[at] or rng.random() < 0.3:
            part[at] = rng.choice(JUNK)
            break
        part = part[at]
    message = decoded(packed(items))
    assert message is None or decoded(m.encode(message)) == message


@pytest.mark.parametrize("depth", [100, 500, 900, 990, 1000, 1020, 1100, 5000])
@pytest.mark.parametrize("place", range(9))
def test_deep_nesting(depth: int, place: int) -> None:
    """In each field of an offer, whose checks look at all they get."""
    fields = [b"\x01", *[b"\xc0"] * 7]
    deep = b"\x91" * depth + b"\xc0"
    frame = b"\x98" + b"".join(fields) if place == 8 else b""
    if place < 8:
        fields[place] = deep
        frame = b"\x98" + b"".join(fields)
    assert decoded(frame) is None


@given(st.integers(0, len(FRAMES) - 1), st.data())
@settings(max_examples=600, deadline=None, derandomize=True)
def test_damaged_frames(number: int, data: st.DataObject) -> None:
    frame = bytearray(FRAMES[number])
    how = data.draw(st.sampled_from(["flip", "cut", "repeat", "insert"]))
    at = data.draw(st.integers(0, len(frame) - 1))
    if how == "flip":
        frame[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del frame[at:]
    elif how == "repeat":
        frame = frame * 2
    else:
        frame[at:at] = data.draw(st.binary(min_size=1, max_size=4))
    message = decoded(bytes(frame))
    if how in ("cut", "repeat"):
        assert message is None


def test_size_is_looked_at_before_the_content() -> None:
    """A frame that claims gigabytes costs nothing."""
    claims = [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x92\x17\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
    ]
    big = bytes(m.MAX_FRAME_BYTES + 1)
    tracemalloc.start()
    for frame in [*claims, big]:
        assert decoded(frame) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * m.MAX_FRAME_BYTES


def test_more_after_the_end_changes_nothing() -> None:
    worker = Worker(card())
    one = party(ASKED, Scripted(worker), worker)
    outcome = play([one])[0]
    for frame in [*FRAMES, b"", bytes(m.MAX_FRAME_BYTES + 1)]:
        one.session.receive(frame, 99.0)
    one.session.closed()
    one.session.expire(1e9)
    assert one.session.outcome is outcome


@given(st.lists(st.sampled_from(FRAMES) | st.binary(max_size=40), max_size=30))
@example([])
@settings(max_examples=150, deadline=None, derandomize=True)
def test_session_against_any_frames(frames: list[bytes]) -> None:
    session = Session(ASKED, Deadlines(), Entropy(1))
    session.start(0.0)
    for number, frame in enumerate(frames):
        session.receive(frame, float(number))
    session.closed()
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason in (*BEFORE_SAMPLE, Reason.MALFORMED, Reason.OUT_OF_TURN)
