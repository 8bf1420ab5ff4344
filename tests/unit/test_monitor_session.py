"""The conversation without a socket, and the model that its updates change."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.monitor import session
from polarisctl.monitor.glyphs import FULL
from polarisctl.monitor.model import MAX_EVENTS, Model
from polarisctl.monitor.scene import LIVE, Link
from polarisctl.monitor.session import Session, Update
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.terminal import scenes

HELLO = {"version": "0.1.0", "protocol_major": 1, "protocol_minor": 0, "pid": 7, "access": "read"}
NOW = scenes.AT


def opened() -> tuple[Session, list[tuple[int | None, str, dict[str, Any]]]]:
    one = Session(1.0, 600)
    decoder = wire.Decoder()
    decoder.feed(one.opening())
    return one, [wire.parse_request(frame) for frame in decoder]


def stream() -> bytes:
    snapshot = wire.pack(scenes.snapshot(gpus=2))
    return (
        wire.reply(1, HELLO)
        + wire.reply(2, {"watch": 1})
        + wire.stream_item("snapshot", 1, snapshot)
        + wire.reply(3, scenes.history(gpus=2, seconds=5))
        + wire.stream_item("event", 1, wire.pack(scenes.events()[0]))
    )


def test_the_opening_asks_for_all_that_the_screen_needs_at_once() -> None:
    _, requests = opened()
    assert [(method, params) for _, method, params in requests][1:] == [
        ("watch", {"interval_s": 1.0, "events": True}),
        ("history", {"seconds": 600}),
    ]
    assert requests[0][1] == "hello"


@given(st.lists(st.integers(1, 4000), max_size=6))
def test_updates_do_not_depend_on_how_the_bytes_were_cut(cuts: list[int]) -> None:
    one, _ = opened()
    data, updates = stream(), []
    for cut in cuts:
        updates += one.receive(data[:cut])
        data = data[cut:]
    updates += one.receive(data) if data else []
    kinds = [update.kind for update in updates]
    assert kinds == ["hello", "watch", "snapshot", "history", "event"]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_protocol_end_the_session_with_a_reason(data: bytes) -> None:
    one, _ = opened()
    with suppress(ControlError):  # and nothing else
        one.receive(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (
            wire.notification("closing", {"code": "stopping", "message": "x", "hint": ""}),
            "stopping",
        ),
        (
            wire.notification(
                "watch_ended", {"watch": 1, "error": {"code": "too_slow", "message": "x"}}
            ),
            "too_slow",
        ),
        (wire.error_reply(2, ControlError(errors.TOO_MANY_WATCHES, "x")), "too_many_watches"),
        (wire.reply(1, {**HELLO, "protocol_major": 2}), "protocol_mismatch"),
    ],
)
def test_what_ends_a_session(data: bytes, code: str) -> None:
    one, _ = opened()
    with pytest.raises(ControlError) as caught:
        one.receive(data)
    assert caught.value.code == code


def test_a_refused_wish_is_an_update_and_not_the_end() -> None:
    one, _ = opened()
    one.ask(session.BURST, {"interval_s": 0.1, "seconds": 30})
    refused = ControlError(errors.NOT_PERMITTED, "burst needs admin access", "run it with sudo")
    (update,) = one.receive(wire.error_reply(4, refused))
    assert update.kind == session.BURST
    model = Model(1.0, FULL, 0)
    model.apply(update, NOW)
    notice = model.scene(Link(LIVE), NOW).notice
    assert notice.text == "burst: burst needs admin access; run it with sudo"


def test_requests_that_are_never_answered_do_not_pile_up() -> None:
    one, _ = opened()
    sent = [one.ask(session.HISTORY, {"seconds": 60}) for _ in range(100)]
    assert sum(bool(request) for request in sent) < session.MAX_PENDING


def test_what_a_newer_daemon_tells_beyond_this_is_passed_over() -> None:
    one, _ = opened()
    assert one.receive(wire.notification("lease_ended", {"lease": "x"})) == []


def test_a_pause_keeps_the_picture_while_readings_go_on() -> None:
    model = Model(1.0, FULL, 0)
    model.apply(Update("snapshot", scenes.snapshot(NOW, gpus=1)), NOW)
    model.press("p", NOW)
    model.apply(Update("snapshot", scenes.snapshot(NOW + 1, gpus=1)), NOW + 1)
    paused = model.scene(Link(LIVE), NOW + 1)
    assert paused.snapshot is not None
    assert paused.snapshot["taken_at"] == NOW
    assert len(paused.history.gpu(scenes.uuid(0)).times) == 2
    model.press("p", NOW + 2)
    going_on = model.scene(Link(LIVE), NOW + 2).snapshot
    assert going_on is not None
    assert going_on["taken_at"] == NOW + 1


def test_events_are_bounded() -> None:
    model = Model(1.0, FULL, 0)
    for n in range(MAX_EVENTS + 50):
        model.apply(Update("event", {"kind": "xid", "at": n}), NOW)
    events = model.scene(Link(LIVE), NOW).events
    assert len(events) == MAX_EVENTS
    assert events[-1]["at"] == MAX_EVENTS + 49


def test_scrolling_stops_where_the_page_ends() -> None:
    model = Model(1.0, FULL, 0)
    model.press("?", NOW)
    for _ in range(50):
        model.press("page-down", NOW)
    model.keep_scroll_within(model.scene(Link(LIVE), NOW), 80, 14)
    assert 0 < model.view.scroll < 14
