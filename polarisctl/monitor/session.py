"""One conversation with polarisd, without the socket.  No I/O.

`opening` is what to write first; `receive` turns what was read into updates.
`connection` moves the bytes and decides when to try anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polarisctl import reach
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

HELLO = "hello"
WATCH = "watch"
HISTORY = "history"
BURST = "burst"
SNAPSHOT = "snapshot"
EVENT = "event"

# Requests whose answer is awaited; with more than this the daemon has fallen silent.
MAX_PENDING = 32


@dataclass(frozen=True, slots=True)
class Update:
    """What came: `kind` is a method that was answered, SNAPSHOT or EVENT.

    `error` is set, and `item` empty, when the request of that method was refused.
    """

    kind: str
    item: Mapping[str, object]
    error: ControlError | None = None


class Session:
    """From the first request to whatever ends it."""

    def __init__(self, interval_s: float, history_s: int) -> None:
        self._interval_s = interval_s
        self._history_s = history_s
        self._decoder = wire.Decoder(wire.REPLY_MAX_ITEMS)
        self._last_id = 0
        self._pending: dict[int, str] = {}

    def opening(self) -> bytes:
        """Everything the screen needs, in one write."""
        watch: dict[str, object] = {"interval_s": self._interval_s, "events": True}
        return (
            self.ask(HELLO, reach.hello_params())
            + self.ask(WATCH, watch)
            + self.ask(HISTORY, {"seconds": self._history_s})
        )

    def ask(self, method: str, params: dict[str, object]) -> bytes:
        if len(self._pending) >= MAX_PENDING:
            return b""
        self._last_id += 1
        self._pending[self._last_id] = method
        return wire.request(self._last_id, method, params)

    def receive(self, data: bytes) -> list[Update]:
        """The updates in `data`.

        Errors: ControlError when this session is over: the daemon said so, it
        refused to be watched, or what came is not its protocol.
        """
        self._decoder.feed(data)
        return [update for frame in self._decoder if (update := self._read(frame)) is not None]

    def _read(self, frame: object) -> Update | None:
        match frame:
            case [wire.REPLY, int(msgid), error, result]:
                return self._reply(self._pending.pop(msgid, ""), error, result)
            case [wire.NOTIFICATION, "closing", error]:
                raise errors.from_wire(error)
            case [wire.NOTIFICATION, "watch_ended", {"error": error}]:
                raise errors.from_wire(error)
            case [wire.NOTIFICATION, "snapshot" | "event" as kind, {"item": dict(item)}]:
                return Update(kind, item)
            case [wire.NOTIFICATION, str(), dict()]:
                return None  # of a newer daemon, and not for us
        raise ControlError(errors.BAD_FRAME, "what came is no MessagePack-RPC")

    def _reply(self, method: str, error: object, result: object) -> Update | None:
        if error is not None:
            refusal = errors.from_wire(error)
            if method in (HELLO, WATCH):
                raise refusal
            return Update(method, {}, refusal) if method else None
        if method == HELLO:
            return Update(HELLO, reach.checked_hello(result))
        return Update(method, result) if method and isinstance(result, dict) else None
