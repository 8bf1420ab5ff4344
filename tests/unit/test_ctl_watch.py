"""Watching, and what comes beside the answer to a request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from polarisctl.client import Client
from polarisctl.failures import NO_ANSWER, Unreachable
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.unit.ctl_support import daemon, greet_and_reply, raw_daemon, requests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def item(method: str, watch: int, value: object) -> bytes:
    return wire.notification(method, {"watch": watch, "item": value})


def watched(path: Path, *parts: bytes) -> Callable[[socket.socket], None]:
    def talk(session: socket.socket) -> None:
        greet_and_reply(session, {"watch": 3})
        for part in parts:
            session.sendall(part)

    return talk


def test_watching_yields_snapshots_and_events_of_this_watch(path: Path) -> None:
    parts = (
        item("snapshot", 3, {"version": 1}),
        item("snapshot", 99, {"version": 0}),
        item("event", 3, {"kind": "xid"}),
        wire.notification("news_of_tomorrow", {"watch": 3}),
        item("snapshot", 3, {"version": 2}),
    )
    with raw_daemon(path, watched(path, *parts)), Client(str(path)) as client:
        stream = client.watch(0.5, events=True)
        seen = [next(stream) for _ in range(3)]
        assert seen == [
            ("snapshot", {"version": 1}),
            ("event", {"kind": "xid"}),
            ("snapshot", {"version": 2}),
        ]
        with pytest.raises(Unreachable):
            next(stream)


def test_a_watch_that_is_cut_off_says_why(path: Path) -> None:
    slow = ControlError(errors.TOO_SLOW, "this watch fell behind", "read faster")
    ended = wire.notification("watch_ended", {"watch": 3, "error": slow.to_wire()})
    with (
        raw_daemon(path, watched(path, ended)),
        Client(str(path)) as client,
        pytest.raises(ControlError) as caught,
    ):
        next(client.watch())
    assert caught.value.to_wire() == slow.to_wire()


def test_a_watch_that_falls_silent_ends_at_a_deadline(path: Path) -> None:
    done = threading.Event()

    def talk(session: socket.socket) -> None:
        greet_and_reply(session, {"watch": 3})
        done.wait(10)

    with raw_daemon(path, talk):
        with Client(str(path), deadline_s=0.5) as client:
            with pytest.raises(Unreachable) as caught:
                next(client.watch(0.05))
            assert caught.value.code == NO_ANSWER
        done.set()


def test_notifications_that_come_before_a_reply_are_kept_up_to_a_bound(path: Path) -> None:
    def talk(session: socket.socket) -> None:
        greet_and_reply(session, {"watch": 3})
        (asked,) = requests(session, 1)
        session.sendall(b"".join(item("snapshot", 3, {"version": n}) for n in range(300)))
        session.sendall(wire.reply(asked, {"interval_s": 1}))
        session.recv(1)

    with raw_daemon(path, talk), Client(str(path)) as client:
        client.call("watch")
        assert client.call("history") == {"interval_s": 1}
        kept = []
        while (note := client.notification(0)) is not None:
            kept.append(note[1]["item"]["version"])
        assert kept == list(range(300 - 256, 300))


def test_a_reply_of_two_hundred_thousand_numbers_fits(path: Path) -> None:
    columns = {str(n): [n] * 60_000 for n in range(4)}
    with daemon(path, history=columns), Client(str(path)) as client:
        assert client.call("history") == columns
