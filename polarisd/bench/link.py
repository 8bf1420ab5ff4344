"""The daemon's end of a worker: start it, frames to and from it, end it.

For `measuring`.  Whatever happens, a worker that was begun here is ended here: its stdin
is closed, and what has not gone by itself then is killed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import trio

from polarisd.api import wire
from polarisd.api.errors import ControlError
from polarisd.bench.pipes import Pipe

log = logging.getLogger(__name__)

# To tear down a context takes CUDA a while, and a killed one leaves that to the kernel.
_GO_DEADLINE_S = 5.0
# A worker that hangs inside the kernel does not die of SIGKILL until the driver lets go;
# then it is left to be looked after later instead of holding up the daemon.
_REAP_DEADLINE_S = 2.0
_SEND_DEADLINE_S = 5.0
# Each holds memory of its GPU and of the host, and the next would hang as they do.
_MAX_STRAYS = 2
# A run sends a few hundred; more of them would only keep the daemon busy.
MAX_FRAMES = 20_000
_MAX_ITEMS = 64
_NONE = object()
SOCKET_REMEDY = "see: systemctl status polaris-worker.socket; journalctl -u 'polaris-worker@*'"


class WorkerLost(Exception):
    """There is no worker, or none that can be used any more; why, and what to do."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.remedy = remedy


class Start(Protocol):
    """Starts a worker for one GPU, or for none if `gpu_uuid` is empty.  WorkerLost."""

    async def __call__(self, gpu_uuid: str) -> Pipe: ...


class Strays:
    """Workers that SIGKILL has not ended yet."""

    def __init__(self) -> None:
        self._left: list[Pipe] = []

    def add(self, pipe: Pipe) -> None:
        self._left.append(pipe)
        log.warning("a worker (%s) does not end, perhaps it hangs in the driver", _name(pipe))

    def check(self) -> None:
        """Let go of those that have ended.  WorkerLost while too many have not."""
        for pipe in [pipe for pipe in self._left if pipe.has_ended()]:
            self._left.remove(pipe)
            pipe.close()
        if len(self._left) >= _MAX_STRAYS:
            raise WorkerLost(
                f"{len(self._left)} earlier workers ({', '.join(map(_name, self._left))}) hang in "
                "the driver and cannot be ended, so no other is started",
                "look for NVRM lines in: sudo dmesg; then reboot",
            )


class Link:
    """Frames to and from one worker.

    `go_s` is how long it may take to go by itself when it is not wanted any more: no
    time, unless it has done its work.
    """

    def __init__(self, pipe: Pipe) -> None:
        self.go_s = 0.0
        self._pipe = pipe
        self._decoder = wire.Decoder(max_items=_MAX_ITEMS)
        self._frames = 0

    @property
    def pid(self) -> int | None:
        return self._pipe.pid

    async def send(self, frame: Mapping[str, object]) -> None:
        """WorkerLost if it does not take it."""
        with trio.move_on_after(_SEND_DEADLINE_S) as scope:
            try:
                await self._pipe.send(wire.pack(frame))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                # What it said before it ended says more, and `receive` has that.
                return
        if scope.cancelled_caught:
            raise WorkerLost("the worker does not read what it is sent")

    async def receive(self) -> object:
        """The next frame.  WorkerLost when the worker ends, sends nonsense, or too much."""
        try:
            # nil only says that it lives, and by that who it is
            while (frame := await self._next()) is None:
                pass
        except ControlError as error:
            raise WorkerLost(f"the worker sent nonsense: {error.message}") from None
        return frame

    async def _next(self) -> object:
        while (frame := next(self._decoder, _NONE)) is _NONE:
            data = await self._pipe.receive()
            if not data and self._pipe.pid is None:  # as when systemd has no place for another
                raise WorkerLost("no worker was started, or it ended at once", SOCKET_REMEDY)
            if not data:
                raise WorkerLost("the worker ended before it was done")
            self._decoder.feed(data)
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise WorkerLost(f"the worker sent more than {MAX_FRAMES} frames")
        return frame

    def let_go(self) -> None:
        """It has done its work: it may end in its own time."""
        self.go_s = _GO_DEADLINE_S


@asynccontextmanager
async def open_link(start: Start, gpu_uuid: str, strays: Strays) -> AsyncIterator[Link]:
    """A worker, which is gone when the block has been left; WorkerLost if there is none."""
    strays.check()
    pipe = await start(gpu_uuid)
    link = Link(pipe)
    try:
        yield link
    finally:
        with trio.CancelScope(shield=True):
            await _end(pipe, link.go_s)
        if pipe.has_ended():
            pipe.close()
        else:
            strays.add(pipe)


async def _end(pipe: Pipe, go_s: float) -> None:
    """In its own time, or at once; not when it cannot be done."""
    with trio.move_on_after(_REAP_DEADLINE_S), suppress(trio.ClosedResourceError):
        await pipe.end_sending()
    with trio.move_on_after(go_s):
        await pipe.wait_ended()
    if not pipe.has_ended():
        pipe.kill()
        with trio.move_on_after(_REAP_DEADLINE_S):
            await pipe.wait_ended()


def _name(pipe: Pipe) -> str:
    return f"pid {pipe.pid}" if pipe.pid is not None else "pid not known"
