"""The validator's side of heartbeats, put together: the book of miners, the look at their
ports, and the route that takes heartbeats.  `networking` runs it in the role validator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

from polarisd.api.chain import Miners
from polarisd.api.reading import NOT_KNOWN, Unknown
from polarisd.config import Config
from polarisd.heartbeat.answering import Answering
from polarisd.heartbeat.book import Book
from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.document import MAX_ENVELOPE_BYTES
from polarisd.heartbeat.keeping import Keeper
from polarisd.heartbeat.making import Origin
from polarisd.heartbeat.reach import Reach
from polarisd.http.routes import SIGNED, Reply, Request, Route
from polarisd.members import Members
from polarisd.netparts import may_connect

_LATELY_S = 300.0


class Receiving:
    """`members` gives the newest of them."""

    def __init__(
        self,
        *,
        config: Config,
        origin: Origin,
        directory: Path,
        members: Callable[[], Members],
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._book = Book(
            network=origin.network,
            netuid=origin.netuid,
            is_registered=lambda hotkey: members().is_member(hotkey),
        )
        self._reach = Reach(
            clock=clock,
            named=lambda hotkey: members().endpoint_of(hotkey),
            may_connect=partial(may_connect, config),
        )
        self._keeper = Keeper(directory, self._book.records.values, clock)
        self._answering = Answering(
            book=self._book,
            reach=self._reach,
            keeper=self._keeper,
            clock=clock,
            next_beat_s=config.heartbeat.interval_s,
        )

    async def open(self) -> None:
        """Take up what the validator before this one has written down."""
        await trio.to_thread.run_sync(self._keeper.open, self._book)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._reach.run)
            nursery.start_soon(self._keeper.run)

    def miners(self) -> Miners:
        """In numbers; the book on disk has them by name."""
        found, since = self._answering.miners(), self._clock() - _LATELY_S
        last_at = max((miner.record.last_at for miner in found), default=None)
        return Miners(
            known=len(found),
            heard_lately=sum(miner.record.last_at >= since for miner in found),
            equivocated=sum(miner.equivocated for miner in found),
            last_at=Unknown(NOT_KNOWN, "none was heard") if last_at is None else last_at,
        )

    def route(self) -> Route:
        # Any hotkey that signs: one that is not registered is told so, and what to do.
        return Route(
            method="POST",
            path=PATH,
            access=SIGNED,
            handler=self._take,
            most_bytes=MAX_ENVELOPE_BYTES,
            is_json=False,
        )

    async def _take(self, request: Request) -> Reply:
        assert request.caller is not None, "the route takes signed requests only"
        answer = self._answering.answer(
            request.body,
            signer=request.caller.hotkey,
            address=request.peer_address,
            port=request.peer_port,
        )
        return Reply(answer.status, answer.body)
