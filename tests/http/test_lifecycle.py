"""Listening, stopping, and that a face can begin anew."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
import trio

from polarisd.http.listening import CannotBind, bind
from polarisd.http.routes import Reply, Request
from polarisd.http.server import Face
from tests.http.support import ECHO, QUICK, Said, Site, facing, now, read_all
from tests.unit.http_support import ALICE, BOB, CAROL


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        for address in ("127.0.0.1", ""):
            outcome = bind(address, other.getsockname()[1])
            assert isinstance(outcome, CannotBind)
            assert outcome.in_use and outcome.passing
            assert "Address already in use" in outcome.why
            assert "ports.api" in outcome.remedy


@pytest.mark.parametrize(
    ("address", "why", "passing"),
    [
        ("203.0.113.7", "cannot listen on 203.0.113.7:8000: Cannot assign", True),
        ("2001:db8::7", "cannot listen on [2001:db8::7]:8000: Cannot assign", True),
        ("localhost", "cannot listen on 'localhost': it is not an IP address", False),
    ],
)
def test_an_address_that_is_not_here(address: str, why: str, passing: bool) -> None:
    outcome = bind(address, 8000)
    assert isinstance(outcome, CannotBind)
    assert outcome.why.startswith(why) and outcome.remedy
    assert (outcome.in_use, outcome.passing) == (False, passing)


async def test_both_families_are_served_on_one_port() -> None:
    async with facing(host="") as site:
        for host in ("127.0.0.1", "::1"):
            there = replace(site, host=host)
            assert (await there.ask(bytes(now()))).status == 200


class Slow:
    """A handler that says when it has begun, and goes on when told."""

    def __init__(self) -> None:
        self.begun, self.go_on = trio.Event(), trio.Event()

    async def __call__(self, request: Request) -> Reply:
        self.begun.set()
        await self.go_on.wait()
        return Reply(200, {"done": True})


async def test_stopping_lets_a_running_request_finish_and_takes_no_other() -> None:
    slow = Slow()
    async with (
        facing(replace(ECHO, handler=slow, deadline_s=5)) as site,
        await site.connect() as idle,
        await site.connect() as busy,
    ):
        order = now()
        await busy.send_all(bytes(order))
        await slow.begun.wait()
        site.face.stop()
        assert await read_all(idle) == b""  # at once, not when its patience ends
        with pytest.raises(OSError, match="all attempts to connect"):
            await site.connect()
        slow.go_on.set()
        said = Said.read(await read_all(busy))
    assert said.status == 200 and said.is_signed_for(order)


async def test_a_stop_does_not_wait_for_who_has_sent_a_second_request() -> None:
    slow = Slow()
    route, limits = replace(ECHO, handler=slow, deadline_s=60), replace(QUICK, stop_s=60)
    async with facing(route, limits=limits) as site, await site.connect() as busy:
        keep = (("Connection", None),)
        await busy.send_all(bytes(now(more=keep)) + bytes(now(more=keep)))
        await slow.begun.wait()
        site.face.stop()
        slow.go_on.set()
        assert (await read_all(busy)).count(b"HTTP/1.1 200") == 1
        await site.empties()


async def test_a_request_that_outlasts_the_stop_is_told() -> None:
    slow = Slow()
    route = replace(ECHO, handler=slow, deadline_s=60)
    async with facing(route) as site, await site.connect() as busy:
        order = now()
        await busy.send_all(bytes(order))
        await slow.begun.wait()
        site.face.stop()
        said = Said.read(await read_all(busy))
    assert (said.status, said.code) == (503, "stopping") and said.is_signed_for(order)


async def test_cancelling_ends_a_face_at_once() -> None:
    slow = Slow()
    sockets = bind("127.0.0.1", 0)
    assert not isinstance(sockets, CannotBind)
    route = replace(ECHO, handler=slow, deadline_s=60)
    face = Face(hotkey=ALICE, role="miner", routes=[route], limits=QUICK)
    site = Site(face, "127.0.0.1", sockets[0].getsockname()[1])
    async with trio.open_nursery() as nursery:
        await nursery.start(face.serve, sockets)
        async with await site.connect() as busy:
            await busy.send_all(bytes(now()))
            await slow.begun.wait()
            begun = trio.current_time()
            nursery.cancel_scope.cancel()
    assert trio.current_time() - begun < 0.3
    assert face.connections == 0


async def test_a_face_may_serve_again_and_remembers_what_it_took() -> None:
    async with facing() as site:
        order = now()
        assert (await site.ask(bytes(order))).status == 200
    sockets = bind("127.0.0.1", 0)
    assert not isinstance(sockets, CannotBind)
    async with trio.open_nursery() as nursery:
        await nursery.start(site.face.serve, sockets)
        again = replace(site, port=sockets[0].getsockname()[1])
        assert (await again.ask(bytes(order))).code == "replayed"
        assert (await again.ask(bytes(now()))).status == 200
        site.face.stop()


async def test_a_restarted_face_takes_nothing_from_before() -> None:
    async with facing() as site:
        order = now()
        assert (await site.ask(bytes(order))).status == 200
    async with facing() as site:
        said = await site.ask(bytes(order))
        assert said.code == "stale" and said.is_signed_for(order)


async def test_a_clock_that_was_ahead_at_the_start_and_is_set_right() -> None:
    ahead_s = 7200

    async with facing(clock_ns=lambda: time.time_ns() + ahead_s * 10**9) as site:
        assert (await site.ask(bytes(now()))).code == "stale"
        ahead_s = 0
        order = now()
        # it was under way while the clock was set, for all that is known
        assert (await site.ask(bytes(order))).code == "stale"
        order = now()
        assert (await site.ask(bytes(order))).code == "ok"
        assert (await site.ask(bytes(order))).code == "replayed"


async def test_strangers_do_not_crowd_out_the_known() -> None:
    limits = replace(QUICK, most_hotkeys=1)
    async with facing(limits=limits, is_known=lambda hotkey: hotkey == CAROL.ss58) as site:
        assert (await site.ask(bytes(now()))).status == 200
        other = now(signer=ALICE)
        said = await site.ask(bytes(other))
        assert (said.status, said.code) == (503, "busy")
        order = now(signer=CAROL)
        assert (await site.ask(bytes(order))).status == 200
        assert (await site.ask(bytes(order))).code == "replayed"


async def test_who_becomes_known_cannot_replay_what_it_sent_as_a_stranger() -> None:
    known: set[str] = set()
    async with facing(is_known=known.__contains__) as site:
        order = now()
        assert (await site.ask(bytes(order))).status == 200
        known.add(BOB.ss58)
        assert (await site.ask(bytes(order))).code == "replayed"
        assert (await site.ask(bytes(now()))).status == 200
