"""A scripted polarisd: a thread behind a real Unix socket that plays a machine.

It speaks the control protocol with polarisd's own frames and sends what
`scenes` describes; it can go away and come back, fall silent, or refuse.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.terminal import scenes

Play = Callable[[float], dict[str, Any]]


class Peer:
    """Serves every client until `close`.  `play` gives the snapshot of an instant."""

    def __init__(self, path: Path, play: Play, *, access: str = "admin", gpus: int = 8) -> None:
        self.path = path
        self.play = play
        self.access = access
        self.gpus = gpus
        self.silent = False
        self.refusals: dict[str, ControlError] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._events: list[dict[str, Any]] = []
        self._ended = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away as a daemon that ends: connections closed, socket removed."""
        self._ended.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
        os.unlink(self.path)

    def say(self, event: dict[str, Any]) -> None:
        self._events.append(event)

    def times_asked(self, method: str) -> int:
        return sum(1 for asked, _ in list(self.asked) if asked == method)

    def _accept(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        decoder = wire.Decoder()
        interval_s, due, told = 0.0, 0.0, 0
        with client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while not self._ended.is_set():
                if select.select([client], [], [], 0.02)[0]:
                    data = client.recv(1 << 16)
                    if not data:
                        return
                    decoder.feed(data)
                    for frame in decoder:
                        msgid, method, params = wire.parse_request(frame)
                        self.asked.append((method, params))
                        if method == "watch":
                            interval_s = float(str(params["interval_s"]))
                        if not self.silent:
                            client.sendall(self._answer(msgid or 0, method, params))
                if self.silent or not interval_s:
                    continue
                if time.monotonic() >= due:
                    due = time.monotonic() + interval_s
                    client.sendall(
                        wire.stream_item("snapshot", 1, wire.pack(self.play(time.time())))
                    )
                while told < len(self._events):
                    client.sendall(wire.stream_item("event", 1, wire.pack(self._events[told])))
                    told += 1

    def _answer(self, msgid: int, method: str, params: dict[str, object]) -> bytes:
        if method in self.refusals:
            return wire.error_reply(msgid, self.refusals[method])
        if method == "hello":
            hello = {"version": "0.1.0", "pid": os.getpid(), "access": self.access}
            return wire.reply(msgid, {**hello, "protocol_major": 1, "protocol_minor": 0})
        if method == "watch":
            return wire.reply(msgid, {"watch": 1})
        if method == "snapshot":
            return wire.reply(msgid, self.play(time.time()))
        if method == "history":
            seconds = min(int(float(str(params["seconds"]))), 600)
            return wire.reply(msgid, scenes.history(time.time(), self.gpus, seconds))
        if method == "burst":
            if self.access != "admin":
                refusal = ControlError(
                    errors.NOT_PERMITTED,
                    "burst needs admin access",
                    "run it with sudo, or as a member of group polaris",
                )
                return wire.error_reply(msgid, refusal)
            return wire.reply(msgid, {"until_at": time.time() + 30})
        return wire.error_reply(msgid, ControlError(errors.UNKNOWN_METHOD, f"no {method}"))
