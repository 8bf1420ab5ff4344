"""A client of the control protocol that shares no code with polarisd.

It speaks from the text of docs/control-protocol.md: MessagePack-RPC on a Unix
socket.  Every wait ends at a deadline, and one that ends in vain fails the test.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import msgpack

Map = dict[str, Any]
DEADLINE_S = 15.0


class Refused(Exception):
    """The error of a reply, or of `closing`: its map is `error`, its code `code`."""

    def __init__(self, error: Map) -> None:
        super().__init__(f"{error['code']}: {error['message']} ({error['hint']})")
        self.error = error
        self.code: str = error["code"]


class Ended(Exception):
    """The daemon closed the connection."""


class RawClient:
    """One session.  Notifications that come while a reply is awaited wait in `notes`."""

    def __init__(self, path: Path) -> None:
        self.notes: deque[tuple[str, Map]] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(DEADLINE_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._unpacker = msgpack.Unpacker(max_array_len=1 << 20, max_map_len=1 << 20)
        self._last_id = 0

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def end_sending(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def send_some(self, data: bytes) -> int:
        """What the kernel takes at once.  BlockingIOError if that is nothing."""
        self._socket.setblocking(False)
        try:
            return self._socket.send(data)
        finally:
            self._socket.settimeout(DEADLINE_S)

    def request(self, method: str, **params: object) -> int:
        self._last_id += 1
        self.send(msgpack.packb([0, self._last_id, method, params]))
        return self._last_id

    def call(self, method: str, **params: object) -> Any:
        return self.reply(self.request(method, **params))

    def reply(self, msgid: int) -> Any:
        """The result of that request; Refused if there is none."""
        while True:
            kind, *rest = self.frame()
            if kind == 2:
                self.notes.append((rest[0], rest[1]))
                continue
            assert kind == 1, rest
            assert rest[0] == msgid, "replies come in the order of their requests"
            if rest[1] is not None:
                raise Refused(rest[1])
            return rest[2]

    def note(self) -> tuple[str, Map]:
        """The next notification."""
        if self.notes:
            return self.notes.popleft()
        kind, method, params = self.frame()
        assert kind == 2
        return method, params

    def note_of(self, method: str) -> Map:
        """The params of the next notification of that name; others are passed over."""
        until = monotonic() + DEADLINE_S
        while monotonic() < until:
            name, params = self.note()
            if name == method:
                return params
        raise AssertionError(f"no {method} came")

    def frame(self) -> list[Any]:
        """The next frame, or Ended."""
        until = monotonic() + DEADLINE_S
        while True:
            for frame in self._unpacker:
                assert isinstance(frame, list)
                return frame
            assert monotonic() < until, "the daemon sent no frame in time"
            data = self._socket.recv(1 << 16)
            if not data:
                raise Ended
            self._unpacker.feed(data)

    def farewell(self) -> Map:
        """What `closing` said before the daemon closed; everything else is passed over."""
        said: Map = {}
        while True:
            try:
                frame = self.frame()
            except (Ended, ConnectionResetError):
                assert said, "the daemon closed without a word"
                return said
            if frame[:2] == [2, "closing"]:
                said = frame[2]

    def snapshot(self) -> Map:
        answer: Map = self.call("snapshot")
        return answer

    def until(self, holds: Callable[[Map], object], what: str = "") -> Map:
        """The first snapshot of which that holds, as a watch brings it."""
        watch = self.call("watch", interval_s=0.05, events=False)["watch"]
        until = monotonic() + DEADLINE_S
        while monotonic() < until:
            params = self.note_of("snapshot")
            if params["watch"] == watch and holds(params["item"]):
                self.call("unwatch", watch=watch)
                found: Map = params["item"]
                return found
        raise AssertionError(f"never came true: {what or holds}; last: {params['item']}")


def faults(snapshot: Map) -> set[str]:
    """Codes, without the one that every machine has until it is registered."""
    return {fault["code"] for fault in snapshot["faults"]} - {"no_identity"}


def fault(snapshot: Map, code: str) -> Map:
    found: Map = next(fault for fault in snapshot["faults"] if fault["code"] == code)
    return found


def gpu(snapshot: Map, uuid: str) -> Map:
    found: Map = next(gpu for gpu in snapshot["gpus"] if gpu["uuid"] == uuid)
    return found


def state_of(snapshot: Map, uuid: str) -> str | None:
    return next((gpu["state"] for gpu in snapshot["gpus"] if gpu["uuid"] == uuid), None)
