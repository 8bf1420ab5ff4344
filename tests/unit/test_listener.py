"""The listening socket: what may be replaced, what is somebody else's."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarisd.control.listener import CannotListen, bind, still_serves


@pytest.fixture
def path() -> Iterator[Path]:
    """Short enough for a socket, unlike tmp_path."""
    with tempfile.TemporaryDirectory(prefix="polaris-") as directory:
        yield Path(directory) / "s"


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(1)
    client.connect(str(path))
    return client


def test_anybody_may_connect(path: Path) -> None:
    with bind(path) as listener, connect(path):
        assert path.stat().st_mode & 0o777 == 0o666
        assert still_serves(listener, path)
        assert not os.get_inheritable(listener.fileno())


def test_a_socket_that_nobody_answers_on_is_replaced(path: Path) -> None:
    bind(path).close()
    with bind(path), connect(path):
        pass


def test_a_socket_that_is_answered_on_is_not(path: Path) -> None:
    with bind(path):
        with pytest.raises(CannotListen, match="another process already does") as refused:
            bind(path)
        assert refused.value.in_use
        connect(path).close()


def test_a_listener_too_busy_to_accept_is_still_alive(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = [connect(path)]
        full = False
        while not full:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            waiting.append(client)
            client.setblocking(False)
            full = client.connect_ex(str(path)) == errno.EAGAIN
        with pytest.raises(CannotListen) as refused:
            bind(path)
        assert refused.value.in_use
        for client in waiting:
            client.close()


def test_two_that_start_at_once_do_not_take_it_from_each_other(path: Path) -> None:
    beside = path.with_name("s.lock")
    with beside.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CannotListen, match="another process is about to; stop it") as refused:
            bind(path)
        assert refused.value.in_use
        assert not path.exists()
    before = len(os.listdir("/proc/self/fd"))
    bind(path).close()  # what the other left is in nobody's way
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_in_place_of_the_lock_is_not_followed(path: Path) -> None:
    path.with_name("s.lock").symlink_to(path.with_name("elsewhere"))
    with pytest.raises(CannotListen, match=r"change control\.socket_path"):
        bind(path)
    assert not path.with_name("elsewhere").exists()


def test_what_is_no_socket_stays(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(CannotListen, match="not a socket") as refused:
        bind(path)
    assert refused.value.in_use
    assert path.read_text() == "precious"


@pytest.mark.parametrize(("below", "hint"), [("gone/s", "create "), ("file/s", "change control.")])
def test_a_place_where_no_socket_can_be(path: Path, below: str, hint: str) -> None:
    (path.parent / "file").touch()
    with pytest.raises(CannotListen, match=f"cannot listen on .*; {hint}") as refused:
        bind(path.parent / below)
    assert not refused.value.in_use


def test_a_path_that_no_socket_address_holds(path: Path) -> None:
    """The configuration refuses it first; it must not be a traceback even so."""
    with pytest.raises(CannotListen, match="too long"):
        bind(path.parent / ("x" * 200))


def test_a_parked_socket_whose_path_is_another_one_is_not_used(path: Path) -> None:
    with bind(path) as listener:
        assert not still_serves(listener, path.with_name("other"))
        path.unlink()
        assert not still_serves(listener, path)
        path.write_text("a file now")
        assert not still_serves(listener, path)
