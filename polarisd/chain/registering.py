"""The registration's call, and what it costs to send.  On the asyncio side, for `actor`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from polarisd.chain import calls, reads
from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Failed
from polarisd.chain.reads import SUBTENSOR
from polarisd.chain.sdk import Connection

# the most that a carrier's ciphertext can be, so that its fee is not guessed too low
_MOST_CIPHERTEXT_BYTES = 8192
_SR25519 = 1


async def call(
    c: Connection, *, netuid: int, hotkey: str, coldkey: str, most_rao: int
) -> calls.Call | Failed:
    """Objects to what would fail on the chain, where it would cost a fee.

    That the price may rise until it lands is for the chain to check (`register_limit`);
    older runtimes have no such call, and there it is only looked at here.
    """
    uid, exists, is_open, price_rao, balance_rao = await asyncio.gather(
        reads.uid(c, netuid, hotkey, False),
        c.substrate.query(SUBTENSOR, "NetworksAdded", [netuid]),
        c.substrate.query(SUBTENSOR, "NetworkRegistrationAllowed", [netuid]),
        c.substrate.query(SUBTENSOR, "Burn", [netuid]),
        reads.balance_rao(c, coldkey),
    )
    if not exists:
        return fail("no_subnet")
    if uid is not None:
        return fail("already_registered")
    if not is_open:
        return fail("registration_closed")
    if price_rao > most_rao:
        return fail("price_above_limit", f"it is {price_rao} rao, {most_rao} was agreed")
    if balance_rao < price_rao:
        return fail("insufficient_balance", f"{balance_rao} rao, the price is {price_rao}")
    limited = calls.REGISTER_LIMIT in c.abilities.calls
    return calls.register(netuid, hotkey, most_rao if limited else None)


async def fee_rao(c: Connection, netuid: int, hotkey: str, coldkey: str, shielded: bool) -> int:
    payer = _Payer(coldkey, bytes.fromhex(c.substrate.raw.ss58_decode(coldkey)))
    fee = await _fee_rao(c, calls.register(netuid, hotkey, 0), payer)
    if shielded:
        fee += await _fee_rao(c, calls.carry(bytes(_MOST_CIPHERTEXT_BYTES)), payer)
    return fee


async def _fee_rao(c: Connection, made: calls.Call, payer: _Payer) -> int:
    fee = await c.substrate.estimate_fee(await c.substrate.compose(made), payer)
    return int(fee.rao)


@dataclass(frozen=True, slots=True)
class _Payer:
    """What an estimate needs of a key: it is not signed for."""

    ss58_address: str
    public_key: bytes
    crypto_type: int = _SR25519
