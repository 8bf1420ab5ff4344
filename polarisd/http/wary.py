"""Sockets for `exchange` that hand on only so much of what is no reply.

httpcore reads on until a reply has begun, be it through informational replies without
end, or a head of a hundred thousand bytes; taking those apart would keep the daemon busy
for as long as the other side likes.  The only importer of httpcore, besides `exchange`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

HEAD_BYTES = 16 << 10
HEAD_READS = 64
_STATUS_AT = len(b"HTTP/1.1 ")


class NotAReply(Exception):
    """The text says what it is instead."""


class WaryBackend(httpcore.AsyncNetworkBackend):
    """TCP as httpcore makes it under trio."""

    def __init__(self) -> None:
        self._trio = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _WaryStream(
            await self._trio.connect_tcp(host, port, timeout, local_address, socket_options)
        )


class _WaryStream(httpcore.AsyncNetworkStream):
    """One connection; requests on it follow one another, and each reply its request."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._begin()

    def _begin(self) -> None:
        self._head, self._reads, self._has_head = b"", 0, False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._has_head:
            return await self._stream.read(max_bytes, timeout)
        data = await self._stream.read(min(max_bytes, HEAD_BYTES - len(self._head)), timeout)
        self._reads += 1
        self._look_at(data)
        return data

    def _look_at(self, data: bytes) -> None:
        """Raises NotAReply before any of a bad head is taken apart."""
        searched = max(0, len(self._head) - len(b"\r\n\r"))
        self._head += data
        if self._head[_STATUS_AT : _STATUS_AT + 1] == b"1":
            raise NotAReply("it sends an informational reply, which nobody asked for")
        if b"\n\r\n" in self._head[searched:] or b"\n\n" in self._head[searched:]:
            self._head, self._has_head = b"", True
        elif len(self._head) >= HEAD_BYTES or self._reads >= HEAD_READS:
            raise NotAReply(f"its head has over {HEAD_BYTES} bytes, or comes in shreds")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._begin()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _WaryStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
