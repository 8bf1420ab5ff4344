"""Reaching the daemon: connecting, greeting, and what to say when either fails.

Both clients use it: the blocking one of the verbs (polarisctl.client) and the
monitor's, which waits for keys as well.
"""

from __future__ import annotations

# The C type under `socket.socket`.  The `socket` module itself would cost half
# a bare interpreter's start (it makes enums of every constant of the platform)
# for nothing that is used here.
import _socket
from time import monotonic, sleep

from polarisctl.failures import CONNECTION_LOST, NO_ANSWER, NOT_RUNNING, Unreachable
from polarisd import __version__
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

START_HINT = "start it: sudo systemctl start polarisd; its log: journalctl -u polarisd"
_BACKLOG_RETRY_S = 0.05


def hello_params() -> dict[str, object]:
    return {
        "client": "polarisctl",
        "version": __version__,
        "protocol_major": wire.PROTOCOL_MAJOR,
        "protocol_minor": wire.PROTOCOL_MINOR,
    }


def checked_hello(hello: object) -> dict[str, Any]:
    if not isinstance(hello, dict):
        raise ControlError(errors.INTERNAL, "the daemon's greeting is not a map")
    major = hello.get("protocol_major")
    if major == wire.PROTOCOL_MAJOR:
        return hello
    newer = isinstance(major, int) and major > wire.PROTOCOL_MAJOR
    raise ControlError(
        errors.PROTOCOL_MISMATCH,
        f"cannot speak with polarisd {hello.get('version')}: it speaks protocol {major}, "
        f"polarisctl {__version__} speaks {wire.PROTOCOL_MAJOR}",
        "upgrade polarisctl: it is older than the daemon"
        if newer
        else "the daemon is older than polarisctl: upgrade it, or if that was done: "
        "sudo systemctl restart polarisd",
    )


def connect(path: str, until: float) -> _socket.socket:
    """A connected socket before the deadline.  Raises ControlError."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        while True:
            sock.settimeout(max(0.001, until - monotonic()))
            try:
                sock.connect(path)
            except BlockingIOError:
                # A Unix socket whose backlog is full says so at once, even to a
                # connect with a deadline: that of a daemon which is restarting.
                if monotonic() >= until:
                    raise no_answer("connect", path) from None
                sleep(_BACKLOG_RETRY_S)
            else:
                return sock
    except (OSError, ValueError) as problem:
        sock.close()
        raise cannot_connect(path, problem) from None
    except BaseException:
        sock.close()
        raise


def cannot_connect(path: str, problem: OSError | ValueError) -> ControlError:
    if isinstance(problem, PermissionError):
        return ControlError(
            errors.NOT_PERMITTED,
            f"cannot connect to {path}: permission denied",
            "run it with sudo, or join the group polaris: sudo usermod -aG polaris $USER",
        )
    if isinstance(problem, (FileNotFoundError, NotADirectoryError)):
        return Unreachable(
            NOT_RUNNING, f"cannot reach polarisd: there is no socket {path}", START_HINT
        )
    if isinstance(problem, ConnectionRefusedError):
        return Unreachable(
            NOT_RUNNING, f"cannot reach polarisd: nobody listens on {path}", START_HINT
        )
    why = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
    return Unreachable(
        NOT_RUNNING, f"cannot connect to {path}: {why}", "check --socket and POLARIS_SOCKET"
    )


def lost(message: str) -> Unreachable:
    return Unreachable(
        CONNECTION_LOST, message, "it may be restarting: try again, or see journalctl -u polarisd"
    )


def no_answer(what: str, path: str) -> Unreachable:
    return Unreachable(
        NO_ANSWER,
        f"cannot {what}: polarisd did not answer in time on {path}",
        "see what it does: systemctl status polarisd; journalctl -u polarisd",
    )


def not_polarisd(path: str, why: str) -> ControlError:
    return ControlError(
        errors.BAD_FRAME,
        f"cannot read the answer on {path}: {why}",
        "that is not polarisd, or another version of it: check --socket and POLARIS_SOCKET",
    )
