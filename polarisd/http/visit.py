"""One request while `desk` answers it: its head, its body as it arrives, its reply."""

from __future__ import annotations

from contextlib import aclosing

import trio
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from polarisd.http.auth import Claim
from polarisd.http.entry import Head, too_large
from polarisd.http.limits import plain_address
from polarisd.http.refusals import Refusal, refuse
from polarisd.http.routes import Route
from polarisd.http.seats import Seat

# In so many a head may come, and a body: more than a slow network makes of 64 KiB.
MOST_PIECES = 256


class Visit:
    """One request while it is being answered."""

    def __init__(self, incoming: Incoming) -> None:
        scope = incoming.scope
        state = scope["state"]
        self.seat: Seat = state["seat"]
        self.key = self.seat.key
        self.peer_address, self.peer_port = (
            plain_address(scope["client"][0]),
            int(scope["client"][1]),
        )
        self.head = Head(
            method=scope["method"],
            target=state["target"].decode("ascii"),
            http_version=scope["http_version"],
            headers=scope["headers"],
        )
        self.claim: Claim | Refusal | None = None
        self.body = b""
        self.is_read = not {b"content-length", b"transfer-encoding"} & {
            name for name, _ in self.head.headers
        }
        self.reply_body = b""
        self._incoming = incoming

    async def read_body(self, route: Route) -> Refusal | None:
        """What is wrong with it, if anything is; then there may be more of it."""
        pieces: list[bytes] = []
        size = 0
        async with aclosing(self._incoming.stream()) as stream:
            async for piece in stream:
                size += len(piece)
                if size > route.most_bytes:
                    return too_large(route)
                pieces.append(piece)
                if len(pieces) > MOST_PIECES:
                    return refuse("too_slow", f"the body came in over {MOST_PIECES} pieces")
        self.body = b"".join(pieces)
        self.is_read = True
        return None

    async def reply(self, response: Response, receive: Receive, send: Send) -> None:
        async def discard() -> None:
            message: Message = {}
            while message.get("type") != "http.disconnect":
                message = await receive()

        async with trio.open_nursery() as nursery:
            if not self.is_read:
                # hypercorn cannot end a request while pieces of it are not taken
                nursery.start_soon(discard)
            await response(self._incoming.scope, receive, send)
            nursery.cancel_scope.cancel()
