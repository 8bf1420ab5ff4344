"""Puts together what faces the world: chain, addresses, the HTTP face and heartbeats.

`daemon` runs one `Networking` where there is a hotkey.  The rooms do not know each other;
what one learns is handed to the others here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from polarisd.api.network import Network
from polarisd.api.reading import Reading, Unknown
from polarisd.beating import facts_of
from polarisd.chain.actor import Actor
from polarisd.chain.follower import Follower
from polarisd.chain.port import Link
from polarisd.chain.values import Endpoint, Subnet, parse_endpoint
from polarisd.config import Config
from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.making import Facts
from polarisd.heartbeat.sender import Beats
from polarisd.heartbeat.sequence import Sequence, Unnumbered
from polarisd.http.client import Courier
from polarisd.http.listening import CannotBind, bind
from polarisd.http.routes import SIGNED, Reply, Request, Route, complaint
from polarisd.http.server import Face
from polarisd.journal import fields
from polarisd.keeper import Keeper
from polarisd.keys import Hotkey
from polarisd.members import Members
from polarisd.net.watch import AddressWatch
from polarisd.netparts import (
    Patience,
    actor_config,
    address_settings,
    may_send,
    membership,
    origin_of,
)
from polarisd.outlook import VALIDATOR
from polarisd.pulse import sleep_to_next
from polarisd.receiving import Receiving
from polarisd.state import State

log = logging.getLogger(__name__)

_COUNT_INTERVAL_S = 5.0


class Networking:
    """One daemon's dealings with the world.  `config` is replaced by `reload`."""

    def __init__(
        self,
        *,
        config: Config,
        hotkey: Hotkey,
        directory: Path,
        state: State,
        keeper: Keeper,
        clock: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._config = config
        self._hotkey = hotkey
        self._directory = directory
        self._state = state
        self._keeper = keeper
        self._clock = clock
        self._patience = patience
        self._on_chain = config.node.mode == "bittensor"
        self._courier = Courier(hotkey=hotkey)
        self._members = Members(
            named=config.heartbeat.validators,
            open_to_all=not self._on_chain,
            may_send=partial(may_send, config),
        )
        self._watch = AddressWatch(
            address_settings(config), self._take_network, self._courier.get_small, clock
        )
        origin = origin_of(config, hotkey)
        self._beats = Beats(
            origin=origin,
            facts=self._facts,
            sequence=Sequence(directory, clock),
            courier=self._courier,
            interval_s=config.heartbeat.interval_s,
            clock=clock,
            publish=keeper.take_validators,
            sighting=self._watch.take_sighting,
            trouble=keeper.take_heartbeats,
        )
        self._receiving = Receiving(
            config=config,
            origin=origin,
            directory=directory,
            members=lambda: self._members,
            clock=clock,
        )
        self._follower: Follower | None = None
        self._face = Face(
            hotkey=hotkey,
            role=config.node.role,
            routes=self._routes(),
            is_known=lambda hotkey: self._members.is_member(hotkey) is True,
        )
        self._face_ended = trio.Event()
        self._face_ended.set()

    async def run(self) -> None:
        """Until cancelled.  Of a chain or network that fails nothing raises."""
        async with self._courier, trio.open_nursery() as nursery:
            await nursery.start(self._watch.run)
            if self._on_chain:
                nursery.start_soon(self._follow_chain)
            if self._config.node.role == VALIDATOR:
                await self._receiving.open()
                nursery.start_soon(self._receiving.run)
                nursery.start_soon(self._count_miners)
            nursery.start_soon(self._offer)

    def reload(self, config: Config) -> None:
        """What may change while all this runs; the rest waits for a restart."""
        self._config = config
        self._watch.settings = address_settings(config)
        self._members = replace(self._members, named=config.heartbeat.validators)
        self._beats.targets = self._members.validators()
        self._hurry()

    async def stop(self) -> None:
        """Let requests that run come to their end; within the face's own deadline."""
        self._face.stop()
        with trio.move_on_after(self._patience.stop_s):
            await self._face_ended.wait()

    async def _count_miners(self) -> None:
        while True:
            self._keeper.take_miners(self._receiving.miners())
            await sleep_to_next(_COUNT_INTERVAL_S)

    # The chain.

    async def _follow_chain(self) -> None:
        actor = Actor(actor_config(self._config, self._directory), tell=self._take_link)
        follower = Follower(
            port=actor,
            hotkey=self._hotkey,
            membership=membership(self._config, self._hotkey),
            wanted=self._wanted,
            publish=self._keeper.take_chain,
            meet=self._meet,
            clock=self._clock,
        )
        self._follower = follower
        async with trio.open_nursery() as nursery:
            await nursery.start(actor.run)
            nursery.start_soon(follower.run)

    def _take_link(self, link: Link) -> None:
        if self._follower is not None:
            self._follower.take_link(link)

    def _wanted(self) -> Reading[Endpoint]:
        endpoint = self._state.snapshot.network.endpoint
        return endpoint if isinstance(endpoint, Unknown) else parse_endpoint(endpoint)

    def _meet(self, subnet: Subnet) -> None:
        self._members = replace(self._members, subnet=subnet)
        self._beats.targets = self._members.validators()

    # The addresses.

    def _take_network(self, network: Network) -> None:
        moved = network.endpoint != self._state.snapshot.network.endpoint
        self._keeper.take_network(network)
        if moved:
            self._hurry()

    def _hurry(self) -> None:
        """Something has changed that the chain and the validators should know."""
        if self._follower is not None:
            self._follower.hurry()
        self._beats.hurry()

    def _facts(self) -> Facts:
        return facts_of(self._state.snapshot, self._config.ports)

    # The face and the heartbeats, while this machine is offered.

    async def _offer(self) -> None:
        """Begins and ends at the owner's word."""
        while True:
            await self._until(offered=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._show_face)
                if self._config.node.role != VALIDATOR:
                    self._beats.targets = self._members.validators()
                    nursery.start_soon(self._beats.run)
                    nursery.start_soon(self._hurry_beats)
                await self._until(offered=False)
                await self.stop()
                nursery.cancel_scope.cancel()
            self._keeper.take_listening("")
            self._keeper.take_validators(())
            self._keeper.take_heartbeats("", "")

    async def _until(self, *, offered: bool) -> None:
        snapshot = self._state.snapshot
        while snapshot.daemon.offering.wanted != offered:
            snapshot = await self._state.wait_newer(snapshot.version)

    async def _hurry_beats(self) -> None:
        """What a heartbeat says of GPUs and faults should not be old news for long."""
        told = self._facts()
        version = self._state.snapshot.version
        while True:
            version = (await self._state.wait_newer(version)).version
            if (facts := self._facts()) != told:
                told = facts
                self._beats.hurry()

    async def _show_face(self) -> None:
        """Listen; where that cannot be, try again, for whoever has the port may let go."""
        face = self._face
        while True:
            bound = bind(self._config.network.listen_address, self._config.ports.api)
            if isinstance(bound, CannotBind):
                self._keeper.take_listening(f"{bound.why}; {bound.remedy}")
                await trio.sleep(self._patience.listen_again_s)
                continue
            self._keeper.take_listening("")
            log.info(
                "listening on port %d",
                self._config.ports.api,
                extra=fields(event="listening", port=self._config.ports.api),
            )
            self._face_ended = trio.Event()
            try:
                await face.serve(bound)
            finally:
                self._face_ended.set()
            return

    def _routes(self) -> list[Route]:
        if self._config.node.role == VALIDATOR:
            return [self._receiving.route()]
        return [Route(method="GET", path=PATH, access=SIGNED, handler=self._tell, most_bytes=0)]

    async def _tell(self, request: Request) -> Reply:
        """A heartbeat for whoever asks and says who he is."""
        newest = await self._beats.newest()
        if isinstance(newest, Unnumbered):
            return complaint(503, "unnumbered", newest.why, newest.remedy)
        return Reply(200, newest.envelope)


def opener(
    config: Config, hotkey: Hotkey, clock: Callable[[], float], patience: Patience | None = None
) -> Callable[[State, Keeper], Networking]:
    """For `main`, which knows these; `daemon` has the rest."""

    def open_network(state: State, keeper: Keeper) -> Networking:
        return Networking(
            config=config,
            hotkey=hotkey,
            directory=Path(config.state.directory),
            state=state,
            keeper=keeper,
            clock=clock,
            patience=patience or Patience(),
        )

    return open_network
