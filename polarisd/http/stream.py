"""A trio stream for hypercorn that neither waits for ever nor ends rudely; for `connection`.

Closing a socket while something in it was not read resets the connection, and the peer
may never see the reply.  So what still comes is read, and thrown away, for a moment.
"""

from __future__ import annotations

import trio

_READ_BYTES = 1 << 14  # of one connection at once
LINGER_S = 0.5
LINGER_BYTES = 4 << 20
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class PatientStream:
    """The peer must take what it is sent within `deadline_s`, or is dropped.

    hypercorn ends a stream in one task while it reads or sends in others, hence the locks.
    """

    def __init__(self, stream: trio.SocketStream, deadline_s: float) -> None:
        self.socket = stream.socket
        self._stream = stream
        self._deadline_s = deadline_s
        self._sending, self._reading = trio.Lock(), trio.Lock()
        self._reader = trio.CancelScope()
        self._is_closing = False

    async def receive_some(self, max_bytes: int) -> bytes:
        async with self._reading:
            with trio.CancelScope() as self._reader:
                if self._is_closing:
                    self._reader.cancel()
                return bytes(await self._stream.receive_some(min(max_bytes, _READ_BYTES)))
        raise trio.ClosedResourceError("the connection is being closed")

    async def send_all(self, data: bytes) -> None:
        if not data:
            return  # hypercorn's way to end a body whose length was said
        async with self._sending:
            with trio.move_on_after(self._deadline_s) as scope:
                await self._stream.send_all(data)
        if scope.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the peer does not read")

    async def send_eof(self) -> None:
        async with self._sending:
            await self._stream.send_eof()

    async def aclose(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._reader.cancel()
        try:
            with trio.move_on_after(LINGER_S):
                await self.send_eof()
                await self._discard()
        except _GONE:
            pass
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _discard(self) -> None:
        left = LINGER_BYTES
        async with self._reading:
            while left > 0 and (piece := await self._stream.receive_some(_READ_BYTES)):
                left -= len(piece)
