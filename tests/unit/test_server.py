"""All sessions together: how many there may be, and how they end.

Whose they are is tested in tests/daemon/test_peers.py, with other users.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
import trio
from trio.testing import MockClock

from polarisd.control.access import AccessRule
from polarisd.control.listener import bind
from polarisd.control.server import Server
from tests.unit.control_support import A_DAY_S, Desk, new_state

OURS = AccessRule(os.getuid(), None, False)


class Hangup(Exception):
    """The server closed without a word."""


class Client:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._unpacker = msgpack.Unpacker()

    async def ask(self, method: str = "snapshot") -> list[Any]:
        """The reply, or the last word."""
        await self._stream.send_all(msgpack.packb([0, 1, method, {}]))
        return await self.frame()

    async def frame(self) -> list[Any]:
        while True:
            for frame in self._unpacker:
                assert isinstance(frame, list)
                return frame
            try:
                with trio.fail_after(A_DAY_S):
                    data = await self._stream.receive_some(1 << 16)
            except trio.BrokenResourceError:
                raise Hangup from None
            if not data:
                raise Hangup
            self._unpacker.feed(data)

    async def close(self) -> None:
        await self._stream.aclose()


Connect = Callable[[], Awaitable[Client]]


@asynccontextmanager
async def serving(
    desk: Desk, max_sessions: int = 64, rule: Callable[[], AccessRule] = lambda: OURS
) -> AsyncIterator[tuple[Server, Connect]]:
    server = Server(services=desk, state=desk.state, rule=rule, max_sessions=max_sessions)
    with tempfile.TemporaryDirectory(prefix="polaris-") as directory:
        path = Path(directory) / "s"
        path.parent.chmod(0o755)  # tests connect as other users too
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(bind(path)))

        async def connect() -> Client:
            return Client(await trio.open_unix_socket(str(path)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve, listener)
            yield server, connect
            server.stop()


@pytest.mark.parametrize("attempt", range(20))
async def test_the_end_is_told_to_everybody(attempt: int, autojump_clock: MockClock) -> None:
    """Whatever the order in which tasks are woken, which trio leaves open."""
    async with serving(Desk(new_state())) as (server, connect):
        clients = [await connect() for _ in range(20)]
        for client in clients[:15]:
            await client.ask()
        for client in clients[:10]:
            await client.ask("watch")
        server.stop()
        for client in clients:
            while (frame := await client.frame())[1] != "closing":
                pass
            assert frame[2]["code"] == "stopping"
            await client.close()


@pytest.mark.parametrize("turns", range(8))
async def test_one_that_comes_at_the_very_end(turns: int, autojump_clock: MockClock) -> None:
    """Accepted or not by then, it is not served, and not waited for."""
    async with serving(Desk(new_state())) as (server, connect):
        client = await connect()
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        server.stop()
        begun = trio.current_time()
        with suppress(Hangup):  # what was not accepted by then
            assert (await client.frame())[2]["code"] == "stopping"
        assert trio.current_time() - begun < 1
        await client.close()


async def test_a_request_under_way_at_the_end(autojump_clock: MockClock) -> None:
    """It is not waited for: what must not be lost is written by whoever does it."""
    desk = Desk(new_state())
    desk.reloading_takes_s = 3600
    async with serving(desk) as (server, connect):
        client = await connect()

        async def ask() -> None:
            assert (await client.ask("reload"))[2]["code"] == "stopping"

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(10)
            server.stop()
        assert trio.current_time() < 20
        await client.close()


async def test_no_more_sessions_than_allowed(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Desk(new_state()), max_sessions=3) as (_, connect):
        served = [await connect() for _ in range(3)]
        for client in served:
            assert (await client.ask())[2] is None
        for _ in range(5):
            one_more = await connect()
            assert (await one_more.frame())[2]["code"] == "too_many_sessions"
            await one_more.close()
        assert len(caplog.record_tuples) == 1
        assert caplog.records[0].levelno == logging.WARNING
        await served.pop().close()
        await trio.sleep(61)
        served.append(await connect())
        assert (await served[-1].ask())[2] is None
        one_more = await connect()
        assert (await one_more.frame())[2]["code"] == "too_many_sessions"
        assert len(caplog.record_tuples) == 2
        for client in (one_more, *served):
            await client.close()


async def test_a_client_that_leaves_at_once(autojump_clock: MockClock) -> None:
    async with serving(Desk(new_state()), max_sessions=2) as (_, connect):
        for _ in range(50):
            await (await connect()).close()
        await trio.sleep(1)
        client = await connect()
        assert (await client.ask())[2] is None
        await client.close()


only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
MEMBER = 4001


async def as_member(connect: Connect) -> Client:
    """A connection of a user who is no owner, but in the group of administrators."""
    os.setegid(MEMBER)
    os.seteuid(MEMBER)
    try:
        return await connect()
    finally:
        os.seteuid(0)
        os.setegid(0)


@only_root
@pytest.mark.parametrize(("limit", "common"), [(32, 28), (16, 12), (8, 7), (2, 1), (1, 1)])
async def test_administrators_leave_room_for_root(
    limit: int, common: int, autojump_clock: MockClock
) -> None:
    rule = AccessRule(0, MEMBER, False)
    async with serving(Desk(new_state()), limit, lambda: rule) as (_, connect):
        clients = [await as_member(connect) for _ in range(common)]
        for client in clients:
            assert (await client.ask())[2] is None
        clients.append(await as_member(connect))
        assert (await clients[-1].frame())[2]["code"] == "too_many_sessions"
        for _ in range(limit - common):
            clients.append(await connect())
            assert (await clients[-1].ask())[2] is None
        clients.append(await connect())
        assert (await clients[-1].frame())[2]["code"] == "too_many_sessions"
        for client in clients:
            await client.close()


@only_root
async def test_who_may_no_longer_talk_is_told_so(autojump_clock: MockClock) -> None:
    rules = [AccessRule(0, MEMBER, False)]
    async with serving(Desk(new_state()), rule=lambda: rules[-1]) as (server, connect):
        member, root = await as_member(connect), await connect()
        for client in (member, root):
            assert (await client.ask())[2] is None
        rules.append(AccessRule(0, None, True))
        server.recheck()
        assert (await member.ask("stop"))[2]["code"] == "not_permitted"
        assert (await member.ask())[2] is None
        rules.append(AccessRule(0, None, False))
        server.recheck()
        assert (await member.frame())[:2] == [2, "closing"]
        assert (await root.ask("stop"))[2] is None
        for client in (member, root):
            await client.close()
