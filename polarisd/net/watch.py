"""Keeps what is known of the public address up to date, and publishes each change of it.

The daemon runs one `AddressWatch`.  All judging is in `public`; here it is only called when
there is something new, or when time alone may change the answer.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import trio

from polarisd.api.network import ECHO, Network
from polarisd.api.reading import Reading, Unknown, known
from polarisd.net import echo, evidence, netlink
from polarisd.net.endpoint import Choice
from polarisd.net.evidence import heard, says_again
from polarisd.net.given import NEVER_MOVED, Settings, Told
from polarisd.net.interfaces import Interfaces
from polarisd.net.kinds import FAMILIES, family_of, parse
from polarisd.net.public import Decision, decide

Publish = Callable[[Network], None]
Follow = Callable[[Callable[[Reading[Interfaces]], None]], Awaitable[None]]

_MOST_SIGHTINGS = 512
_MOST_ECHOES = 32
# Between questions to echo services: when they agreed; when they did not, doubling up to that;
# and however often the interfaces change.
_ECHO_INTERVAL_S = 3600.0
_ECHO_RETRY_S = 60.0
_ECHO_GAP_S = 10.0
_JITTER = 0.2


class AddressWatch:
    """`clock` tells UTC seconds; `get` is an HTTP client's, for echo services.

    Resource handling: `run` owns a netlink socket, and ends only when cancelled.
    """

    def __init__(
        self,
        settings: Settings,
        publish: Publish,
        get: echo.Get,
        clock: Callable[[], float],
        *,
        follow: Follow = netlink.follow,
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._get = get
        self._clock = clock
        self._follow = follow
        self._told = Told()
        self._decision = Decision()
        self._changed = trio.Event()
        self._read = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Started once the interfaces were read, or could not be."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow, self._take_interfaces)
            await self._read.wait()
            nursery.start_soon(self._review)
            nursery.start_soon(self._ask_echoes)
            task_status.started()

    @property
    def settings(self) -> Settings:
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        """A reload: the owner's new word counts at once."""
        if settings.prefer != self._settings.prefer:
            self._decision = replace(self._decision, choice=Choice())
        self._settings = settings
        self._decide()

    def take_sighting(self, validator_hotkey: str, address: str, at: float) -> None:
        """A validator saw us come from `address`; what is no IP address is of no account.

        `at` is when what it saw was sent: before a move, or after.
        """
        try:
            ip = parse(address)
        except ValueError:
            return
        before = self._told.sightings
        known_already = says_again(
            before,
            origin=validator_hotkey,
            ip=ip,
            from_at=self._decision.moved.get(family_of(ip), NEVER_MOVED).at,
            now=self._clock(),
            fresh_s=self._settings.sightings_fresh_s,
        )
        sightings = heard(before, origin=validator_hotkey, ip=ip, at=at, most=_MOST_SIGHTINGS)
        self._told = replace(self._told, sightings=sightings)
        if not known_already:
            self._decide()

    def _take_interfaces(self, interfaces: Reading[Interfaces]) -> None:
        if interfaces != self._told.interfaces:
            self._told = replace(self._told, interfaces=interfaces)
            self._decide()
        self._read.set()

    def _take_echoes(self, echoes: echo.Echoes) -> None:
        kept = self._told.echoes
        for said in echoes.witnesses:
            kept = heard(kept, origin=said.origin, ip=said.ip, at=said.at, most=_MOST_ECHOES)
        self._told = replace(self._told, echoes=kept, echo_problems=echoes.problems)
        self._decide()

    def _decide(self) -> None:
        before = self._decision.network
        now = self._clock()
        # Of a clock that was ahead until it was set right: those words would count again one day.
        self._told = replace(
            self._told,
            sightings=evidence.not_ahead(self._told.sightings, now),
            echoes=evidence.not_ahead(self._told.echoes, now),
        )
        self._decision = decide(self._settings, self._told, now, self._decision)
        self._changed.set()
        self._changed = trio.Event()
        if self._decision.network != before:
            self._publish(self._decision.network)

    async def _review(self) -> None:
        """Decide again when what was heard has grown old, or a wait is over."""
        while True:
            changed, again_at = self._changed, self._decision.again_at
            wait_s = float("inf") if again_at is None else max(0.0, again_at - self._clock())
            with trio.move_on_after(wait_s) as waited:
                await changed.wait()
            if waited.cancelled_caught:
                self._decide()

    async def _ask_echoes(self) -> None:
        """Where the better sources give nothing: at once, when the way out changed, and rarely."""
        retry_s = _ECHO_RETRY_S
        while True:
            while not (family := self._family_to_ask_for()):
                await self._changed.wait()
            settings, moved = self._settings, self._decision.moved
            services = settings.echo_services
            self._take_echoes(await echo.ask(services, family, self._get, self._clock))
            if isinstance(self._decision.public(family), Unknown):
                wait_s, retry_s = retry_s, min(2 * retry_s, _ECHO_INTERVAL_S)
            else:
                wait_s, retry_s = _ECHO_INTERVAL_S, _ECHO_RETRY_S
            await trio.sleep(_ECHO_GAP_S)
            with trio.move_on_after(_jittered(wait_s)):
                while (self._settings, self._decision.moved) == (settings, moved):
                    await self._changed.wait()

    def _family_to_ask_for(self) -> str:
        """The preferred one that has a way out, if nothing better than an echo is known of it."""
        if not self._settings.echo_services or self._settings.configured is not None:
            return ""
        interfaces = known(self._told.interfaces)
        for family in sorted(FAMILIES, key=lambda family: family != self._settings.prefer):
            if interfaces is None or interfaces.way(family) is not None:
                public = self._decision.public(family)
                wanted = isinstance(public, Unknown) or public.source == ECHO
                return family if wanted else ""
        return ""


def _jittered(interval_s: float) -> float:
    return interval_s * random.uniform(1 - _JITTER, 1 + _JITTER)
