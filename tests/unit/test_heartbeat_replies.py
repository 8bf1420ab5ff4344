"""What a validator says is cut, cleaned and never trusted with more than its own column."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.chain import PortSeen
from polarisd.heartbeat.replies import MAX_PORTS, MAX_TEXT, Rejection, Reply, clean, read_reply
from tests.unit.heartbeat_support import beat

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FULL: dict[str, Any] = {
    "seen": {"address": "203.0.113.7", "port": 40000},
    "look": {"address": "203.0.113.7", "age_ms": 4000, "ports": [{"port": 8000, "answer": "open"}]},
    "verdict": {"text": "proven: 1 of 1", "at_ms": 1_800_000_000_000},
    "next_beat_s": 30.0,
    "latest_sequence": 7,
    "time_ms": 1_800_000_000_000,
    "muted": None,
}


def taken(**changes: object) -> Reply:
    reply = read_reply(200, {**FULL, **changes})
    assert isinstance(reply, Reply)
    return reply


def test_a_reply_is_read() -> None:
    assert taken() == Reply(
        seen_address="203.0.113.7",
        ports=(PortSeen(port=8000, answer="open"),),
        look_age_s=4.0,
        verdict="proven: 1 of 1",
        verdict_at=1_800_000_000.0,
        next_beat_s=30.0,
        muted=None,
    )


def test_nothing_said_is_nothing_known() -> None:
    assert read_reply(200, {}) == Reply(
        seen_address=None,
        ports=(),
        look_age_s=None,
        verdict=None,
        verdict_at=None,
        next_beat_s=None,
        muted=None,
    )


def test_what_makes_no_sense_was_not_said() -> None:
    assert taken(seen={"address": "example.org", "port": 1}).seen_address is None
    assert taken(seen=["203.0.113.7"]).seen_address is None
    assert taken(look={"ports": [{"port": 8000, "answer": "open"}]}).ports == ()
    assert taken(verdict={"text": 5, "at_ms": 5}).verdict_at is None
    assert taken(verdict={"text": "x", "at_ms": 10**30}).verdict_at is None
    assert taken(next_beat_s=float("nan")).next_beat_s is None
    assert taken(next_beat_s=True).next_beat_s is None
    ports = [{"port": port, "answer": "open"} for port in range(1, 100)]
    assert len(taken(look={"age_ms": 0, "ports": ports}).ports) == MAX_PORTS
    ports = [{"port": 8000, "answer": "\x1b[31m"}, {"port": "8000", "answer": "open"}]
    assert taken(look={"age_ms": 0, "ports": ports}).ports == ()


def test_texts_are_one_clean_line() -> None:
    assert clean("  two\n\x1b[31mwords\u202e\x00 ") == "two [31mwords"
    assert clean("") is clean("\x00\n") is clean(None) is clean(5) is None
    long = clean("x" * 10**6)
    assert long is not None
    assert len(long) == MAX_TEXT
    assert long.endswith("…")


def test_a_refusal_is_read_with_what_it_shows() -> None:
    shown = beat()
    document = {"code": "sequence_old", "message": "no\n", "latest": shown.envelope}
    assert read_reply(409, document) == Rejection(code="sequence_old", text="no", latest=shown)
    assert read_reply(500, {"code": "new", "latest": {"document": 5}}) == Rejection(
        code="", text="it answers with HTTP status 500", latest=None
    )


@given(st.sampled_from([200, 400, 500]), st.dictionaries(st.sampled_from(sorted(FULL)), ANYTHING))
def test_whatever_comes_is_read(status: int, document: dict[str, Any]) -> None:
    said = read_reply(status, {**FULL, **document})
    texts = (said.verdict, said.muted) if isinstance(said, Reply) else (said.text,)
    for text in texts:
        assert text is None or (text.isprintable() and 0 < len(text) <= MAX_TEXT)


@given(st.dictionaries(st.sampled_from(["seen", "look", "verdict", "latest", "code"]), ANYTHING))
def test_parts_of_anything_are_read(document: dict[str, Any]) -> None:
    read_reply(200, {name: {**FULL, "ports": value} for name, value in document.items()})
    read_reply(409, document)


@given(ANYTHING)
def test_any_text_is_cleaned(text: object) -> None:
    line = clean(text)
    assert line is None or (line.isprintable() and len(line) <= MAX_TEXT)
