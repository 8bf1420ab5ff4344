"""The listening socket of the control server: taken back from systemd, or bound."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BACKLOG = 128
# A live daemon answers at once; a dead one's socket refuses at once.
_PROBE_DEADLINE_S = 1.0


class CannotListen(Exception):
    """The text says why and what to do; `in_use` if somebody else listens there."""

    def __init__(self, text: str, *, in_use: bool) -> None:
        super().__init__(text)
        self.in_use = in_use


def still_serves(sock: socket.socket, path: Path) -> bool:
    """Whether a socket handed back by systemd is the one that clients find at `path`."""
    try:
        return sock.getsockname() == str(path) and stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def bind(path: Path) -> socket.socket:
    """A new listening socket at `path`.  Raises CannotListen.

    A socket that nobody answers on is left over from a crash and replaced; one
    that is answered belongs to another daemon, and any other file is not ours.
    Everybody may connect: who may do what is decided by peer credentials.
    """
    with _alone(path):
        return _bind(path)


def _bind(path: Path) -> socket.socket:
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(path, error) from None
    return listener


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two daemons that start at once must not each take the other's new socket for one
    left over.  The file stays: to remove it would give a third one a lock of its own."""
    beside = path.with_name(path.name + ".lock")
    flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(beside, flags, 0o644)
    except OSError as error:
        raise _refusal(path, error) from None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o644)  # so that another user's daemon is not kept out
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CannotListen(
            f"cannot listen on {path}: another process is about to; stop it "
            "(sudo systemctl stop polarisd) or change control.socket_path",
            in_use=True,
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise _refusal(path, error) from None
    try:
        yield
    finally:
        os.close(descriptor)


def _clear(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # nothing there, or bind will say what is wrong
    if not stat.S_ISSOCK(mode):
        raise CannotListen(
            f"cannot listen on {path}: a file that is not a socket is in the way; "
            "remove it or change control.socket_path",
            in_use=True,
        )
    if _is_answered(path):
        raise CannotListen(
            f"cannot listen on {path}: another process already does; stop it "
            "(sudo systemctl stop polarisd) or change control.socket_path",
            in_use=True,
        )
    try:
        path.unlink()
    except OSError as error:
        raise _refusal(path, error) from None


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_DEADLINE_S)
        try:
            probe.connect(str(path))
        except OSError as error:
            # A full backlog, or no right to connect, still is somebody's socket.
            return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def _refusal(path: Path, error: OSError) -> CannotListen:
    hint = {
        errno.ENOENT: f"create {path.parent} first",
        errno.EACCES: "run polarisd as a user who may write there",
        errno.EADDRINUSE: "another process has just taken it",
    }.get(error.errno or 0, "change control.socket_path")
    return CannotListen(f"cannot listen on {path}: {error.strerror or error}; {hint}", in_use=False)
