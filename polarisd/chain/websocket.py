"""A websocket to a node, with what the SDK does not bear taken out.  For `sdk`.

The SDK's own reading task dies, and all that waits hangs, when a node closes the connection
in order, or sends what is not an answer.  Here both are plain errors, upon which it gives up
the connection as it should.  And no frame may be larger than any that we could use.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

HANDSHAKE_S = 10.0
GOODBYE_S = 0.5
# the largest that a node sends us is the metagraph of a full subnet, well under 1 MiB
_MOST_FRAME_BYTES = 32 << 20
_REFUSALS = (403, 429)
_MOST_SAID_BYTES = 200


class NotTaken(Exception):
    """The node, or what stands before it, does not take the connection."""

    def __init__(self, status: int, said: str, retry_after: str | None) -> None:
        super().__init__(f"HTTP {status} {said}".rstrip())
        self.status = status
        self.retry_after = retry_after

    @property
    def is_policy(self) -> bool:
        return self.status in _REFUSALS


class NoNode(Exception):
    """Whatever answers there does not speak as a node does."""


@dataclass(slots=True)
class Socket:
    """As the SDK uses one.  `rubbish` is why it came to its end, if that was what the node sent:
    the SDK itself says only that the connection is lost."""

    socket: Any
    rubbish: str = ""

    async def send(self, message: str) -> None:
        await self.socket.send(message)

    async def recv(self) -> str:
        from websockets.exceptions import ConnectionClosedOK

        try:
            frame = await self.socket.recv()
        except ConnectionClosedOK as closed:
            raise ConnectionResetError("the node closed the connection") from closed
        try:
            return checked(frame)
        except ValueError as error:
            self.rubbish = str(error)
            raise

    async def close(self) -> None:
        await self.socket.close()


async def dial(url: str) -> Socket:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

    opening = connect(url, max_size=_MOST_FRAME_BYTES, open_timeout=None, close_timeout=GOODBYE_S)
    try:
        return Socket(await asyncio.wait_for(opening, HANDSHAKE_S))
    except InvalidStatus as refused:
        answer = refused.response
        asked = answer.headers.get_all("Retry-After") or answer.headers.get_all("X-RateLimit-Reset")
        said = bytes(answer.body or b"")[:_MOST_SAID_BYTES].decode(errors="replace")
        raise NotTaken(answer.status_code, said, asked[0] if asked else None) from refused
    except (InvalidHandshake, InvalidURI) as error:
        raise NoNode(f"{type(error).__name__}: {error}") from error


def checked(frame: str | bytes) -> str:
    """ValueError unless it is an answer, a notification, or a list of these."""
    text = frame.decode() if isinstance(frame, bytes) else frame
    try:
        message = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    for item in message if isinstance(message, list) else [message]:
        if not isinstance(item, dict) or not isinstance(item.get("id"), (int, str, type(None))):
            raise ValueError(f"{text[:100]!r} is no answer")
    return text
