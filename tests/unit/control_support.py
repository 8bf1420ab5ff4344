"""Sessions of the control server without a daemon: sockets, a clock that jumps, plain services."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgpack
import trio

from polarisd.api import wire
from polarisd.api.errors import ControlError
from polarisd.api.snapshot import Event
from polarisd.control.access import ADMIN
from polarisd.control.session import Session
from polarisd.state import State
from tests.unit.build import NOW, host, snapshot

Map = dict[str, Any]
# A socket that takes little, so that few bytes are many.
SMALL_BUFFER_BYTES = 4096
A_DAY_S = 86_400


def new_state(hostname: str = "vm") -> State:
    return State(snapshot(host=replace(host(), hostname=hostname)), lambda: NOW)


def event(number: int = 0) -> Event:
    return Event(kind="xid", at=NOW, gpu_uuid="", text="", xid=number)


class Desk:
    """Services that answer from what a test put there, as the daemon's answer from its rooms."""

    def __init__(self, state: State) -> None:
        self.pid = 7
        self.state = state
        self.wanted: list[bool] = []
        self.reloading_takes_s = 0.0
        self.columns: Map = {}
        self.histories = 0
        # What a test makes `history` cost, and what `stopwatch` has counted of it.
        self.history_takes_s = 0.0
        self.elapsed_s = 0.0
        self.reload_problem: ControlError | None = None

    def packed_snapshot(self) -> bytes:
        return self.state.packed

    def packed_history(self, seconds: float) -> bytes:
        self.histories += 1
        self.elapsed_s += self.history_takes_s
        return wire.pack(self.history(seconds))

    def stopwatch(self) -> float:
        return self.elapsed_s

    def history(self, seconds: float) -> dict[str, object]:
        return {"seconds": seconds, **self.columns}

    def burst(self, interval_s: float, seconds: float) -> float:
        return NOW + seconds

    async def set_offering(self, wanted: bool) -> dict[str, object]:
        self.wanted.append(wanted)
        return {"wanted": wanted, "since_at": NOW, "changed": True}

    def config(self) -> dict[str, object]:
        # What a handler with a bug does.
        raise ZeroDivisionError("a bug, put here by a test")

    async def reload(self) -> dict[str, object]:
        await trio.sleep(self.reloading_takes_s)
        if self.reload_problem is not None:
            raise self.reload_problem
        return {"changed": [], "needs_restart": []}

    async def forget(self, gpu_uuid: str) -> tuple[str, ...]:
        return (gpu_uuid,)

    async def benchmark(
        self, gpus: tuple[str, ...], quick: bool, backend: str, tests: tuple[str, ...]
    ) -> dict[str, object]:
        return {"runs": [], "skipped": []}

    async def cancel_benchmarks(self, run: int) -> list[int]:
        return []

    async def benchmarks(self, gpu_uuid: str, run: int, limit: int) -> dict[str, object]:
        return {"runs": [], "left_out": 0, "problem": ""}


class Peer:
    """The client's end."""

    def __init__(self, stream: trio.SocketStream, session: Session) -> None:
        self.stream = stream
        self.session = session
        self.ended = trio.Event()
        self._unpacker = msgpack.Unpacker()
        self._last_id = 0

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def request(self, method: str, **params: object) -> int:
        self._last_id += 1
        await self.send(msgpack.packb([0, self._last_id, method, params]))
        return self._last_id

    async def call(self, method: str, **params: object) -> Any:
        """The result, or the error's map where there is none; stream items are passed over."""
        msgid = await self.request(method, **params)
        while True:
            frame = await self.frame()
            assert frame is not None
            if frame[:2] == [1, msgid]:
                return frame[2] or frame[3]

    async def frame(self) -> list[Any] | None:
        """The next frame, or None at the end."""
        while True:
            for frame in self._unpacker:
                assert isinstance(frame, list)
                return frame
            with trio.fail_after(A_DAY_S):  # by a clock that jumps
                data = await self.stream.receive_some(1 << 16)
            if not data:
                return None
            self._unpacker.feed(data)

    async def rest(self) -> list[list[Any]]:
        """All frames until the end."""
        frames = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
        return frames

    async def farewell(self) -> Map:
        """What `closing` said, which must be the last frame."""
        kind, method, params = (await self.rest())[-1]
        assert (kind, method) == (2, "closing")
        said: Map = params
        return said


@asynccontextmanager
async def session(
    state: State | None = None,
    *,
    desk: Desk | None = None,
    access: str = ADMIN,
    small: bool = False,
    stopwatch: Callable[[], float] = time.perf_counter,
) -> AsyncIterator[Peer]:
    """One that runs, and its client; with `small` buffers, a few kilobytes fill them."""
    state = state or new_state()
    ours, theirs = socket.socketpair()
    if small:
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
    streams = [trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in (ours, theirs)]
    made = Session(streams[0], access, desk or Desk(state), state, stopwatch)
    peer = Peer(streams[1], made)

    async def run() -> None:
        async with streams[0]:
            await made.run()
        peer.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        async with streams[1]:
            yield peer
        await peer.ended.wait()
