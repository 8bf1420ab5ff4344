"""Transactions, one at a time for each key, and none twice.

For `actor`.  What was perhaps sent is remembered before it is sent.  Until the finalized
chain shows what became of it, its key sends nothing else: neither a deadline nor a
cancelled caller changes that.  If it turns out to have done what is asked for again, that
is the answer, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from polarisd.api.chain import FOLLOWING, STARTING
from polarisd.chain import sending
from polarisd.chain.calls import Call
from polarisd.chain.config import Patience
from polarisd.chain.failures import fail
from polarisd.chain.line import Line
from polarisd.chain.outcomes import Failed, Submission, Unsure
from polarisd.chain.reconcile import Decided, Lost, Ticket, decide
from polarisd.chain.sdk import Connection
from polarisd.chain.sending import Refused
from polarisd.keys import Signer

# What may come of a node that lags, or of a connection that has gone stale: certain not to
# have been taken, and better the next time.
_WORTH_A_NEW_CONNECTION = frozenset({"stale_nonce", "nonce_ahead", "bad_signature", "too_old"})
_WORTH_A_BLOCK = frozenset({"priority_too_low", "pool_full"})

Make = Callable[[Connection], Awaitable["Call | Failed"]]


class Submits:
    def __init__(self, line: Line, patience: Patience) -> None:
        self._line = line
        self._patience = patience
        self._locks: dict[str, trio.Lock] = {}
        self._open: dict[str, Ticket] = {}  # by signer; that which may have been sent

    async def submit(
        self, subject: tuple[object, ...], signer: Signer, make: Make, *, shielded: bool = False
    ) -> Submission:
        """`subject` says what it does, in values that can be compared; `make` gives the call,
        over there, or why not."""
        lock = self._locks.setdefault(signer.ss58_address, trio.Lock())
        with trio.move_on_after(self._patience.submit_s):
            async with lock:
                return await self._in_turn(subject, signer, make, shielded)
        ticket = self._open.get(signer.ss58_address)
        if ticket is not None and ticket.subject == subject:
            return Unsure(why=fail("end_unseen"), expires_block=ticket.expires_block)
        return fail("timeout", "nothing was sent")

    async def _in_turn(
        self, subject: tuple[object, ...], signer: Signer, make: Make, shielded: bool
    ) -> Submission:
        earlier = self._open.get(signer.ss58_address)
        if earlier is not None:
            decided = await self._settle(earlier)
            if earlier.subject == subject and (isinstance(decided, Lost) or decided.was_ours):
                return _end(decided)
        refused = await self._once(subject, signer, make, shielded)
        if isinstance(refused, Refused):
            if refused.why.code in _WORTH_A_NEW_CONNECTION:
                await self._line.reopen()
            elif refused.why.code in _WORTH_A_BLOCK:
                await self._line.head_or(self._patience.look_s)
            else:
                return refused.why
            refused = await self._once(subject, signer, make, shielded)
        return refused.why if isinstance(refused, Refused) else refused

    async def _once(
        self, subject: tuple[object, ...], signer: Signer, make: Make, shielded: bool
    ) -> Submission | Refused:
        connection = await self._line.connection()
        if isinstance(connection, Failed):
            return connection
        if self._line.link.state == STARTING:
            await self._line.head_or(self._patience.look_s)
        if self._line.link.state != FOLLOWING:
            return self._line.link.why or fail("timeout", "no block has come yet")
        signed = await self._line.ask_on(connection, self._prepare, make, signer, subject, shielded)
        if isinstance(signed, Failed):
            return signed
        self._open[signer.ss58_address] = signed.ticket
        sent = await self._line.ask_on(connection, sending.send, signed.data)
        if isinstance(sent, Refused):
            del self._open[signer.ss58_address]
            return sent
        # taken, or nobody knows: either way the chain will tell
        return _end(await self._settle(signed.ticket))

    async def _prepare(
        self,
        connection: Connection,
        make: Make,
        signer: Signer,
        subject: tuple[object, ...],
        shielded: bool,
    ) -> sending.Signed | Failed:
        call = await make(connection)
        if isinstance(call, Failed):
            return call
        blocks = self._patience.shielded_valid_blocks if shielded else self._patience.valid_blocks
        return await sending.sign(
            connection, call, signer, subject, valid_blocks=blocks, shielded=shielded
        )

    async def _settle(self, ticket: Ticket) -> Decided | Lost:
        """Looks at each block until it is decided, however long the node is away."""
        while True:
            seen = await self._line.ask(sending.look, ticket)
            if not isinstance(seen, Failed):
                decision = decide(ticket, seen)
                if isinstance(decision, (Decided, Lost)):
                    del self._open[ticket.signer]
                    return decision
            await self._line.head_or(self._patience.look_s)


def _end(decided: Decided | Lost) -> Submission:
    if isinstance(decided, Lost):
        return Unsure(why=fail("end_lost"), expires_block=None)
    return decided.end
