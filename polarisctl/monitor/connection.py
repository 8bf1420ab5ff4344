"""The socket to polarisd, kept open without ever blocking the screen.

`loop` polls `fileno`, calls `step` when it is ready or `deadline` has come, and
gets what arrived.  When the daemon goes away this tries anew, with waits that
double up to a bound.

Resource handling: owns at most one socket at a time; `close` it.
Error handling: `step` raises ControlError only when trying anew cannot help.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from polarisctl import reach
from polarisctl.monitor import scene
from polarisctl.monitor.session import HELLO, Session, Update
from polarisd.api import errors
from polarisd.api.errors import ControlError

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
# After this long without a byte the daemon is asked for a sign of life, and after
# as long again without one the connection counts as dead.
SILENCE_S = 5.0
MOST_READ_BYTES = 1 << 18
MOST_UNSENT_BYTES = 1 << 16
LEAST_HISTORY_S = 60


class Connection:
    def __init__(
        self,
        path: str,
        interval_s: float,
        history_s: int,
        wall: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._path = path
        self._interval_s = interval_s
        self._history_s = history_s
        self._wall = wall
        self._steady = steady
        self._socket: socket.socket | None = None
        self._session = Session(interval_s, history_s)
        self._unsent = b""
        self._wait_s = FIRST_WAIT_S
        self._retry = steady()
        self._heard = steady()
        self._asked_again = False
        self._was_live = False
        self.link = scene.Link(since_at=wall())

    def fileno(self) -> int | None:
        return None if self._socket is None else self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        return bool(self._unsent)

    def deadline(self) -> float:
        """When `step` must be called even if the socket is quiet."""
        if self._socket is None:
            return self._retry
        return self._heard + self._silence_s * (2 if self._asked_again else 1)

    @property
    def _silence_s(self) -> float:
        return min(max(SILENCE_S, 2 * self._interval_s), 2 * SILENCE_S)

    def ask(self, method: str, params: dict[str, object]) -> bool:
        """Send a request; False when there is nobody to send it to."""
        if self._socket is None or len(self._unsent) > MOST_UNSENT_BYTES:
            return False
        self._unsent += self._session.ask(method, params)
        return True

    def step(self) -> list[Update]:
        """Do what can be done without waiting, and return what has come."""
        try:
            if self._socket is None:
                if self._steady() < self._retry:
                    return []
                self._open()
            self._send()
            return self._receive()
        except ControlError as error:
            self._fail(error)
            return []

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.connect(self._path)
        except (OSError, ValueError) as problem:
            sock.close()
            raise reach.cannot_connect(self._path, problem) from None
        self._socket = sock
        self._session = Session(self._interval_s, self._history_s)
        self._unsent = self._session.opening()
        self._heard, self._asked_again = self._steady(), False

    def _send(self) -> None:
        if self._socket is None or not self._unsent:
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            # The daemon may have said why before it went: reading tells.
            self._unsent = b""

    def _receive(self) -> list[Update]:
        assert self._socket is not None
        updates: list[Update] = []
        read = 0
        while read < MOST_READ_BYTES:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                self._check_silence()
                break
            except OSError as problem:
                raise reach.lost(f"cannot read from polarisd: {problem.strerror}") from None
            if not data:
                raise reach.lost("polarisd closed the connection")
            read += len(data)
            self._heard, self._asked_again = self._steady(), False
            updates += self._session.receive(data)
        if any(update.kind == "snapshot" for update in updates):
            self._now_live()
        for update in updates:
            if update.kind == HELLO:
                access = update.item.get("access")
                self.link = scene.Link(
                    self.link.state, self.link.since_at, access=str(access or "")
                )
        return updates

    def _check_silence(self) -> None:
        silent_s = self._steady() - self._heard
        if silent_s >= 2 * self._silence_s:
            raise reach.no_answer("watch", self._path)
        if silent_s >= self._silence_s and not self._asked_again:
            self._asked_again = True
            self._unsent += self._session.ask(HELLO, reach.hello_params())
            self._send()

    def _now_live(self) -> None:
        self._wait_s = FIRST_WAIT_S
        self._was_live = True
        if self.link.state != scene.LIVE:
            self.link = scene.Link(scene.LIVE, self._wall(), access=self.link.access)

    def _fail(self, error: ControlError) -> None:
        """Note why there is no connection, and when to try again."""
        self.close()
        if error.code == errors.PROTOCOL_MISMATCH:
            raise error
        # A daemon that starts makes its socket before it opens it to the group.
        if error.code == errors.NOT_PERMITTED and not self._was_live:
            raise error
        if error.code == errors.FRAME_TOO_LARGE:
            self._history_s = max(self._history_s // 2, LEAST_HISTORY_S)
        since_at = self.link.since_at
        if self.link.state != scene.DOWN:
            since_at = self._wall() - (self._steady() - self._heard)
        self._retry = self._steady() + self._wait_s
        self.link = scene.Link(
            scene.DOWN, since_at, error.message, error.hint, self._wall() + self._wait_s
        )
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
