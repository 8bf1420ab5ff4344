"""Transactions: made, signed, sent, and looked for on the finalized chain.

On the asyncio side, for `submits`.  The SDK never sees a key: it says what to sign, and is
given the signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from polarisd.chain import calls
from polarisd.chain.failures import fail, of_chain_error, of_refusal
from polarisd.chain.outcomes import Failed, Landed
from polarisd.chain.reconcile import Sighting, Ticket
from polarisd.chain.sdk import Connection, name_of_refusal
from polarisd.chain.sealing import shield
from polarisd.keys import Signer

# Answers of a node's pool that are certain: it did not take it.  Not so 1012 (banned for a
# while) and 1013 (has it already), for those may be of a transaction that it has.
_NOT_TAKEN = frozenset({1000, 1001, 1002, 1010, 1011, 1014, 1015, 1016, -32600, -32601, -32602})
# At most this part (a quarter) of the blocks in which it is valid has gone by when it is sent.
_SPENT_AT_MOST = 4
# No node that is any good lags so far behind the others, or is reorganised so deep: a chain
# whose newest block is older than this has begun anew.
_BEGUN_ANEW_BLOCKS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """`data` goes to the node; `ticket` is what to look for afterwards."""

    data: bytes
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Refused:
    """It is certain that the node did not take it."""

    why: Failed


async def sign(
    c: Connection,
    call: calls.Call,
    signer: Signer,
    subject: tuple[object, ...],
    *,
    valid_blocks: int,
    shielded: bool,
) -> Signed | Failed:
    """With the signer's next number on the chain, not in the pool: whatever still waits
    there has the same number, so that of the two no more than one can land."""
    nonce = await _next_nonce(c, signer.ss58_address, None)
    born = await _birth(c, valid_blocks)
    if not shielded:
        made = await _extrinsic(c, call, signer, nonce, born, valid_blocks)
        data = made.data
    else:
        key = await c.substrate.mev_next_key()
        if not key:
            return fail("shield_unavailable")
        made = await _extrinsic(c, call, signer, nonce + 1, born, valid_blocks)
        carrier = calls.carry(shield(key, made.data))
        data = (await _extrinsic(c, carrier, signer, nonce, born, valid_blocks)).data
    ticket = Ticket(
        subject=subject,
        signer=signer.ss58_address,
        nonce=nonce + 1 if shielded else nonce,
        hash=made.hash,
        born_block=born,
        born_hash=made.born_hash,
        expires_block=born + valid_blocks,
        shielded=shielded,
    )
    return Signed(data=data, ticket=ticket)


async def _birth(c: Connection, valid_blocks: int) -> int:
    """The block that it is signed for: a final one, unless finality lags so far that most of
    the time of its being valid were over.  Then one near the best, which every author has by
    now; if that is orphaned after all, it is void."""
    raw = c.substrate.raw
    final = int(await raw.get_block_number(await raw.get_chain_finalised_head()))
    best = int(await raw.get_block_number(None))
    return max(final, best - valid_blocks // _SPENT_AT_MOST)


@dataclass(frozen=True, slots=True)
class _Extrinsic:
    data: bytes
    hash: str
    born_hash: str


async def _extrinsic(
    c: Connection, call: calls.Call, signer: Signer, nonce: int, born: int, valid_blocks: int
) -> _Extrinsic:
    raw = c.substrate.raw
    unsigned = await raw.prepare_unsigned(
        await c.substrate.compose(call),
        address=signer.ss58_address,
        nonce=nonce,
        era={"period": valid_blocks, "current": born},
    )
    signed = await raw.attach_signature(unsigned, signer.sign(unsigned.payload))
    return _Extrinsic(signed.data, signed.extrinsic_hash, str(unsigned.era_block_hash))


async def send(c: Connection, data: bytes) -> str | Refused:
    """The extrinsic's hash, or a certain refusal.  Whatever else goes wrong raises, and then
    nobody knows."""
    try:
        return str(await c.substrate.raw.rpc_request("author_submitExtrinsic", ["0x" + data.hex()]))
    except Exception as error:
        refused = _refusal(error)
        if refused is None:
            raise
        return refused


def _refusal(error: Exception) -> Refused | None:
    payload = getattr(error, "payload", None)  # what the node answered, in the SDK's errors
    answer = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(answer, dict) or answer.get("code") not in _NOT_TAKEN:
        return None
    return Refused(of_refusal(answer["code"], str(error), name_of_refusal(error)))


async def look(c: Connection, ticket: Ticket) -> Sighting:
    """At the finalized chain, for what became of it."""
    raw = c.substrate.raw
    final_hash = await raw.get_chain_finalised_head()
    final = int(await raw.get_block_number(final_hash))
    next_nonce = await _next_nonce(c, ticket.signer, final_hash)
    if next_nonce <= ticket.nonce:
        void = await _is_void(c, ticket, final)
        return Sighting(final_block=final, next_nonce=next_nonce, void=void)
    block = await _where_used(c, ticket, final)
    found = None if block is None else await _find(c, ticket.hash, block)
    return Sighting(final_block=final, next_nonce=next_nonce, end=found, lost=block is None)


async def _is_void(c: Connection, ticket: Ticket, final: int) -> bool:
    """Whether this chain is not, or no longer, the one that it was signed for."""
    if final >= ticket.born_block:
        return bool(await c.substrate.block_hash(ticket.born_block) != ticket.born_hash)
    best = int(await c.substrate.raw.get_block_number(None))
    return best + _BEGUN_ANEW_BLOCKS < ticket.born_block


async def _where_used(c: Connection, ticket: Ticket, final: int) -> int | None:
    """The block in which the signer's number went past the ticket's; None if the node no
    longer has the state of back then."""
    low, high = min(ticket.born_block, final - 1), final
    while high - low > 1:
        middle = (low + high) // 2
        at = await c.substrate.block_hash(middle)
        try:
            used = await _next_nonce(c, ticket.signer, at) > ticket.nonce
        except Exception as error:
            if _is_forgotten(error):
                return None
            raise
        low, high = (low, middle) if used else (middle, high)
    return high


def _is_forgotten(error: Exception) -> bool:
    return "State discarded" in str(error) or "State already discarded" in str(error)


async def _find(c: Connection, digest: str, block: int) -> Landed | Failed | None:
    at = await c.substrate.block_hash(block)
    result = await c.substrate.find_extrinsic(digest, at)
    if result is None:
        return None
    if not result.success:
        error: Any = result.error
        return of_chain_error(error.code.value, error.name, result.message)
    return Landed(
        block=block,
        block_hash=at,
        extrinsic=str(result.extrinsic_id),
        fee_rao=None if result.fee is None else int(result.fee.rao),
    )


async def _next_nonce(c: Connection, ss58: str, at: str | None) -> int:
    account = await c.substrate.query("System", "Account", [ss58], block_hash=at)
    return int(account["nonce"])
