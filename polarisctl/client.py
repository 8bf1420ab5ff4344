"""A blocking client of polarisd's control socket: one connection, no threads.

Every command uses it.  It speaks with plain maps, as decoded from MessagePack,
and every wait in it ends at a deadline.

Error handling: everything it raises is a ControlError.  Unreachable is the kind
after which only a new connection helps; reconnecting is the caller's decision.
"""

from __future__ import annotations

from collections import deque
from time import monotonic

from polarisctl import answers, reach
from polarisctl.failures import Unreachable
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

DEFAULT_DEADLINE_S = 10.0
# Notifications that came while a reply was awaited; the oldest give way.
MAX_HELD_NOTIFICATIONS = 256
_CHUNK_BYTES = 1 << 16


class Client:
    """A session with the daemon.  `hello` holds its greeting after the first call.

    Resource handling: owns one socket; `close` it, or use the client in a `with`.
    """

    def __init__(self, path: str, *, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self.path = path
        self.hello: dict[str, Any] = {}
        self._deadline_s = deadline_s
        self._socket = reach.connect(path, monotonic() + deadline_s)
        self._decoder = wire.Decoder(wire.REPLY_MAX_ITEMS)
        self._last_id = 0
        self._held: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MAX_HELD_NOTIFICATIONS)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """For select(); readable means that `notification(0)` may have something."""
        return self._socket.fileno()

    def call(
        self, method: str, params: dict[str, object] | None = None, *, deadline_s: float = 0.0
    ) -> dict[str, Any]:
        """The result of one request, a map.  The first call takes the greeting along.

        Errors: ControlError as the daemon gave it, or when what answers is not
        polarisd; Unreachable when it is gone or does not answer before the deadline.
        """
        until = monotonic() + (deadline_s or self._deadline_s)
        greeting_id, greeting = (
            (0, b"") if self.hello else self._request("hello", reach.hello_params())
        )
        msgid, request = self._request(method, params or {})
        self._send(greeting + request, until)
        if greeting:
            self.hello = reach.checked_hello(self._reply(greeting_id, until))
        result: dict[str, Any] = self._reply(msgid, until)
        if why := answers.fault_of(method, result):
            raise reach.not_polarisd(self.path, why)
        return result

    def greet(self) -> dict[str, Any]:
        """The daemon's greeting, asked for now if no call has brought it yet."""
        if not self.hello:
            until = monotonic() + self._deadline_s
            msgid, greeting = self._request("hello", reach.hello_params())
            self._send(greeting, until)
            self.hello = reach.checked_hello(self._reply(msgid, until))
        return self.hello

    def watch(
        self, interval_s: float = 1.0, *, events: bool = True
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """`("snapshot", map)` and `("event", map)`, until the caller stops asking.

        Errors: as `call`; the daemon's reason when it ends the watch; Unreachable
        when nothing came for the interval plus the client's deadline.
        """
        number = self.call("watch", {"interval_s": interval_s, "events": events})["watch"]
        while True:
            note = self.notification(interval_s + self._deadline_s)
            if note is None:
                raise reach.no_answer("watch", self.path)
            method, params = note
            if params.get("watch") != number:
                continue
            if method == "watch_ended":
                raise errors.from_wire(params.get("error"))
            if "item" in params:
                yield method, params["item"]

    def notification(self, wait_s: float) -> tuple[str, dict[str, Any]] | None:
        """The next notification, or None when none came within `wait_s` (0 polls)."""
        until = monotonic() + wait_s
        while not self._held:
            frame = self._frame(until)
            if frame is None:
                return None
            self._hold(frame)
        return self._held.popleft()

    def _request(self, method: str, params: dict[str, object]) -> tuple[int, bytes]:
        self._last_id += 1
        return self._last_id, wire.request(self._last_id, method, params)

    def _reply(self, msgid: int, until: float) -> Any:
        while True:
            frame = self._frame(until)
            if frame is None:
                raise reach.no_answer("get an answer", self.path)
            match frame:
                case [wire.REPLY, int(answered), error, result]:
                    if answered != msgid:
                        self._give_up_after(until)
                        continue  # the late answer to a call that was given up
                    if error is not None:
                        raise errors.from_wire(error)
                    return result
            self._hold(frame)
            self._give_up_after(until)

    def _give_up_after(self, until: float) -> None:
        """A peer that sends and sends, but not the answer, is not waited for either."""
        if monotonic() >= until:
            raise reach.no_answer("get an answer", self.path)

    def _hold(self, frame: object) -> None:
        match frame:
            case [wire.NOTIFICATION, "closing", error]:
                raise errors.from_wire(error)
            case [wire.NOTIFICATION, str(method), dict(params)]:
                self._held.append((method, params))
            case [wire.REPLY, *_]:
                pass  # a late answer, as above
            case _:
                raise reach.not_polarisd(self.path, "what came is no MessagePack-RPC")

    def _frame(self, until: float) -> object | None:
        """The next frame, or None at the deadline."""
        late = False
        while True:
            try:
                for frame in self._decoder:
                    if frame is None:
                        raise ControlError(errors.BAD_FRAME, "a frame is nil")
                    return frame
                data = None if late else self._receive(until)
                if data is None:
                    return None
                late = monotonic() >= until  # then this is the last of it
                self._decoder.feed(data)
            except ControlError as error:
                if error.code not in (errors.BAD_FRAME, errors.FRAME_TOO_LARGE):
                    raise
                raise reach.not_polarisd(self.path, error.message) from None

    def _receive(self, until: float) -> bytes | None:
        self._socket.settimeout(max(0.0, until - monotonic()))
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as problem:
            raise reach.lost(f"cannot read from polarisd: {problem.strerror}") from None
        if not data:
            where = " in the middle of an answer" if self._decoder.partial_bytes else ""
            raise reach.lost(f"cannot read from polarisd: it closed the connection{where}")
        return data

    def _send(self, data: bytes, until: float) -> None:
        self._socket.settimeout(max(0.001, until - monotonic()))
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise reach.no_answer("send a request", self.path) from None
        except OSError as problem:
            self._raise_parting_word()
            raise reach.lost(f"cannot write to polarisd: {problem.strerror}") from None

    def _raise_parting_word(self) -> None:
        """If the daemon said why before it closed, that is the error to report."""
        try:
            while (frame := self._frame(monotonic())) is not None:
                self._hold(frame)
        except Unreachable:
            return
