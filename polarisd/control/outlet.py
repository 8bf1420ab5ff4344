"""The writing half of a session: whole frames, one at a time, never waiting for ever."""

from __future__ import annotations

import os

import trio

from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

SEND_DEADLINE_S = 10.0
GOODBYE_DEADLINE_S = 0.5


class Outlet:
    """Writes to one client.

    Only the end of the session interrupts a frame that has begun, and not that of a
    watch, because what came next would be read as its rest.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._writing = trio.Lock()
        self._waiting = trio.CancelScope()
        self._torn = False

    async def send(self, data: bytes) -> None:
        """Raises ControlError if the client is gone or does not read."""
        if self._torn or self._writing.locked():
            await self._writing.acquire()
        else:
            self._writing.acquire_nowait()  # the other way costs a turn of the loop
        try:
            rest = data[self._sent_at_once(data) :]
            if rest:
                await self._send_rest(rest)
        finally:
            self._writing.release()

    def stop_waiting(self) -> None:
        """Give up a frame that the client does not read."""
        self._waiting.cancel()

    async def say_goodbye(self, why: ControlError) -> None:
        """Unless a frame was cut in two: what follows would be read as its rest."""
        if self._torn:
            return
        with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE_DEADLINE_S):
            try:
                await self._stream.send_all(wire.notification("closing", dict(why.to_wire())))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

    def _sent_at_once(self, data: bytes) -> int:
        """How many bytes the kernel takes without a wait: nearly always all of them."""
        try:
            sent = os.write(self._stream.socket.fileno(), data)
        except OSError:
            return 0  # it is full, or broken: sending the rest will tell
        self._torn = sent < len(data)
        return sent

    async def _send_rest(self, rest: bytes) -> None:
        with trio.move_on_after(SEND_DEADLINE_S, shield=True) as self._waiting:
            self._torn = True
            try:
                await self._stream.send_all(rest)
                self._torn = False
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise ControlError(errors.IDLE, "the client is gone") from None
        if self._waiting.cancelled_caught:
            raise ControlError(
                errors.TOO_SLOW,
                f"a frame was not read within {SEND_DEADLINE_S:.0f} s",
                "read what you ask for",
            )
