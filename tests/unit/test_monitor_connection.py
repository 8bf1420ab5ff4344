"""The socket that is kept open: back-off, silence, refusals, and coming back.

Real sockets, and a clock that the tests set.
"""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from polarisctl.monitor.connection import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    SILENCE_S,
    Connection,
)
from polarisctl.monitor.scene import DOWN, LIVE
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.terminal import scenes

WALL = scenes.AT


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as server:
        server.bind(str(path))
        server.listen(1)
        server.settimeout(10)
        yield server
    path.unlink()


@contextmanager
def connected(
    path: Path, server: socket.socket, clock: Clock
) -> Iterator[tuple[Connection, socket.socket]]:
    with closing(connecting(path, clock)) as connection:
        connection.step()
        peer, _ = server.accept()
        with closing(peer):
            peer.settimeout(10)
            yield connection, peer


def connecting(path: Path, clock: Clock) -> Connection:
    return Connection(str(path), 1.0, 600, lambda: WALL, clock)


def hello(msgid: int = 1) -> bytes:
    greeting = {"version": "0.1.0", "pid": 7, "access": "admin"}
    return wire.reply(msgid, {**greeting, "protocol_major": 1, "protocol_minor": 0})


def snapshot() -> bytes:
    return wire.stream_item("snapshot", 1, wire.pack(scenes.snapshot(gpus=1)))


def methods(peer: socket.socket) -> list[str]:
    decoder = wire.Decoder()
    decoder.feed(peer.recv(1 << 16))
    return [wire.parse_request(frame)[1] for frame in decoder]


def test_it_asks_on_connecting_and_is_live_with_the_first_snapshot(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        assert methods(peer) == ["hello", "watch", "history"]
        assert connection.link.state != LIVE
        peer.sendall(hello() + snapshot())
        assert [update.kind for update in connection.step()] == ["hello", "snapshot"]
        assert (connection.link.state, connection.link.access) == (LIVE, "admin")


def test_waits_double_up_to_a_bound_and_the_first_failure_is_remembered(tmp_path: Path) -> None:
    clock = Clock()
    connection = connecting(tmp_path / "none", clock)
    waits = []
    for _ in range(8):
        assert connection.step() == []
        waits.append(connection.deadline() - clock.now)
        clock.now = connection.deadline()
    assert waits[:2] == pytest.approx([FIRST_WAIT_S, 2 * FIRST_WAIT_S])
    assert waits[-2:] == pytest.approx([LONGEST_WAIT_S, LONGEST_WAIT_S])
    assert connection.link.state == DOWN
    assert "there is no socket" in connection.link.why
    assert "systemctl start polarisd" in connection.link.hint


def test_before_its_time_nothing_is_tried(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    connection = connecting(path, clock)
    connection.step()
    with listening(path):
        assert connection.step() == []
        assert connection.fileno() is None


def test_a_daemon_that_goes_and_returns_is_found_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        peer.sendall(snapshot())
        connection.step()
        stopping: dict[str, object] = {
            "code": "stopping",
            "message": "polarisd is stopping",
            "hint": "",
        }
        peer.sendall(wire.notification("closing", stopping))
        assert connection.step() == []
        assert (connection.link.state, connection.link.why) == (DOWN, "polarisd is stopping")
        clock.now = connection.deadline()
        connection.step()
        again, _ = server.accept()
        with closing(again):
            again.sendall(snapshot())
            connection.step()
            assert connection.link.state == LIVE


def test_silence_is_asked_about_and_then_taken_for_death(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        peer.sendall(snapshot())
        connection.step()
        methods(peer)
        clock.now = connection.deadline()
        connection.step()
        assert methods(peer) == ["hello"]
        assert connection.link.state == LIVE
        clock.now = connection.deadline()
        connection.step()
        assert connection.link.state == DOWN
        assert "did not answer in time" in connection.link.why
        assert clock.now - 100.0 <= 2 * SILENCE_S + 1


def test_an_answer_to_the_question_ends_the_silence(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        peer.sendall(snapshot())
        connection.step()
        clock.now = connection.deadline()
        connection.step()
        peer.sendall(hello(4))
        connection.step()
        clock.now += SILENCE_S * 0.9
        connection.step()
        assert connection.link.state == LIVE


def test_a_history_too_long_for_a_frame_is_asked_for_in_part(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        data = wire.pack([1, 3, None, {"x": "y" * wire.MAX_FRAME_BYTES}])
        peer.setblocking(False)
        while connection.link.state != DOWN:
            data = data[peer.send(data[: 1 << 16]) :]
            connection.step()
        clock.now = connection.deadline()
        connection.step()
        again, _ = server.accept()
        with closing(again):
            decoder = wire.Decoder()
            decoder.feed(again.recv(1 << 16))
            asked = {m: p for _, m, p in map(wire.parse_request, decoder)}
            assert asked["history"] == {"seconds": 300}


def test_refusals_that_trying_anew_cannot_help_are_raised(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    refused = ControlError(errors.NOT_PERMITTED, "watch needs read access", "run it with sudo")
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        peer.sendall(wire.error_reply(2, refused))
        with pytest.raises(ControlError, match="watch needs read access"):
            connection.step()


def test_a_refusal_while_the_daemon_restarts_is_waited_out(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    refused = ControlError(errors.NOT_PERMITTED, "watch needs read access", "run it with sudo")
    with listening(path) as server, connected(path, server, clock) as (connection, peer):
        peer.sendall(snapshot())
        connection.step()
        peer.sendall(wire.error_reply(2, refused))
        connection.step()
        assert connection.link.state == DOWN


def test_nobody_to_ask_is_said_and_not_remembered(tmp_path: Path) -> None:
    connection = connecting(tmp_path / "none", Clock())
    connection.step()
    assert not connection.ask("burst", {})
    assert not connection.wants_write
