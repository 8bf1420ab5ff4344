"""The HTTP face: takes connections, and ends them in order.  `daemon` makes one.

Expected to run in a nursery of its own: `stop()` lets running requests finish, cancelling
`serve` does not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from socket import socket

import trio

from polarisd import __version__
from polarisd.http import documents
from polarisd.http.connection import Connection, Context, Settings
from polarisd.http.desk import Desk
from polarisd.http.limits import Limits, address_key
from polarisd.http.refusals import Refusal, refuse
from polarisd.http.routes import ANYONE, Reply, Request, Route
from polarisd.http.seats import Seats
from polarisd.http.stream import PatientStream
from polarisd.journal import fields
from polarisd.keys import Hotkey

log = logging.getLogger(__name__)

# For replies that say that this side is being stopped to reach their peers.
_FAREWELL_S = 1.0
_TURN_AWAY_S = 1.0
_MOST_LINGERING = 32


class Face:
    """What the hotkey serves over HTTP, besides GET / for anyone who asks who is here.

    `clock_ns` is wall-clock time.  `is_known` says of which hotkeys nonces and budgets are
    kept apart, so that strangers who sign do not crowd them out.  What is remembered of
    peers outlives `serve`, which may be called again with other sockets.
    """

    def __init__(
        self,
        *,
        hotkey: Hotkey,
        role: str,
        routes: Sequence[Route],
        limits: Limits | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        is_known: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._limits = limits or Limits()
        self._stopping = trio.Event()
        self._seats = Seats(
            most=self._limits.most_connections,
            most_of_address=self._limits.most_connections_of_address,
        )
        self._linger = trio.CapacityLimiter(_MOST_LINGERING)
        self._settings = Settings(self._limits)
        self._desk = Desk(
            hotkey=hotkey,
            routes=[greeting(hotkey.ss58, role), *routes],
            limits=self._limits,
            clock_ns=clock_ns,
            is_known=is_known,
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many requests ended how: by code of `refusals`, or "ok"."""
        return dict(self._desk.counts)

    @property
    def connections(self) -> int:
        return len(self._seats)

    def stop(self) -> None:
        """Take no more; `serve` returns when what runs is finished, or `limits.stop_s` later."""
        self._stopping.set()

    async def serve(
        self,
        sockets: Iterable[socket],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Until `stop`.  The sockets listen already (`listening.bind`), and are closed."""
        self._stopping = trio.Event()
        self._desk.resume()
        context = Context(None)
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(s)) for s in sockets]
        async with trio.open_nursery() as connections:

            async def take(stream: trio.SocketStream) -> None:
                await self._take(stream, context)

            async with trio.open_nursery() as listening:
                await listening.start(
                    partial(trio.serve_listeners, take, listeners, handler_nursery=connections)
                )
                task_status.started()
                await self._stopping.wait()
                listening.cancel_scope.cancel()
            deadline = trio.current_time() + self._limits.stop_s
            self._desk.stop_by(deadline)
            connections.cancel_scope.deadline = deadline + _FAREWELL_S
            await context.terminated.set()

    async def _take(self, stream: trio.SocketStream, context: Context) -> None:
        """One connection; trio closes the stream after it."""
        try:
            key = address_key(stream.socket.getpeername()[0])
        except OSError:
            return  # it has gone already
        refusal = self._desk.entry.admits(key, trio.current_time())
        with trio.CancelScope() as scope:
            seat = None if refusal else self._seats.take(key, scope.cancel)
            if seat is None:
                await _turn_away(
                    stream, refusal or refuse("busy", "too many connections"), self._linger
                )
                return
            connection = Connection(
                stream,
                desk=self._desk,
                seat=seat,
                settings=self._settings,
                context=context,
                limits=self._limits,
            )
            # As in the session of the control socket: one connection's bug is not another's.
            try:
                await connection.run()
            except Exception:
                log.exception("bug in a connection", extra=fields(event="internal_error"))
            finally:
                self._seats.give_back(seat)


async def _turn_away(
    stream: trio.SocketStream, refusal: Refusal, linger: trio.CapacityLimiter
) -> None:
    """Without having read anything: a few bytes, which the peer's kernel takes."""
    body = documents.dump(refusal.document())
    lines = (
        f"HTTP/1.1 {refusal.status} {refusal.code}",
        "server: polaris",
        "connection: close",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"retry-after: {math.ceil(refusal.retry_after_s or 1)}",
    )
    patient = PatientStream(stream, _TURN_AWAY_S)
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.WouldBlock):
        await patient.send_all("\r\n".join((*lines, "", "")).encode() + body)
        # so that it is read; when many come at once, some must do without
        linger.acquire_nowait()
        try:
            await patient.aclose()
        finally:
            linger.release()


def greeting(hotkey: str, role: str) -> Route:
    """Who is here, for an owner who tests from outside."""

    async def greet(request: Request) -> Reply:
        return Reply(200, {"polaris": __version__, "hotkey": hotkey, "role": role})

    return Route(method="GET", path="/", access=ANYONE, handler=greet, most_bytes=0)
