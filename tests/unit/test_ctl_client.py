"""The client against a scripted daemon: what it sends, and every way it can end."""

from __future__ import annotations

import os
import socket
import struct
import threading
from pathlib import Path

import pytest

from polarisctl.client import Client
from polarisctl.failures import CONNECTION_LOST, NO_ANSWER, NOT_RUNNING, Unreachable, exit_code
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.unit.ctl_support import (
    BRIEF_S,
    HELLO,
    daemon,
    greet_and_reply,
    raw_daemon,
    requests,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_the_first_call_takes_the_greeting_along_in_one_write(path: Path) -> None:
    with daemon(path, history={"interval_s": 1}) as peer:
        with Client(str(path)) as client:
            assert client.call("history") == {"interval_s": 1}
            assert client.hello == HELLO
            assert client.call("history") == {"interval_s": 1}
        assert [method for method, _ in peer.asked] == ["hello", "history", "history"]
        assert len(peer.writes) == 2
        assert peer.asked[0][1]["protocol_major"] == wire.PROTOCOL_MAJOR


def test_greet_asks_once(path: Path) -> None:
    with daemon(path) as peer:
        with Client(str(path)) as client:
            assert client.greet() == HELLO
            assert client.greet() == HELLO
        assert [method for method, _ in peer.asked] == ["hello"]


def test_a_refused_request_raises_what_the_daemon_said(path: Path) -> None:
    refusal = ControlError(errors.NOT_PERMITTED, "cannot start: no", "be root")
    with daemon(path, start=refusal), Client(str(path)) as client:
        with pytest.raises(ControlError) as caught:
            client.call("start")
        assert caught.value.to_wire() == refusal.to_wire()
        assert exit_code(caught.value) == 4
        with pytest.raises(ControlError) as unknown:
            client.call("no_such_method")
        assert unknown.value.code == errors.UNKNOWN_METHOD


def test_no_socket_says_how_to_start_the_daemon(path: Path) -> None:
    with pytest.raises(Unreachable, match="there is no socket") as caught:
        Client(str(path))
    assert caught.value.code == NOT_RUNNING
    assert exit_code(caught.value) == 3
    assert "systemctl start polarisd" in caught.value.hint


def test_a_socket_nobody_listens_on(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left_over:
        left_over.bind(str(path))
    with pytest.raises(Unreachable, match="nobody listens") as caught:
        Client(str(path))
    assert caught.value.code == NOT_RUNNING


def test_a_path_that_cannot_be_a_socket(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot connect") as caught:
        Client(str(tmp_path / ("x" * 200)))
    assert "--socket" in caught.value.hint
    with pytest.raises(Unreachable, match="there is no socket"):
        Client("/nul\0here")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_socket_that_this_user_may_not_use(path: Path) -> None:
    with daemon(path):
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(ControlError, match="permission denied") as caught:
                Client(str(path))
        finally:
            os.seteuid(0)
    assert exit_code(caught.value) == 4
    assert "group polaris" in caught.value.hint


def test_a_daemon_that_does_not_answer(path: Path) -> None:
    done = threading.Event()

    def talk(session: socket.socket) -> None:
        done.wait(10)

    with raw_daemon(path, talk):
        with Client(str(path), deadline_s=BRIEF_S) as client:
            with pytest.raises(Unreachable, match="did not answer in time") as caught:
                client.call("snapshot")
            assert caught.value.code == NO_ANSWER
        done.set()


def test_a_daemon_that_accepts_nobody(path: Path) -> None:
    """A full backlog: what a client meets while the daemon restarts or hangs."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.bind(str(path))
        listener.listen(0)
        with Client(str(path), deadline_s=BRIEF_S), pytest.raises(Unreachable) as caught:
            Client(str(path), deadline_s=BRIEF_S)
    assert caught.value.code == NO_ANSWER


def test_connecting_waits_for_a_place_in_the_backlog(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(0)
        with Client(str(path)) as first:
            accepted: list[socket.socket] = []
            thread = threading.Timer(BRIEF_S, lambda: accepted.append(listener.accept()[0]))
            thread.start()
            with Client(str(path)) as second:
                assert second.fileno() != first.fileno()
            thread.join()
        accepted[0].close()


@pytest.mark.parametrize(
    ("answer", "text"),
    [(b"", "closed the connection$"), (wire.reply(1, HELLO)[:5], "in the middle of an answer")],
)
def test_a_daemon_that_goes_away(path: Path, answer: bytes, text: str) -> None:
    def talk(session: socket.socket) -> None:
        requests(session, 2)
        session.sendall(answer)

    with raw_daemon(path, talk), Client(str(path)) as client:
        with pytest.raises(Unreachable, match=text) as caught:
            client.call("snapshot")
        assert caught.value.code == CONNECTION_LOST
        assert exit_code(caught.value) == 3


def test_a_daemon_that_resets_the_connection(path: Path) -> None:
    def talk(session: socket.socket) -> None:
        session.recv(1)  # what is left unread makes the kernel send a reset

    with (
        raw_daemon(path, talk),
        Client(str(path)) as client,
        pytest.raises(Unreachable, match="cannot read from polarisd"),
    ):
        client.call("snapshot")


def test_closing_says_why(path: Path) -> None:
    stopping = ControlError(errors.STOPPING, "polarisd is stopping", "wait")

    def talk(session: socket.socket) -> None:
        requests(session, 2)
        session.sendall(wire.notification("closing", dict(stopping.to_wire())))

    with (
        raw_daemon(path, talk),
        Client(str(path)) as client,
        pytest.raises(ControlError) as caught,
    ):
        client.call("snapshot")
    assert caught.value.to_wire() == stopping.to_wire()
    assert exit_code(caught.value) == 3


def test_closing_before_the_first_word_says_why(path: Path) -> None:
    """Turned away at the door, the client finds the pipe broken when it writes."""
    full = ControlError(errors.TOO_MANY_SESSIONS, "64 sessions are open", "close one")
    gone = threading.Event()

    def talk(session: socket.socket) -> None:
        session.sendall(wire.notification("closing", dict(full.to_wire())))
        session.close()
        gone.set()

    with raw_daemon(path, talk), Client(str(path)) as client:
        assert gone.wait(10)
        with pytest.raises(ControlError) as caught:
            client.call("snapshot")
    assert caught.value.to_wire() == full.to_wire()


@pytest.mark.parametrize(
    ("major", "hint"), [(2, "upgrade polarisctl"), (0, "systemctl restart polarisd")]
)
def test_another_protocol_says_which_side_to_upgrade(path: Path, major: int, hint: str) -> None:
    hello = {**HELLO, "version": "9.9", "protocol_major": major}
    with (
        daemon(path, hello=hello),
        Client(str(path)) as client,
        pytest.raises(ControlError, match=f"polarisd 9.9: it speaks protocol {major}") as got,
    ):
        client.call("snapshot")
    assert got.value.code == errors.PROTOCOL_MISMATCH
    assert hint in got.value.hint


@pytest.mark.parametrize(
    "noise",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xc1",
        wire.pack(None),
        wire.pack({"a": 1}),
        wire.pack([1]) + wire.pack([7, 7]),
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff" + b"x" * (2 << 20),
    ],
)
def test_something_else_listens_there(path: Path, noise: bytes) -> None:
    def talk(session: socket.socket) -> None:
        requests(session, 2)
        try:
            session.sendall(noise)
        except OSError:
            return  # the client had seen enough

    with raw_daemon(path, talk), Client(str(path)) as client:
        with pytest.raises(ControlError, match="cannot read the answer") as caught:
            client.call("snapshot")
        assert "that is not polarisd" in caught.value.hint


def test_a_malformed_error_and_a_malformed_greeting(path: Path) -> None:
    def bad_error(session: socket.socket) -> None:
        hello, call = requests(session, 2)
        session.sendall(wire.reply(hello, HELLO) + wire.pack([1, call, "oops", None]))

    with (
        raw_daemon(path, bad_error),
        Client(str(path)) as client,
        pytest.raises(ControlError, match="malformed error: 'oops'"),
    ):
        client.call("snapshot")
    path.unlink()
    with (
        daemon(path, hello=["hi"]),
        Client(str(path)) as client,
        pytest.raises(ControlError, match="greeting is not a map"),
    ):
        client.call("snapshot")


def test_a_late_answer_is_not_taken_for_the_next(path: Path) -> None:
    go_on = threading.Event()

    def talk(session: socket.socket) -> None:
        greet_and_reply(session, {"n": 1})
        (late,) = requests(session, 1)
        go_on.wait(10)
        (asked,) = requests(session, 1)
        session.sendall(wire.reply(late, {"n": 2}) + wire.reply(asked, {"n": 3}))

    with raw_daemon(path, talk), Client(str(path)) as client:
        assert client.call("history") == {"n": 1}
        with pytest.raises(Unreachable):
            client.call("history", deadline_s=BRIEF_S)
        go_on.set()
        assert client.call("history") == {"n": 3}


def test_peer_credentials_are_this_process(path: Path) -> None:
    """The daemon decides by them, so nothing may connect on the client's behalf."""
    seen: list[int] = []

    def talk(session: socket.socket) -> None:
        raw = session.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        seen.append(struct.unpack("3i", raw)[0])
        greet_and_reply(session, {})

    with raw_daemon(path, talk), Client(str(path)) as client:
        client.call("history")
    assert seen == [os.getpid()]
