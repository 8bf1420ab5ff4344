"""Questions to the chain through the actor, beside the SDK in a plain asyncio loop.

Both ask the same devnode the same, in turn, each over a connection of its own; so the
difference is our bridge between trio and asyncio, and our checks of what comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any

import bittensor
import trio

from polarisd.chain.actor import Actor
from polarisd.chain.loop import AioThread
from tests.bench.place import Place
from tests.bench.result import Row, bounded, compared
from tests.chain.support import HOT, NETUID, following, hotkey
from tests.devnode.client import DevNode

_ROUNDS = 25
_PER_ROUND = 40
_NEURONS = 64
_BARE_CALLS = 2000
_TARGET = 1.5
_AWAY_S = 0.001

Plain = Callable[[Any], Awaitable[object]]
Ours = Callable[[Actor], Awaitable[object]]


def run(place: Place) -> Iterator[Row]:
    """From a node a millisecond away, as those in one's own network are, and from one that
    answers at once: there, in a tenth of a millisecond, what it costs to change threads shows."""
    with DevNode(interval_s=5.0) as node:
        for number in range(_NEURONS):
            node.register(NETUID, HOT if number == 0 else f"//Neuron/{number}")
        yield from trio.run(_rows, node, "answered at once", None)
        node.fault("slow", delay_s=_AWAY_S)
        yield from trio.run(_rows, node, "1 ms away", _TARGET)


async def _rows(node: DevNode, where: str, target: float | None) -> list[Row]:
    key = hotkey().ss58

    async def balance(substrate: Any) -> object:
        return await substrate.query("System", "Account", [key])

    async def uid(substrate: Any) -> object:
        return await substrate.query("SubtensorModule", "Uids", [NETUID, key])

    async def metagraph(substrate: Any) -> object:
        return await substrate.runtime_call("SubnetInfoRuntimeApi", "get_metagraph", [NETUID])

    asked: dict[str, tuple[Plain, Ours]] = {
        "a balance": (balance, lambda actor: actor.balance_rao(key)),
        "a UID": (uid, lambda actor: actor.uid(NETUID, key)),
        f"a metagraph of {_NEURONS}": (metagraph, lambda actor: actor.subnet(NETUID)),
    }
    rows = []
    async with following(node) as (actor, _), trio.open_nursery() as nursery:
        aio = AioThread(name="plain asyncio")
        await nursery.start(aio.run)
        substrate = bittensor.RpcSubstrate(node.url)
        await aio.call(substrate.connect)
        for what, (plain, ours) in asked.items():
            theirs, own = await _in_turn(aio, substrate, actor, plain, ours)
            rows.append(compared(f"{what}, {where}", own, "plain asyncio", theirs, at_most=target))
        begun = time.perf_counter()
        for _ in range(_BARE_CALLS):
            await aio.call(_nothing)
        each_us = (time.perf_counter() - begun) / _BARE_CALLS * 1e6
        rows.append(bounded(f"a call of nothing at all, {where}", each_us, "µs"))
        await aio.call(substrate.close)
        nursery.cancel_scope.cancel()
    return rows


async def _in_turn(
    aio: AioThread, substrate: Any, actor: Actor, plain: Plain, ours: Ours
) -> tuple[float, float]:
    """Median ms of a question: plain, and ours."""

    async def ask_plainly() -> float:
        begun = time.perf_counter()
        for _ in range(_PER_ROUND):
            await plain(substrate)
        return time.perf_counter() - begun

    theirs, own = [], []
    for number in range(-2, _ROUNDS):
        plain_s = await aio.call(ask_plainly)
        begun = time.perf_counter()
        for _ in range(_PER_ROUND):
            await ours(actor)
        own_s = time.perf_counter() - begun
        if number >= 0:  # the first rounds warm up
            theirs.append(plain_s / _PER_ROUND * 1e3)
            own.append(own_s / _PER_ROUND * 1e3)
    return median(theirs), median(own)


async def _nothing() -> None:
    await asyncio.sleep(0)
