"""Peers who are many, or ask much: seats, and budgets of addresses, networks and hotkeys."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

import trio

from polarisd.http.documents import parse
from tests.http.support import (
    KEEP,
    QUICK,
    Order,
    Said,
    facing,
    now,
    read_all,
    statuses_in,
    well_after,
)  # fmt: skip
from tests.unit.http_support import BOB, CAROL


async def test_connections_beyond_the_cap_are_turned_away_and_signers_get_through() -> None:
    limits = replace(QUICK, most_connections=20, most_connections_of_address=10, idle_s=30)
    async with well_after(limits) as site, AsyncExitStack() as held:
        most = 0
        for number in range(1500):
            source = f"127.0.{number % 5}.{1 + number // 5 % 250}"
            await held.enter_async_context(await site.connect(source))
            most = max(most, site.face.connections)
            if number % 300 == 299:
                assert (await site.ask(bytes(now()))).status == 200
        assert most == 20


async def test_one_address_gets_so_many_connections() -> None:
    limits = replace(QUICK, most_connections_of_address=3, idle_s=30)
    async with facing(limits=limits) as site, AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(await site.connect())
        await trio.testing.wait_all_tasks_blocked(0.05)
        said = await site.ask(bytes(now()))
        assert (said.status, said.code) == (503, "busy")
        async with await site.connect("127.0.0.2") as other:
            await other.send_all(bytes(now()))
            assert Said.read(await read_all(other)).status == 200


async def test_the_budget_of_an_address() -> None:
    limits = replace(QUICK, address_rate_per_s=0.5, address_burst=6)
    async with facing(limits=limits) as site:
        statuses = [(await site.ask(bytes(now()))).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]  # a connection and a request each
        said = await site.ask(bytes(now()))
        assert said.code == "rate_limited"
        assert 0 < int(dict(said.headers)["retry-after"]) <= 2
        assert 0 < float(str(parse(said.body)["retry_after_s"])) <= 2
        async with await site.connect("127.0.0.2") as other:
            await other.send_all(bytes(now()))
            assert Said.read(await read_all(other)).status == 200


async def test_requests_of_one_connection_are_counted_too() -> None:
    limits = replace(QUICK, address_rate_per_s=0.01, address_burst=4)
    async with facing(limits=limits) as site:
        said = await site.say(b"".join(bytes(now(more=KEEP)) for _ in range(4)), ends=True)
    assert statuses_in(said) == [b"200", b"200", b"200", b"429"]


async def test_a_crowd_of_addresses_does_not_keep_out_who_is_known() -> None:
    limits = replace(QUICK, strangers_rate_per_s=0.5, strangers_burst=10)
    async with facing(limits=limits, is_known=lambda hotkey: hotkey == BOB.ss58) as site:

        async def ask(source: str, order: Order) -> object:
            async with await site.connect(source) as stream:
                await stream.send_all(bytes(order))
                return Said.read(await read_all(stream)).code

        assert await ask("127.0.1.1", now()) == "ok"  # BOB, whose address is known from now on
        crowd = [await ask(f"127.0.2.{n + 1}", now(signer=CAROL)) for n in range(8)]
        assert crowd == ["ok"] * 4 + ["rate_limited"] * 4
        assert [await ask("127.0.1.1", now()) for _ in range(8)] == ["ok"] * 8
        assert await ask("127.0.2.9", now(signer=CAROL)) == "rate_limited"


async def test_the_budget_of_a_hotkey() -> None:
    limits = replace(QUICK, hotkey_rate_per_s=0.1, hotkey_burst=2)
    async with facing(limits=limits) as site:
        orders = [now() for _ in range(3)]
        said = [await site.ask(bytes(order)) for order in orders]
    assert [s.status for s in said] == [200, 200, 429]
    assert said[2].is_signed_for(orders[2])
    assert 5 < float(str(parse(said[2].body)["retry_after_s"])) <= 10
