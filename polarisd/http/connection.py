"""One connection: hypercorn's HTTP/1.1 on a trio stream.  The only importer of hypercorn.

`server` runs one of these per connection rather than hypercorn's own server, which has
no cap on connections, waits without end for a peer that does not take its reply, and
would speak HTTP/2 and websockets to whoever asks.
"""

from __future__ import annotations

import logging
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.protocol.events import Request, Response
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from polarisd.http.desk import Desk
from polarisd.http.limits import Limits
from polarisd.http.seats import Seat
from polarisd.http.stream import PatientStream
from polarisd.http.visit import MOST_PIECES

Context = WorkerContext  # what connections of one server share: whether it is ending


class Settings(Config):
    """hypercorn's, with nothing in a reply that we did not put there."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.accesslog = None
        self.errorlog = logging.getLogger(__name__)
        self.h11_max_incomplete_size = limits.head_bytes
        self.keep_alive_timeout = limits.idle_s
        self.keep_alive_max_requests = limits.most_requests_of_connection
        self.max_app_queue_size = 2  # pieces of a body that were read and not yet looked at

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [(b"server", b"polaris")]


class _Deaf(H11WSConnection):
    """In place of h11's connection once nothing more is to be heard on it: what comes, and
    what has come and was not looked at, is nothing, and what is sent goes out as before.

    Else h11 takes each chunk of a body that nobody wants apart, and a request behind one
    that is refused for an offence that ends the connection before the refusal is sent.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.buffer = bytearray()

    @property
    def their_state(self) -> Any:  # type: ignore[override]
        return self.h11_connection.their_state

    def receive_data(self, data: bytes) -> None:
        """It is not for anybody."""


class Http11(H11Protocol):
    """Whatever a peer would upgrade to, it is answered in HTTP/1.1."""

    _reads = 0  # between requests, since the last one

    async def handle(self, event: Any) -> None:
        if isinstance(event, RawData) and self.stream is None:
            self._reads += 1
            if self._reads > MOST_PIECES and not isinstance(self.connection, _Deaf):
                await self._dismiss(408)
                return
        await super().handle(event)

    async def stream_send(self, event: Any) -> None:
        if isinstance(event, Response) and self._ends_with(event):
            self._hear_no_more()
        await super().stream_send(event)

    def _ends_with(self, response: Response) -> bool:
        is_last = self.keep_alive_requests >= self.config.keep_alive_max_requests
        return is_last or (b"connection", b"close") in response.headers

    def _hear_no_more(self) -> None:
        if not isinstance(self.connection, _Deaf):
            self.connection = _Deaf(self.connection)

    async def _dismiss(self, status: int) -> None:
        self._hear_no_more()
        await self._send_error_response(status)
        await self.send(Closed())

    async def _check_protocol(self, event: Any) -> None:
        """No HTTP/2."""

    async def _create_stream(self, request: Any) -> None:
        """No websockets; and the request's target goes along as it was sent."""
        self._reads = 0
        if _size(request) > self.config.h11_max_incomplete_size:
            # h11 counts only what has not come as a whole
            await self._dismiss(431)
            return
        if any(name == b"transfer-encoding" for name, _ in request.headers):
            self._hear_no_more()  # `entry` refuses it
        self.stream = HTTPStream(
            self.app, self.config, self.context, self.task_group, self.ssl, self.client,
            self.server, self.stream_send, STREAM_ID,
        )  # fmt: skip
        self.keep_alive_requests += 1
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=list(request.headers),
                http_version=request.http_version.decode("ascii"),
                method=request.method.decode("ascii"),
                raw_path=request.target,
                state=ConnectionState({**self.connection_state, "target": request.target}),
            )
        )


def _size(request: Any) -> int:
    """Of a head, without its spaces."""
    lines = [request.method + request.target, *(name + value for name, value in request.headers)]
    return sum(len(line) + len("  \r\n") for line in lines)


class Connection(TCPServer):
    """`await connection.run()` until the peer leaves, is told to, or `context` ends it."""

    def __init__(
        self,
        stream: trio.SocketStream,
        *,
        desk: Desk,
        seat: Seat,
        settings: Settings,
        context: Context,
        limits: Limits,
    ) -> None:
        async def application(
            scope: Any, receive: Any, send: Any, sync_spawn: Any, call_soon: Any
        ) -> None:
            await desk(scope, receive, send)

        patient: Any = PatientStream(stream, limits.reply_s)
        super().__init__(application, settings, context, ConnectionState({"seat": seat}), patient)
        self._reader = trio.CancelScope()

    async def run(self) -> None:
        try:
            family = self.stream.socket.family
            async with TaskGroup() as tasks:
                self._task_group = tasks
                self.protocol: Any = Http11(
                    self.app, self.config, self.context, tasks, ConnectionState(self.state), False,
                    parse_socket_addr(family, self.stream.socket.getpeername()),
                    parse_socket_addr(family, self.stream.socket.getsockname()),
                    self.protocol_send,
                )  # fmt: skip
                await self.idle_task.restart(tasks, self._idle_timeout)
                with self._reader:
                    await self._read_data()
                await self.protocol.handle(Closed())
                await self.idle_task.stop()  # who has left needs no patience
        except OSError:
            pass  # the peer has gone
        finally:
            await self._close()

    async def _close(self) -> None:
        """hypercorn would wait for ever for its peer's second request to have its turn."""
        try:
            await super()._close()
        finally:
            self._reader.cancel()
