"""Follows the chain block by block: looks where this machine stands, and keeps the
endpoint that the chain names true.

A thin shell around `looks`, `serving` and `standing`; `daemon` runs it where there is a chain.
A read that fails changes nothing of what was known but that it failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from polarisd.api.chain import Chain
from polarisd.api.reading import Reading, known
from polarisd.chain import serving, standing
from polarisd.chain.failures import fail
from polarisd.chain.looks import LONG_LOOK_BLOCKS, SHORT_LOOK_BLOCKS, Look
from polarisd.chain.outcomes import Failed, Landed
from polarisd.chain.port import ChainPort, Link
from polarisd.chain.standing import Membership
from polarisd.chain.values import Endpoint, Head, Subnet, Terms
from polarisd.journal import fields
from polarisd.keys import Hotkey

log = logging.getLogger(__name__)

# What the chain allows where its own word on it has not been read: the runtime's default.
_SERVING_LIMIT_BLOCKS = 50


class Follower:
    """`wanted` is asked which endpoint the chain should name; `publish` takes where this
    machine stands, `meet` the newest metagraph."""

    def __init__(
        self,
        *,
        port: ChainPort,
        hotkey: Hotkey,
        membership: Membership,
        wanted: Callable[[], Reading[Endpoint]],
        publish: Callable[[Chain], None],
        meet: Callable[[Subnet], None],
        clock: Callable[[], float],
    ) -> None:
        self._port = port
        self._hotkey = hotkey
        self._netuid = membership.netuid
        self._wanted = wanted
        self._publish = publish
        self._meet = meet
        self._clock = clock
        self._chain = standing.before_any_look(membership)
        self._terms: Terms | None = None
        self._attempts = serving.Attempts()
        self._first_block: int | None = None
        self._short_look = Look(every_blocks=SHORT_LOOK_BLOCKS)
        self._long_look = Look(every_blocks=LONG_LOOK_BLOCKS)

    def take_link(self, link: Link) -> None:
        """How the connection to the chain is, as the actor tells it."""
        self._tell(standing.with_link(self._chain, link))

    def hurry(self) -> None:
        """Look at the next block: what should be published may have changed."""
        self._short_look = self._short_look.hurried()

    async def run(self) -> None:
        with self._port.heads() as heads:
            async for head in heads:
                await self._take_head(head)

    async def _take_head(self, head: Head) -> None:
        if self._first_block is None or head.number < self._first_block:
            self._first_block = head.number
        self._tell(standing.with_head(self._chain, head, self._clock()))
        if self._long_look.is_due(head.number):
            failed = await self._look_long(head)
            self._long_look = self._ended(self._long_look, failed, head)
        if self._short_look.is_due(head.number):
            failed = await self._look_short(head)
            if failed is not None:
                self._short_look = self._ended(self._short_look, failed, head)

    def _tell(self, chain: Chain) -> None:
        self._chain = chain
        self._publish(chain)

    async def _look_long(self, head: Head) -> Failed | None:
        subnet = await self._port.subnet(self._netuid)
        if subnet is None:
            subnet = fail("no_subnet")
        if isinstance(subnet, Failed):
            return subnet
        terms = await self._port.terms(self._netuid)
        if isinstance(terms, Failed):
            return terms
        self._terms = terms
        chain = standing.with_subnet(self._chain, subnet, terms)
        if isinstance(chain.owner_coldkey, str):
            balance = await self._port.balance_rao(chain.owner_coldkey)
            if not isinstance(balance, Failed):
                chain = replace(chain, owner_balance_rao=balance)
        self._tell(chain)
        self._meet(subnet)
        return None

    async def _look_short(self, head: Head) -> Failed | None:
        hotkey = self._hotkey.ss58
        uid = await self._port.uid(self._netuid, hotkey)
        if isinstance(uid, Failed):
            return uid
        axon = await self._port.axon(self._netuid, hotkey)
        if isinstance(axon, Failed):
            return axon
        self._short_look = self._ended(self._short_look, None, head)
        if uid != known(self._chain.uid):
            self._long_look = self._long_look.hurried()  # tells what is to be known of it
        chain = standing.with_place(self._chain, uid, axon, self._clock())
        terms = self._terms
        decision = serving.decide(
            wanted=self._wanted(),
            uid=uid,
            axon=axon,
            block=head.number,
            limit_blocks=_SERVING_LIMIT_BLOCKS if terms is None else terms.serving_limit_blocks,
            attempts=self._attempts,
            first_block=self._first_block or 0,
        )
        if isinstance(decision, serving.Leave):
            self._tell(replace(chain, publication=decision.why))
            if decision.why:
                self.hurry()  # it may have changed a block later
            return None
        self._tell(replace(chain, publication=f"{decision.endpoint} is being published"))
        await self._serve(decision.endpoint, head)
        return None

    def _ended(self, look: Look, failed: Failed | None, head: Head) -> Look:
        """The look that ended so; says it in the log when that is news."""
        before = look.failed
        look = look.succeeded(head.number) if failed is None else look.ended(failed, head.number)
        other = self._long_look if look.every_blocks == SHORT_LOOK_BLOCKS else self._short_look
        self._tell(standing.with_unread(self._chain, look.why or other.why))
        if failed is None and before is not None:
            log.info("the chain is read again", extra=fields(event="chain_read_again"))
        elif failed is not None and (before is None or before.code != failed.code):
            told = fields(event="chain_not_read", code=failed.code)
            log.warning("cannot read the chain: %s → %s", failed.text, failed.remedy, extra=told)
        return look

    async def _serve(self, endpoint: Endpoint, head: Head) -> None:
        submission = await self._port.serve(self._netuid, endpoint, self._hotkey)
        self._attempts = serving.after(self._attempts, endpoint, submission, head.number)
        self.hurry()
        told = fields(event="endpoint_published", endpoint=str(endpoint))
        if isinstance(submission, Landed):
            log.info("published %s in block %d", endpoint, submission.block, extra=told)
            return
        why = submission if isinstance(submission, Failed) else submission.why
        log.warning(
            "cannot publish %s: %s → %s",
            endpoint,
            why.text,
            why.remedy,
            extra=fields(event="endpoint_not_published", code=why.code),
        )
