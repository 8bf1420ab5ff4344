"""A miner's heartbeats: one document a beat, the same bytes for every validator.

`daemon` runs `Beats.run`, sets `targets` from the chain and the config, and calls `hurry` when
the endpoint or what is offered has changed.  A slow or dead validator delays nobody else.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf

import trio

from polarisd.api.chain import Validator
from polarisd.api.reading import known
from polarisd.heartbeat import pacing
from polarisd.heartbeat.courier import Courier
from polarisd.heartbeat.delivery import Delivery
from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.hearing import Hearing
from polarisd.heartbeat.making import Facts, Origin
from polarisd.heartbeat.peers import Peer, Target, placed
from polarisd.heartbeat.scribe import Scribe
from polarisd.heartbeat.sequence import Sequence, Unnumbered
from polarisd.heartbeat.telling import clock_off
from polarisd.journal import fields

log = logging.getLogger(__name__)

MAX_VALIDATORS = 256
_PUBLISH_GAP_S = 0.25
# Answers that are older say nothing of the clock now.
_CLOCK_FRESH_S = 900.0


class Beats:
    """`publish` is told what became of the validators, soon after it did; `sighting` each
    address that a validator saw us at; `trouble` why no heartbeats are made and what to do, or
    "" for both once that is over."""

    def __init__(
        self,
        *,
        origin: Origin,
        facts: Callable[[], Facts],
        sequence: Sequence,
        courier: Courier,
        interval_s: float,
        clock: Callable[[], float],
        publish: Callable[[tuple[Validator, ...]], None],
        sighting: Callable[[str, str, float], None],
        trouble: Callable[[str, str], None] = lambda problem, remedy: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.problem = ""
        self._origin = origin
        self._scribe = Scribe(origin, facts, sequence, clock)
        self._interval_s = interval_s
        self._clock = clock
        self._publish = publish
        self._trouble = trouble
        self._chance = chance
        hearing = Hearing(
            hotkey=origin.hotkey.ss58,
            sequence=sequence,
            interval_s=interval_s,
            clock=clock,
            sighting=sighting,
            chance=chance,
        )
        self._delivery = Delivery(courier, hearing, clock, leaps=self.hurry, done=self._done)
        self._peers: dict[str, Peer] = {}
        self._remedy = ""
        self._wake = trio.Event()
        self._is_hurried = False
        self._changed = trio.Event()
        self._next_beat_at = -inf
        # Of any run: who stops and starts all the time must not send more often.
        self._last_beat_at = -inf

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(peer.target for peer in self._peers.values())

    @targets.setter
    def targets(self, targets: Iterable[Target]) -> None:
        """In the order of their weight: of too many the first stay.  Ourselves are left out."""
        others = {t.hotkey: t for t in targets if t.hotkey != self._origin.hotkey.ss58}
        before = self._peers
        self._peers = {
            name: placed(target, before.get(name))
            for name, target in list(others.items())[:MAX_VALIDATORS]
        }
        if any(before.get(name) is not peer for name, peer in self._peers.items()):
            self._wake.set()
        self._changed.set()

    def hurry(self) -> None:
        """Tell all validators soon: something has changed that they should know."""
        self._is_hurried = True
        self._wake.set()

    async def newest(self) -> Signed | Unnumbered:
        """What validators were told last, or what they would be told now."""
        return await self._scribe.newest()

    def views(self) -> tuple[Validator, ...]:
        now = self._clock()
        peers = self._peers.values()
        off = clock_off(
            peer.ahead_s
            for peer in peers
            if peer.ahead_s is not None
            and now - (known(peer.view.heard_at) or -inf) <= _CLOCK_FRESH_S
        )
        return tuple(peer.shown(off, self.problem, self._remedy) for peer in peers)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._tell("", "")  # of an earlier run: whoever is told begins anew, too
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._publishing)
            task_status.started()
            while True:
                await trio.sleep_until(self._last_beat_at + pacing.MIN_GAP_S)
                beat_at = trio.current_time()
                is_sent = await self._beat(nursery, beat_at)
                self._last_beat_at = beat_at if is_sent else self._last_beat_at
                if is_sent or beat_at >= self._next_beat_at:
                    wait_s = pacing.to_next_beat_s(self._interval_s, self._chance())
                    self._next_beat_at = beat_at + wait_s
                with trio.move_on_at(self._next_beat_at):
                    await self._wake.wait()

    async def _publishing(self) -> None:
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            self._publish(self.views())
            await trio.sleep(_PUBLISH_GAP_S)

    async def _beat(self, nursery: trio.Nursery, beat_at: float) -> bool:
        """Whether there was anybody to send to."""
        hurried, self._is_hurried, self._wake = self._is_hurried, False, trio.Event()
        for peer in self._peers.values():
            peer.is_owed = peer.is_owed or hurried
        due = [
            peer
            for peer in self._peers.values()
            if not peer.is_busy and peer.pace.is_due(beat_at, hurried=peer.is_owed)
        ]
        if not due:
            return False
        signed = await self._scribe.write()
        if isinstance(signed, Unnumbered):
            self._tell(f"cannot number heartbeats: {signed.why}", signed.remedy)
            return True
        self._tell("", "")
        body = json.dumps(signed.envelope, separators=(",", ":")).encode()
        nursery.start_soon(self._delivery.deliver, due, body, beat_at)
        return True

    def _done(self, peer: Peer) -> None:
        due_s = max(peer.pace.due_at, self._next_beat_at) - trio.current_time()
        peer.view = replace(peer.view, next_at=self._clock() + max(0.0, due_s))
        self._changed.set()
        if peer.is_owed:
            self._wake.set()

    def _tell(self, problem: str, remedy: str) -> None:
        if problem == self.problem:
            return
        self.problem, self._remedy = problem, remedy
        if problem:
            log.error(problem, extra=fields(event="heartbeats_stopped"))
        self._trouble(problem, remedy)
        self._changed.set()
