"""`ChainPort`: all that Polaris asks of a chain.  `actor.Actor` is one, over the SDK.

Used by the daemon and by `polarisctl register`.  Every call has a deadline of its own and
ends by it; none raises for anything that the outside world does.  Cancelling one is safe:
a transaction that was perhaps sent is looked for before the same key sends another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import trio

from polarisd.chain.outcomes import Failed, Outcome, Submission
from polarisd.chain.values import Axon, Endpoint, Head, Identity, Subnet, Terms
from polarisd.keys import Hotkey, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the connection stands; told on every change of it.

    `state` is one of polarisd.api.chain.STATES.  `why` is what is wrong, None while
    following.  `identity` is of the node that was last accepted, `block_time_s` in it.
    `changed_from` is the runtime's version before it was last upgraded, if that was seen.
    `next_try_s` is how long the node is left alone.
    """

    state: str
    endpoint: str
    why: Failed | None = None
    identity: Identity | None = None
    changed_from: int | None = None
    next_try_s: float | None = None


class ChainPort(Protocol):
    """Reads are of the newest block unless `finalized`."""

    @property
    def link(self) -> Link: ...

    async def identity(self) -> Outcome[Identity]: ...
    async def head(self, *, finalized: bool = False) -> Outcome[Head]: ...
    async def terms(self, netuid: int) -> Outcome[Terms | None]: ...
    async def subnet(self, netuid: int) -> Outcome[Subnet | None]: ...
    async def uid(
        self, netuid: int, hotkey: str, *, finalized: bool = False
    ) -> Outcome[int | None]: ...
    async def axon(self, netuid: int, hotkey: str) -> Outcome[Axon | None]: ...
    async def balance_rao(self, ss58: str) -> Outcome[int]: ...
    async def owner(self, hotkey: str) -> Outcome[str | None]: ...
    async def block_at(self) -> Outcome[float]:
        """What the newest block says is the time; UTC, in seconds since 1970."""
        ...

    # A transaction is `Landed` once its block is final.

    async def serve(
        self, netuid: int, endpoint: Endpoint, hotkey: Hotkey, *, certificate: bytes | None = None
    ) -> Submission: ...
    async def withdraw(self, netuid: int, hotkey: Hotkey) -> Submission:
        """Reset the published endpoint."""
        ...

    async def register(
        self, netuid: int, hotkey: str, coldkey: Signer, *, most_rao: int, shielded: bool = True
    ) -> Submission:
        """Pay the price, `most_rao` at most, for a UID."""
        ...

    async def registration_fee_rao(
        self, netuid: int, hotkey: str, coldkey: str, *, shielded: bool = True
    ) -> Outcome[int]:
        """What sending the registration costs besides the price; nothing is sent."""
        ...

    async def set_weights(
        self, netuid: int, weights: Mapping[int, float], hotkey: Hotkey, *, version_key: int
    ) -> Submission: ...

    def heads(self) -> trio.MemoryReceiveChannel[Head]:
        """New heads; the newest is kept when nobody takes it.  Close it when done with it.

        It never ends: while the connection is lost none come, and `link` says so.
        """
        ...
