"""Miners and validators, joined by the real face and courier as the daemon joins them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trio

from polarisd.api.chain import Validator
from polarisd.heartbeat import sequence
from polarisd.heartbeat.answering import Answering, Miner
from polarisd.heartbeat.book import Book
from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.document import MAX_ENVELOPE_BYTES
from polarisd.heartbeat.keeping import Keeper
from polarisd.heartbeat.making import Facts
from polarisd.heartbeat.peers import Target
from polarisd.heartbeat.reach import Reach
from polarisd.heartbeat.sender import Beats
from polarisd.http.client import Courier
from polarisd.http.limits import Limits
from polarisd.http.listening import CannotBind, bind
from polarisd.http.routes import SIGNED, Reply, Request, Route
from polarisd.http.server import Face
from polarisd.keys import Hotkey
from tests.unit.heartbeat_support import FACTS, MINER, origin

Handler = Callable[[Request], Awaitable[Reply]]
LIMITS = Limits(hotkey_rate_per_s=1e4, hotkey_burst=10_000, most_nonces_of_hotkey=10_000)


@dataclass(frozen=True)
class Running:
    """A validator at its endpoint."""

    target: Target
    answering: Answering

    async def until(self, holds: Callable[[Sequence[Miner]], object]) -> None:
        with trio.fail_after(10):
            while not holds(self.answering.miners()):  # noqa: ASYNC110 it tells nobody
                await trio.sleep(0.02)


def handler_of(answering: Answering) -> Handler:
    async def answer(request: Request) -> Reply:
        assert request.caller is not None
        said = answering.answer(
            request.body,
            signer=request.caller.hotkey,
            address=request.peer_address,
            port=request.peer_port,
        )
        return Reply(said.status, said.body)

    return answer


@asynccontextmanager
async def face(
    key: Hotkey, handler: Handler, limits: Limits = LIMITS, shift_s: float = 0.0
) -> AsyncIterator[Target]:
    """Somebody who serves the route of heartbeats, and answers as `handler` does."""
    route = Route(
        method="POST",
        path=PATH,
        access=SIGNED,
        handler=handler,
        most_bytes=MAX_ENVELOPE_BYTES,
        is_json=False,
    )
    served = Face(
        hotkey=key,
        role="validator",
        routes=[route],
        limits=limits,
        clock_ns=lambda: time.time_ns() + int(shift_s * 1e9),
    )
    sockets = bind("127.0.0.1", 0)
    assert not isinstance(sockets, CannotBind)
    port = sockets[0].getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: served.serve(sockets, task_status=task_status))
        yield Target(key.ss58, f"127.0.0.1:{port}")
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def validator(
    key: Hotkey,
    directory: Path,
    *,
    is_registered: Callable[[str], bool] = lambda _: True,
    shift_s: float = 0.0,
    limits: Limits = LIMITS,
    netuid: int = 0,
) -> AsyncIterator[Running]:
    """An honest one, with all that it has; a lab's, for it looks at private addresses."""

    def clock() -> float:
        return time.time() + shift_s

    await trio.Path(directory).mkdir(exist_ok=True)
    book = Book(network="independent", netuid=netuid, is_registered=is_registered)
    reach = Reach(clock=clock, may_connect=lambda _: True)
    keeper = Keeper(directory, book.records.values, clock)
    keeper.open(book)
    answering = Answering(book=book, reach=reach, keeper=keeper, clock=clock, next_beat_s=30.0)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        await nursery.start(reach.run)
        async with face(key, handler_of(answering), limits, shift_s) as target:
            yield Running(target, answering)
        nursery.cancel_scope.cancel()


class Told:
    """What `publish` and `sighting` were told, and a way to wait for it."""

    def __init__(self) -> None:
        self.views: Mapping[str, Validator] = {}
        self.sightings: list[tuple[str, str]] = []
        self._event = trio.Event()

    def publish(self, views: tuple[Validator, ...]) -> None:
        self.views = {view.hotkey: view for view in views}
        self._event.set()
        self._event = trio.Event()

    async def until(self, holds: Callable[[Mapping[str, Validator]], object]) -> None:
        with trio.fail_after(20):
            while not holds(self.views):
                await self._event.wait()


@asynccontextmanager
async def mining(
    directory: Path,
    *targets: Target,
    key: Hotkey = MINER,
    facts: Facts = FACTS,
    shift_s: float = 0.0,
) -> AsyncIterator[tuple[Told, Beats]]:
    told = Told()

    def clock() -> float:
        return time.time() + shift_s

    async with Courier(hotkey=key, clock_ns=lambda: int(clock() * 1e9)) as courier:
        beats = Beats(
            origin=replace(origin(), hotkey=key),
            facts=lambda: facts,
            sequence=sequence.Sequence(directory, clock),
            courier=courier,
            interval_s=30.0,
            clock=clock,
            publish=told.publish,
            sighting=lambda hotkey, address, at: told.sightings.append((hotkey, address)),
        )
        beats.targets = targets
        async with trio.open_nursery() as nursery:
            await nursery.start(beats.run)
            yield told, beats
            nursery.cancel_scope.cancel()


def settled(views: Mapping[str, Any]) -> bool:
    """Whether every validator has been asked, and something was said of it."""
    return bool(views) and all(view.state != "waiting" for view in views.values())
