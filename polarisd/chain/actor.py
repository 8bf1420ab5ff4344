"""`Actor`: the chain, for the rest of Polaris; a `ChainPort` over the SDK.

In the daemon, whose nursery owns it:

    actor = Actor(ActorConfig(endpoint=..., genesis_hash=...), tell=keeper.take_link)
    await nursery.start(actor.run)
    subnet = await actor.subnet(49)         # a Subnet, None, or Failed
    with actor.heads() as heads: head = await heads.receive()

Where no daemon runs, `opening.open_chain` makes one for as long as it is needed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import trio

from polarisd.chain import calls, reads, registering
from polarisd.chain.config import ActorConfig
from polarisd.chain.line import Line
from polarisd.chain.outcomes import Failed, Outcome, Submission
from polarisd.chain.port import Link
from polarisd.chain.submits import Submits
from polarisd.chain.values import Axon, Endpoint, Head, Identity, Subnet, Terms
from polarisd.chain.weights import weights_call
from polarisd.keys import Hotkey, Signer

_Listener = tuple[trio.MemorySendChannel[Head], trio.MemoryReceiveChannel[Head]]


def _not_told(link: Link) -> None:
    """`link` can be looked at instead."""


class Actor:
    """`tell` is called for each change of `link`, on the trio side; `chance` is random()."""

    def __init__(
        self,
        config: ActorConfig,
        *,
        tell: Callable[[Link], None] = _not_told,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._line = Line(config, tell=tell, heard=self._pass_on, chance=chance)
        self._submits = Submits(self._line, config.patience)
        self._listeners: list[_Listener] = []

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled.  Started at once; whether there is a chain, `link` says."""
        try:
            await self._line.run(task_status=task_status)
        finally:
            for send, _ in self._listeners:
                send.close()

    @property
    def link(self) -> Link:
        return self._line.link

    def heads(self) -> trio.MemoryReceiveChannel[Head]:
        send, receive = trio.open_memory_channel[Head](1)
        self._listeners.append((send, receive))
        return receive

    def _pass_on(self, head: Head) -> None:
        for listener in list(self._listeners):
            try:
                _keep_newest(listener, head)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._listeners.remove(listener)

    # Reads.

    async def identity(self) -> Outcome[Identity]:
        return await self._line.ask(reads.identity)

    async def head(self, *, finalized: bool = False) -> Outcome[Head]:
        return await self._line.ask(reads.head, finalized)

    async def terms(self, netuid: int) -> Outcome[Terms | None]:
        return await self._line.ask(reads.terms, netuid)

    async def subnet(self, netuid: int) -> Outcome[Subnet | None]:
        return await self._line.ask(reads.subnet, netuid)

    async def uid(
        self, netuid: int, hotkey: str, *, finalized: bool = False
    ) -> Outcome[int | None]:
        return await self._line.ask(reads.uid, netuid, hotkey, finalized)

    async def axon(self, netuid: int, hotkey: str) -> Outcome[Axon | None]:
        return await self._line.ask(reads.axon, netuid, hotkey)

    async def balance_rao(self, ss58: str) -> Outcome[int]:
        return await self._line.ask(reads.balance_rao, ss58)

    async def owner(self, hotkey: str) -> Outcome[str | None]:
        return await self._line.ask(reads.owner, hotkey)

    async def block_at(self) -> Outcome[float]:
        return await self._line.ask(reads.block_at)

    async def registration_fee_rao(
        self, netuid: int, hotkey: str, coldkey: str, *, shielded: bool = True
    ) -> Outcome[int]:
        return await self._line.ask(registering.fee_rao, netuid, hotkey, coldkey, shielded)

    # Transactions.

    async def serve(
        self, netuid: int, endpoint: Endpoint, hotkey: Hotkey, *, certificate: bytes | None = None
    ) -> Submission:
        call = calls.serve(netuid, endpoint, certificate)
        return await self._send(call, hotkey.pair)

    async def withdraw(self, netuid: int, hotkey: Hotkey) -> Submission:
        return await self._send(calls.withdraw(netuid), hotkey.pair)

    async def _send(self, call: calls.Call, signer: Signer) -> Submission:
        pallet, function, arguments = call
        subject = (pallet, function, *(str(value) for value in arguments.values()))
        return await self._submits.submit(subject, signer, partial(_made, call))

    async def register(
        self, netuid: int, hotkey: str, coldkey: Signer, *, most_rao: int, shielded: bool = True
    ) -> Submission:
        make = partial(
            registering.call,
            netuid=netuid,
            hotkey=hotkey,
            coldkey=coldkey.ss58_address,
            most_rao=most_rao,
        )
        subject = ("register", netuid, hotkey)
        return await self._submits.submit(subject, coldkey, make, shielded=shielded)

    async def set_weights(
        self, netuid: int, weights: Mapping[int, float], hotkey: Hotkey, *, version_key: int
    ) -> Submission:
        make = partial(
            weights_call,
            netuid=netuid,
            weights=weights,
            hotkey=hotkey.ss58,
            public_key=hotkey.public_key,
            version_key=version_key,
        )
        subject = ("weights", netuid, tuple(sorted(weights.items())), version_key)
        return await self._submits.submit(subject, hotkey.pair, make)


async def _made(call: calls.Call, _: object) -> calls.Call | Failed:
    return call


def _keep_newest(listener: _Listener, head: Head) -> None:
    send, receive = listener
    with suppress(trio.WouldBlock):
        receive.receive_nowait()
    send.send_nowait(head)
