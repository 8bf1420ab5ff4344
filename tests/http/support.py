"""A face on the loopback, and peers who write bytes as they please."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import trio

from polarisd.http import auth, documents, replies
from polarisd.http.limits import Limits
from polarisd.http.listening import CannotBind, bind
from polarisd.http.replies import Asked, Signed
from polarisd.http.routes import SIGNED, Reply, Request, Route
from polarisd.http.server import Face
from polarisd.keys import Hotkey
from tests.unit.http_support import ALICE, BOB

MOST_BYTES = 4096
# Waits short enough for tests, and budgets that none of them spends by accident.
QUICK = Limits(
    address_rate_per_s=10_000, address_burst=10_000, strangers_rate_per_s=10_000,
    strangers_burst=10_000, network_rate_per_s=10_000, network_burst=10_000,
    hotkey_rate_per_s=1000, hotkey_burst=1000,
    most_nonces_of_hotkey=1000, idle_s=0.5, reply_s=0.5, stop_s=0.5,
)  # fmt: skip
DEADLINE_S = 5.0


async def echo(request: Request) -> Reply:
    caller = request.caller.hotkey if request.caller else None
    return Reply(200, {"caller": caller, "document": request.document, "query": request.query})


ECHO = Route(
    method="POST", path="/echo", access=SIGNED, handler=echo, most_bytes=MOST_BYTES, deadline_s=0.5
)


@dataclass(frozen=True)
class Site:
    """The face is ALICE's."""

    face: Face
    host: str
    port: int

    @property
    def endpoint(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def connect(self, source: str | None = None) -> trio.SocketStream:
        return await trio.open_tcp_stream(self.host, self.port, local_address=source)

    async def say(self, data: bytes, *, ends: bool = False) -> bytes:
        """All that comes back until the other side has closed.  `ends`: we do so first."""
        async with await self.connect() as stream:
            try:
                await stream.send_all(data)
                if ends:
                    await stream.send_eof()
            except trio.BrokenResourceError:
                pass  # it has heard enough
            return await read_all(stream)

    async def empties(self) -> None:
        """When all connections have ended."""
        with trio.fail_after(DEADLINE_S):
            while self.face.connections:  # noqa: ASYNC110 the face tells nobody
                await trio.sleep(0.01)

    async def ask(self, data: bytes) -> Said:
        return Said.read(await self.say(data))


@asynccontextmanager
async def facing(
    *routes: Route,
    limits: Limits = QUICK,
    host: str = "127.0.0.1",
    clock_ns: Callable[[], int] = time.time_ns,
    is_known: Callable[[str], bool] = lambda _: False,
) -> AsyncIterator[Site]:
    sockets = bind(host, 0)
    assert not isinstance(sockets, CannotBind)
    face = Face(
        hotkey=ALICE, role="miner", routes=routes or (ECHO,), limits=limits,
        clock_ns=clock_ns, is_known=is_known,
    )  # fmt: skip
    site = Site(face, host, sockets[0].getsockname()[1])
    async with trio.open_nursery() as nursery:
        await nursery.start(face.serve, sockets)
        yield site
        face.stop()
        nursery.cancel_scope.deadline = trio.current_time() + DEADLINE_S
    assert not nursery.cancel_scope.cancelled_caught, "the face did not end"


@asynccontextmanager
async def well_after(limits: Limits = QUICK) -> AsyncIterator[Site]:
    """A face that must still answer when all is over."""
    async with facing(limits=limits) as site:
        yield site
        assert (await site.ask(bytes(now()))).status == 200


def statuses_in(said: bytes) -> list[bytes]:
    return [part.split(b" ")[0] for part in said.split(b"HTTP/1.1 ")[1:]]


async def read_all(stream: trio.SocketStream) -> bytes:
    data = b""
    with trio.fail_after(DEADLINE_S):
        try:
            async for piece in stream:
                data += piece
        except trio.BrokenResourceError:
            pass  # reset, which is an end too
    return data


@dataclass(frozen=True)
class Said:
    """One reply, read leniently."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @staticmethod
    def read(data: bytes) -> Said:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return Said(int(first.split(" ")[1]), tuple((n.lower(), v) for n, _, v in pairs), body)

    @property
    def code(self) -> object:
        return documents.parse(self.body).get("code", "ok")

    def is_signed_for(self, order: Order) -> bool:
        asked = Asked(
            method=order.method, target=order.target, body=order.body, nonce_ns=order.nonce_ns,
            sender=order.signer.ss58,
        )  # fmt: skip
        headers = [(n.encode(), v.encode()) for n, v in self.headers]
        outcome = replies.check(headers, status=self.status, asked=asked, body=self.body)
        return isinstance(outcome, Signed) and outcome.hotkey == ALICE.ss58


@dataclass(frozen=True)
class Order:
    """A request, as bytes.  `more` replaces or adds headers; None takes one away."""

    body: bytes = b"{}"
    method: str = "POST"
    target: str = "/echo"
    nonce_ns: int = 0
    receiver: str = ALICE.ss58
    signer: Hotkey = BOB
    more: Sequence[tuple[str, str | None]] = ()

    def dated(self, ahead_s: float) -> Order:
        return replace(self, nonce_ns=time.time_ns() + int(ahead_s * 1e9))

    def head(self) -> bytes:
        signed = auth.sign(
            self.signer, method=self.method, target=self.target, body=self.body,
            receiver=self.receiver, nonce_ns=self.nonce_ns,
        )  # fmt: skip
        lines = {"Host": "x", "Content-Length": str(len(self.body)), "Connection": "close"}
        fields: dict[str, str | None] = {**lines, **signed, **dict(self.more)}
        text = "".join(f"{n}: {v}\r\n" for n, v in fields.items() if v is not None)
        return f"{self.method} {self.target} HTTP/1.1\r\n{text}\r\n".encode("latin-1")

    def __bytes__(self) -> bytes:
        return self.head() + self.body


def now(**changes: object) -> Order:
    return replace(Order(nonce_ns=time.time_ns()), **changes)  # type: ignore[arg-type]


KEEP = (("Connection", None),)  # `more` of an order that leaves the connection open
