"""An AddressWatch in a namespace, and a record of everything that it published."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio
from trio.socket import SocketType

from polarisd.api.network import Network, Public
from polarisd.api.reading import Reading, Unknown
from polarisd.net import netlink
from polarisd.net.given import Settings
from polarisd.net.interfaces import Interfaces
from polarisd.net.watch import AddressWatch
from tests.net.lab import Namespace

PATIENCE_S = 10.0


class Record:
    """What was published, and how often the kernel was asked."""

    def __init__(self) -> None:
        self.published: list[Network] = []
        self.at: list[float] = []
        self.reads = 0
        self._more = trio.Event()

    def publish(self, network: Network) -> None:
        self.published.append(network)
        self.at.append(time.perf_counter())
        self._more.set()
        self._more = trio.Event()

    @property
    def newest(self) -> Network:
        return self.published[-1]

    async def until(self, holds: Callable[[Network], bool]) -> Network:
        """The newest that was published, as soon as this holds for it."""
        with trio.move_on_after(PATIENCE_S):
            while not self.published or not holds(self.newest):
                await self._more.wait()
            return self.newest
        raise AssertionError(f"not so within {PATIENCE_S} s: {self.published[-1:]}")

    async def until_endpoint(self, endpoint: str) -> Network:
        return await self.until(lambda network: network.endpoint == endpoint)

    async def until_unknown(self, *words: str) -> Network:
        """Until there is no endpoint, for a reason in these words."""
        return await self.until(
            lambda network: (
                isinstance(network.endpoint, Unknown)
                and all(word in network.endpoint.detail for word in words)
            )
        )


@asynccontextmanager
async def watching(
    namespace: Namespace, settings: Settings | None = None
) -> AsyncIterator[tuple[AddressWatch, Record]]:
    """The caller's thread is in the namespace as long as this lasts."""
    record = Record()

    async def follow(publish: Callable[[Reading[Interfaces]], None]) -> None:
        def count(interfaces: Reading[Interfaces]) -> None:
            record.reads += 1
            publish(interfaces)

        await netlink.follow(count)

    watch = AddressWatch(settings or Settings(), record.publish, get, time.time, follow=follow)
    with namespace:
        async with trio.open_nursery() as nursery:
            await nursery.start(watch.run)
            yield watch, record
            nursery.cancel_scope.cancel()


@dataclass
class NoBody:
    text: str


async def get(
    url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
) -> bytes | NoBody:
    """As much of HTTP as an echo service needs."""
    host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
    try:
        with trio.fail_after(deadline_s):
            stream = await trio.open_tcp_stream(host, int(port), local_address=from_address)
            async with stream:
                await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
                answer = b"".join([chunk async for chunk in stream])
    except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
        return NoBody(str(error))
    return answer.partition(b"\r\n\r\n")[2][:most_bytes]


async def serve_echo(namespace: Namespace, address: str, port: int, nursery: trio.Nursery) -> None:
    """An echo service at a place in the namespace: says where its client came from."""
    listener = await _listener(namespace, address, port)

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(1024)
            peer = stream.socket.getpeername()[0]
            await stream.send_all(f"HTTP/1.0 200 OK\r\n\r\n{peer}\n".encode())

    nursery.start_soon(trio.serve_listeners, answer, [trio.SocketListener(listener)])


async def seen_from(namespace: Namespace, address: str, port: int) -> str:
    """Where a validator at a place in `namespace` sees a connection from the caller come from."""
    listener = await _listener(namespace, address, port)
    with listener, trio.fail_after(PATIENCE_S):
        stream = await trio.open_tcp_stream(address, port)
        async with stream:
            connection, peer = await listener.accept()
            connection.close()
    return str(peer[0])


async def _listener(namespace: Namespace, address: str, port: int) -> SocketType:
    with namespace:
        listener = trio.socket.socket()
        listener.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEADDR, 1)
        await listener.bind((address, port))
    listener.listen()
    return listener


def source_of(public: Reading[Public]) -> str:
    return "" if isinstance(public, Unknown) else public.source
