"""The line to the chain: opened, checked, watched, and opened anew whenever it breaks.

For `actor` and `submits`: `ask` is the only way to the node.  Owns the asyncio thread and
the one connection in it.  No hot loops: after each failure it waits as `backoff` says, and
until then questions fail at once, with the reason.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import trio

from polarisd.api import chain as states
from polarisd.chain import reads, sdk
from polarisd.chain.backoff import ASKED_AWAY
from polarisd.chain.config import ActorConfig
from polarisd.chain.failures import fail
from polarisd.chain.loop import AioThread
from polarisd.chain.outcomes import Failed, Outcome
from polarisd.chain.port import Link
from polarisd.chain.probe import check
from polarisd.chain.rota import Rota
from polarisd.chain.values import Head, Identity

log = logging.getLogger(__name__)

T = TypeVar("T")

_STATE_OF = {
    "stalled": states.STALLED,
    "wrong_chain": states.REFUSED,
    "not_understood": states.REFUSED,
}


class Line:
    """`await nursery.start(line.run)`.  `tell` and `heard` are called on the trio side, for
    each change of `link` and each head."""

    def __init__(
        self,
        config: ActorConfig,
        *,
        tell: Callable[[Link], None],
        heard: Callable[[Head], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.link = Link(state=states.STARTING, endpoint=config.endpoint)
        self._config = config
        self._patience = config.patience
        self._tell = tell
        self._heard = heard
        self._chance = chance
        self._aio = AioThread(name="chain")
        self._connection: sdk.Connection | None = None
        self._opened = trio.Event()  # set while there is a connection, or none is tried for
        self._session: trio.CancelScope | None = None
        self._ended: Failed | None = None
        self._waiting_for: Failed | None = None
        self._highest = -1
        self._session_highest = -1
        self._moved = False
        self._next_head = trio.Event()
        self._progress = trio.Event()
        self._rota = Rota(config.endpoints, config.patience.pace)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        thread = trio.CancelScope(shield=True)  # it must outlive the connection in it
        async with trio.open_nursery() as nursery:
            await nursery.start(self._hold_thread, thread)
            task_status.started()
            try:
                while True:
                    self._moved = False
                    await self._leave_alone(await self._hold_a_session())
            finally:
                thread.cancel()

    async def _hold_thread(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]
    ) -> None:
        with scope:
            await self._aio.run(task_status=task_status)

    # Questions.

    async def ask(self, work: Callable[..., Awaitable[T | Failed]], *args: Any) -> Outcome[T]:
        """`work(connection, *args)`, or Failed: always within the deadline of a read."""
        if self._connection is not None:
            return await self.ask_on(self._connection, work, *args)
        with trio.move_on_after(self._patience.read_s):
            connection = await self.connection()
            if isinstance(connection, Failed):
                return connection
            return await self.ask_on(connection, work, *args)
        return fail("timeout")

    async def ask_on(
        self, connection: sdk.Connection, work: Callable[..., Awaitable[T | Failed]], *args: Any
    ) -> Outcome[T]:
        with trio.move_on_after(self._patience.read_s):
            answer = await self._over_there(work, connection, *args)
            if isinstance(answer, Failed) and answer.code in ASKED_AWAY:
                self._end_session(answer)
            return answer
        return fail("timeout")

    async def connection(self) -> sdk.Connection | Failed:
        """The one there is; while it is being opened, waits; Failed while nothing is tried."""
        while True:
            if self._connection is not None:
                return self._connection
            if self._waiting_for is not None:
                return self._waiting_for
            await self._opened.wait()

    async def reopen(self) -> None:
        """For a transaction that the node refused for a reason that may lie in the connection."""
        self._end_session(fail("reopened"))
        await trio.lowlevel.checkpoint()

    async def head_or(self, at_most_s: float) -> None:
        """Until the next head comes, or for so long."""
        with trio.move_on_after(at_most_s):
            await self._next_head.wait()

    # The session.

    async def _hold_a_session(self) -> Failed:
        """From opening to the end of a connection; returns why it ended."""
        endpoint = self._rota.endpoint
        self._ended = None
        connection: sdk.Connection | Failed | None = None
        try:
            with trio.move_on_after(self._patience.connect_s):
                connection = await self._over_there(sdk.connect, endpoint, self._config.cache_dir)
            if connection is None:
                return fail("timeout", f"connecting to {endpoint}")
            if isinstance(connection, Failed):
                return connection
            identity = await self._accept(connection)
            if isinstance(identity, Failed):
                return identity
            return await self._follow(connection, identity)
        finally:
            self._hang_up()
            if isinstance(connection, sdk.Connection):
                with trio.move_on_after(self._patience.close_s, shield=True):
                    with suppress(trio.ClosedResourceError):  # the thread has died
                        await self._over_there(sdk.close, connection)

    async def _accept(self, connection: sdk.Connection) -> Identity | Failed:
        with trio.move_on_after(self._patience.connect_s):
            identity = await self._over_there(reads.identity, connection)
            if isinstance(identity, Failed):
                return identity
            has = await self._over_there(reads.abilities, connection)
            if isinstance(has, Failed):
                return has
            connection.abilities = has
            return check(identity, has, self._config.genesis_hash) or identity
        return fail("timeout", f"asking {connection.endpoint} who it is")

    async def _follow(self, connection: sdk.Connection, identity: Identity) -> Failed:
        patience = self._patience
        block_s = patience.block_time_s or max(identity.block_time_s, 0.05)
        before, self._session_highest = self.link.identity, -1
        with trio.CancelScope() as self._session:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear, connection)
                nursery.start_soon(self._watch_runtime, connection, identity)
                self._connection = connection
                stands = self.link.state == states.STALLED
                self._set(
                    state=states.STALLED if stands else states.STARTING,
                    endpoint=connection.endpoint,
                    why=self.link.why if stands else None,
                    next_try_s=None,
                    identity=identity,
                    changed_from=_changed_from(before, identity, self.link.changed_from),
                )
                self._opened.set()
                await self._watch_progress(patience.stall_blocks * block_s)
        self._session = None
        return self._ended or fail("unreachable")

    async def _watch_progress(self, patience_s: float) -> None:
        while True:
            with trio.move_on_after(patience_s) as standing:
                await self._progress.wait()
            if standing.cancelled_caught:
                if self._session_highest >= 0:
                    # a node that lags, but moves, is better than none the next time
                    self._highest = self._session_highest
                self._end_session(fail("stalled", f"it is block {self._highest}"))

    async def _hear(self, connection: sdk.Connection) -> None:
        put = self._aio.newest(partial(self._take_head, connection))
        ended = await self._over_there(reads.follow, connection, put)
        self._end_session(ended or fail("unreachable", "it ended the stream of blocks"))

    def _take_head(self, connection: sdk.Connection, head: Head) -> None:
        if self._connection is not connection:
            return  # of a connection that is over
        known = self._highest
        self._session_highest = max(self._session_highest, head.number)
        if head.number > known or self.link.state == states.STARTING:
            self._highest = head.number
            progress, self._progress = self._progress, trio.Event()
            progress.set()
            self._moved = self._moved or known >= 0
            if self.link.state != states.FOLLOWING:
                self._set(state=states.FOLLOWING, why=None, next_try_s=None)
        event, self._next_head = self._next_head, trio.Event()
        event.set()
        self._heard(head)

    async def _watch_runtime(self, connection: sdk.Connection, identity: Identity) -> None:
        while True:
            await self._next_head.wait()
            found = await self.ask_on(connection, reads.spec_version)
            if not isinstance(found, Failed) and found != identity.spec_version:
                versions = f"from version {identity.spec_version} to {found}"
                self._end_session(fail("runtime_changed", versions))

    def _end_session(self, why: Failed) -> None:
        if self._ended is None:
            self._ended = why
        if self._session is not None:
            self._hang_up()
            self._session.cancel()

    def _hang_up(self) -> None:
        self._connection = None
        if self._opened.is_set():
            self._opened = trio.Event()

    async def _leave_alone(self, why: Failed) -> None:
        wait = self._rota.after(
            why, was_good=self._moved, chance=self._chance(), now=trio.current_time()
        )
        if wait == 0:
            return
        state = _STATE_OF.get(why.code, states.UNREACHABLE)
        if self.link.state == states.STALLED and why.code == "timeout":
            state = states.STALLED
        self._set(state=state, why=why, next_try_s=wait)
        log.info("leaving the chain node alone for %.1f s: %s", wait, why.text)
        self._waiting_for = why
        self._opened.set()
        await trio.sleep(wait)
        self._waiting_for = None
        self._hang_up()

    def _set(self, **changes: Any) -> None:
        link = replace(self.link, **changes)
        if link != self.link:
            self.link = link
            self._tell(link)

    async def _over_there(
        self, work: Callable[..., Awaitable[T | Failed]], *args: Any
    ) -> T | Failed:
        return await self._aio.call(partial(sdk.guarded, work, *args))


def _changed_from(before: Identity | None, now: Identity, earlier: int | None) -> int | None:
    same_chain = before is not None and before.genesis_hash == now.genesis_hash
    if before is None or not same_chain:
        return None
    return before.spec_version if before.spec_version != now.spec_version else earlier
