"""What polarisd and systemd say to each other, in both directions.

`main` makes it from the environment, once; `daemon` tells it where the daemon
stands and parks the control socket with it.  Without systemd every method does
nothing.  The only importer of sdnotify.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping, MutableMapping

from sdnotify import SystemdNotifier

FIRST_PASSED_FD = 3
MAX_PASSED_FDS = 64
MAX_STATUS_CHARACTERS = 200
# systemd reads its socket at once or is in trouble; the daemon does not wait for it.
SEND_DEADLINE_S = 0.2

_VARIABLES = (
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
)

log = logging.getLogger(__name__)


class Systemd:
    """The service manager, or nobody.

    `watchdog_interval_s` is how often `watchdog` is to be called: half the time
    after which systemd kills a silent daemon.  None when it does not watch.
    """

    def __init__(
        self,
        notifier: SystemdNotifier | None = None,
        *,
        watchdog_interval_s: float | None = None,
        passed: Iterable[tuple[str, int]] = (),
    ) -> None:
        self.watchdog_interval_s = watchdog_interval_s
        self._notifier = notifier
        self._passed = list(passed)
        self._status = ""

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Systemd:
        """Take what systemd put there away, so that child processes do not inherit it."""
        given = {name: environ.pop(name, "") for name in _VARIABLES}
        passed = [pair for pair in passed_fds(given, os.getpid()) if _made_ours(pair[1])]
        return cls(
            _notifier(given["NOTIFY_SOCKET"]),
            watchdog_interval_s=half_watchdog_s(given, os.getpid()),
            passed=passed,
        )

    @property
    def present(self) -> bool:
        return self._notifier is not None

    def close(self) -> None:
        """Let go of the socket; every method does nothing from then on."""
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            notifier.socket.close()

    def ready(self, status: str) -> None:
        """Start-up is over, or a reload is."""
        self._status = clean_status(status)
        self._send("READY=1", f"STATUS={self._status}")

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows; sent only when it changes."""
        cleaned = clean_status(text)
        if cleaned != self._status:
            self._status = cleaned
            self._send(f"STATUS={cleaned}")

    def reloading(self) -> None:
        """`ready` ends it."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def store_fd(self, sock: socket.socket, name: str) -> None:
        """Park a copy of `sock` with systemd, to come back after a crash or restart."""
        if self._notifier is None:
            return
        # sdnotify cannot pass descriptors; its connected socket can.
        message = f"FDSTORE=1\nFDNAME={fd_name(name)}".encode()
        try:
            socket.send_fds(self._notifier.socket, [message], [sock.fileno()])
        except OSError as error:
            log.warning("cannot park the socket %s with systemd: %s", name, error)

    def forget_fd(self, name: str) -> None:
        """Drop what was parked under `name`, now or by an earlier daemon."""
        self._send("FDSTOREREMOVE=1", f"FDNAME={fd_name(name)}")

    def stored_socket(self, name: str) -> socket.socket | None:
        """The listening Unix socket that systemd gave back as `name`; the caller owns it.

        Whatever else came under that name is closed, and None is the answer if
        nothing usable did.
        """
        fds = [fd for passed_name, fd in self._passed if passed_name == name]
        self._passed = [pair for pair in self._passed if pair[0] != name]
        found: socket.socket | None = None
        for fd in fds:
            candidate = listening_unix_socket(fd) if found is None else None
            if candidate is None:
                _close(fd)
            found = found or candidate
        return found

    def close_unclaimed(self) -> None:
        """Close what systemd passed and nobody asked for, or its clients would hang."""
        for name, fd in self._passed:
            log.warning("systemd passed %s, which this version does not use: closed", name)
            _close(fd)
        self._passed = []

    def _send(self, *lines: str) -> None:
        if self._notifier is None:
            return
        try:
            self._notifier.notify("\n".join(lines))
        except OSError as error:
            log.warning("cannot tell systemd %s: %s", lines[0], error)


class _Notifier(SystemdNotifier):  # type: ignore[misc]  # sdnotify has no types
    """sdnotify on a socket of ours: by itself it reads os.environ and hides errors."""

    def __init__(self, connected: socket.socket) -> None:
        self.debug = True
        self.socket = connected


def _notifier(address: str) -> SystemdNotifier | None:
    if not address:
        return None
    if address[0] not in "/@":
        log.warning("cannot notify systemd: NOTIFY_SOCKET is %r, not a Unix socket", address)
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.settimeout(SEND_DEADLINE_S)
    try:
        sock.connect("\0" + address[1:] if address[0] == "@" else address)
    except OSError as error:
        sock.close()
        log.warning("cannot notify systemd at %s: %s", address, error)
        return None
    return _Notifier(sock)


def half_watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Half of WATCHDOG_USEC, if it is meant for this process."""
    if environ.get("WATCHDOG_PID", "") not in ("", str(pid)):
        return None
    limit_us = _count(environ.get("WATCHDOG_USEC"))
    return limit_us / 2_000_000 if limit_us else None


def passed_fds(environ: Mapping[str, str], pid: int) -> tuple[tuple[str, int], ...]:
    """Names and descriptors from LISTEN_FDS, if they are meant for this process."""
    count = _count(environ.get("LISTEN_FDS"))
    if environ.get("LISTEN_PID") != str(pid) or not 0 < count <= MAX_PASSED_FDS:
        return ()
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    names += ["unknown"] * (count - len(names))
    return tuple((names[i] or "unknown", FIRST_PASSED_FD + i) for i in range(count))


def _count(text: str | None) -> int:
    """A count of at most 18 digits; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else 0


def clean_status(text: str) -> str:
    """One line of printable ASCII, which is what sdnotify and the protocol can carry."""
    flat = " ".join(text[: 4 * MAX_STATUS_CHARACTERS].split())
    printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in flat)
    if len(printable) <= MAX_STATUS_CHARACTERS:
        return printable
    return printable[: MAX_STATUS_CHARACTERS - 3] + "..."


def fd_name(name: str) -> str:
    """`name`, if the protocol can carry it."""
    if not (0 < len(name) <= 255 and name.isascii() and name.isprintable() and ":" not in name):
        raise ValueError(f"not a name for a stored descriptor: {name!r}")
    return name


def listening_unix_socket(fd: int) -> socket.socket | None:
    """The socket at `fd`, which it then owns, if clients can connect to it."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        right = (
            sock.family == socket.AF_UNIX
            and sock.type == socket.SOCK_STREAM
            and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        )
    except OSError:
        right = False
    if not right:
        sock.detach()
        return None
    return sock


def _made_ours(fd: int) -> bool:
    """Keep `fd` from child processes; False if there is no such descriptor."""
    try:
        os.set_inheritable(fd, False)
    except OSError as error:
        log.warning("cannot use descriptor %d from systemd: %s", fd, error)
        return False
    return True


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError as error:
        log.warning("cannot close descriptor %d from systemd: %s", fd, error)
