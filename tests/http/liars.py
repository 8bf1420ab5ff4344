"""Servers that do as they please with a signed request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio

from polarisd.http import auth, replies
from polarisd.http.replies import Asked
from polarisd.keys import Hotkey
from tests.unit.http_support import ALICE, NOW_NS

# is given the stream, and the request as it came
Liar = Callable[[trio.SocketStream, bytes], Awaitable[None]]


@asynccontextmanager
async def lying(liar: Liar) -> AsyncIterator[str]:
    """The endpoint of a server whose every connection is `liar`'s."""

    async def serve(stream: trio.SocketStream) -> None:
        # the client may have had enough
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await liar(stream, await _request(stream))

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(
            partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        )
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def _request(stream: trio.SocketStream) -> bytes:
    request = b""
    while True:
        head, end, body = request.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if end and len(body) >= int(length or 0):
            return request
        request += await stream.receive_some()


def says(*pieces: bytes, every_s: float = 0.0) -> Liar:
    async def liar(stream: trio.SocketStream, request: bytes) -> None:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(every_s)

    return liar


def reply(status: int = 200, body: bytes = b"{}", headers: dict[str, str] | None = None) -> bytes:
    fields = {"content-length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() + body


def asked_in(request: bytes) -> Asked:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.decode().split(" ")
    claim = auth.read([(n, v) for n, _, v in (line.partition(b": ") for line in lines)])
    assert isinstance(claim, auth.Claim)
    return Asked(
        method=method, target=target, body=body, nonce_ns=claim.nonce_ns, sender=claim.sender
    )


def signs(
    body: bytes = b"{}",
    *,
    status: int = 200,
    hotkey: Hotkey = ALICE,
    time_ns: int = NOW_NS,
    said_body: bytes | None = None,
) -> Liar:
    """A signed reply; `said_body` is sent in place of what was signed."""

    async def liar(stream: trio.SocketStream, request: bytes) -> None:
        headers = replies.sign(
            hotkey, status=status, asked=asked_in(request), body=body, time_ns=time_ns
        )
        await stream.send_all(reply(status, body if said_body is None else said_body, headers))

    return liar
