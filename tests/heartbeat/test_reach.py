"""What a validator sees of ports that are open, greet, are closed or say nothing."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address

import pytest
import trio
from trio.testing import MockClock

from polarisd.api.chain import PortSeen
from polarisd.heartbeat.looking import Plan
from polarisd.heartbeat.reach import CONNECT_S, GREETING_S, Reach, is_ours, look, may_look
from tests.unit.heartbeat_support import FACTS, Clock, beat

HERE = ip_address("127.0.0.1")
Talk = Callable[[trio.SocketStream], Awaitable[None]]


@pytest.fixture
def patient_clock() -> MockClock:
    """Time is jumped over when nothing more comes over the loopback."""
    return MockClock(autojump_threshold=0.1)


@asynccontextmanager
async def listening(talk: Talk, host: str = "127.0.0.1") -> AsyncIterator[int]:
    listeners = await trio.open_tcp_listeners(0, host=host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, talk, listeners)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def says(*pieces: bytes) -> Talk:
    async def talk(stream: trio.SocketStream) -> None:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(0.01)
        await trio.sleep(60)

    return talk


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.aclose()


async def pour(stream: trio.SocketStream) -> None:
    try:
        while True:
            await stream.send_all(b"SSH" * 1000)
    except trio.BrokenResourceError:
        pass


@pytest.mark.parametrize(
    ("talk", "answer"),
    [
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "ssh"),
        (says(b"SSH", b"-2.", b"0-dropbear"), "ssh"),
        (says(b"welcome\r\n", b"SSH-2.0-x\r\n"), "ssh"),
        (says(b"HTTP/1.1 400 SSH-2.0-no\r\n"), "open"),
        (says(b"x" * 255 + b"\nSSH-2.0-late\r\n"), "open"),
        (says(), "open"),
        (hang_up, "open"),
        (pour, "open"),
    ],
)
async def test_a_greeting_makes_it_ssh(patient_clock: MockClock, talk: Talk, answer: str) -> None:
    async with listening(talk) as port:
        begun = trio.current_time()
        assert await look(Plan(HERE, None, (port,), ())) == (PortSeen(port=port, answer=answer),)
        assert trio.current_time() - begun <= GREETING_S + 0.1


async def test_of_the_api_port_no_greeting_is_waited_for(patient_clock: MockClock) -> None:
    async with listening(says()) as port:
        assert await look(Plan(HERE, port, (), ())) == (PortSeen(port=port, answer="open"),)
        assert trio.current_time() == 0


async def test_closed_silent_and_not_tried(patient_clock: MockClock) -> None:
    with socket.socket() as bound, socket.socket() as full:
        bound.bind(("127.0.0.1", 0))
        closed = bound.getsockname()[1]
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        silent = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        try:
            for each in crowd:  # until the kernel drops what comes to this port
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", silent))
            seen = await look(Plan(HERE, None, (closed, silent), (22,)))
        finally:
            for each in crowd:
                each.close()
    answers = {each.port: each.answer for each in seen}
    assert answers == {22: "not_tried", closed: "closed", silent: "silent"}
    assert trio.current_time() <= CONNECT_S + 0.1


async def test_it_looks_in_the_background_and_remembers(patient_clock: MockClock) -> None:
    reach = Reach(clock=Clock(5.0), may_connect=lambda _: True)
    async with listening(says(b"SSH-2.0-x\r\n")) as port, trio.open_nursery() as nursery:
        await nursery.start(reach.run)
        facts = replace(FACTS, endpoint=f"127.0.0.1:{port}", ssh_first=port, ssh_last=port)
        heartbeat = beat(facts=facts).heartbeat
        reach.consider(heartbeat, HERE)
        await trio.sleep(1)
        seen = reach.looks[heartbeat.hotkey]
        nursery.cancel_scope.cancel()
    assert (seen.at, seen.address) == (5.0, "127.0.0.1")
    assert seen.ports == (PortSeen(port=port, answer="open"),)


def test_its_own_addresses_are_told_from_those_of_others() -> None:
    assert is_ours(ip_address("127.0.0.1"))
    assert not is_ours(ip_address("203.0.113.7"))
    assert not may_look(ip_address("127.0.0.1"))


async def test_by_default_it_does_not_look_into_private_networks(
    patient_clock: MockClock,
) -> None:
    reach = Reach(clock=Clock())
    async with listening(says()) as port, trio.open_nursery() as nursery:
        await nursery.start(reach.run)
        facts = replace(FACTS, endpoint=f"127.0.0.1:{port}")
        heartbeat = beat(facts=facts).heartbeat
        reach.consider(heartbeat, HERE)
        await trio.sleep(1)
        seen = reach.looks[heartbeat.hotkey]
        nursery.cancel_scope.cancel()
    assert {each.answer for each in seen.ports} == {"not_tried"}
