"""What became of a transaction: decided from the finalized chain, and from nothing else.  Pure.

For `submits`.  A transaction carries the number (nonce) of its signer's transactions so
far, and a block after which it is void.  So on the finalized chain one of three holds: its
number is still free and may yet be used; its number was used, by it or by another; or it
is void.  In none of these can it be sent twice, and what is decided is never undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Failed, Landed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A signed transaction that may have been sent.

    `subject` is what it does, in values that can be compared: the same subject need not be
    sent again.  `hash` is that of the extrinsic whose end counts: of a shielded one, that
    inside.  It can be in no block up to `born_block`, nor from `expires_block` on; and in
    no chain whose block `born_block` is not `born_hash`, for that was signed too.
    """

    subject: tuple[object, ...]
    signer: str
    nonce: int
    hash: str
    born_block: int
    born_hash: str
    expires_block: int
    shielded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The signer's next number at the end of the finalized chain; and, if the ticket's
    number was used by then, what came of the ticket's own extrinsic there: None if it is not
    in the block in which the number was used.  `lost`: the node has forgotten that block.
    `void`: the chain is no longer the one that the ticket was made for."""

    final_block: int
    next_nonce: int
    end: Landed | Failed | None = None
    lost: bool = False
    void: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """It landed, or it failed for good: it will not take effect after this."""

    end: Landed | Failed
    was_ours: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """It landed or not, which nobody can tell any more; it will not land after this."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """It may yet land."""


Decision = Union[Decided, Lost, Undecided]


def decide(ticket: Ticket, seen: Sighting) -> Decision:
    if seen.next_nonce > ticket.nonce:
        if seen.lost:
            return Lost()
        if seen.end is not None:
            return Decided(seen.end, was_ours=True)
        return Decided(fail("displaced"), was_ours=False)
    if seen.void or seen.final_block >= ticket.expires_block:
        return Decided(fail("shield_failed" if ticket.shielded else "lapsed"), was_ours=False)
    return Undecided()
