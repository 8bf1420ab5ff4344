"""Whether a transaction is one that a node takes: what is checked, in the runtime's order.

Nonce, then era and signature, then the fee, then what the pallets check beforehand.  The
refusals have the codes and texts of a Substrate node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.devnode.blocks import Blocks
from tests.devnode.codec import Codec
from tests.devnode.fees import fee_rao, payer
from tests.devnode.keys import verified
from tests.devnode.ledger import EXISTENTIAL_DEPOSIT_RAO, Ledger, Refused
from tests.devnode.pallets.table import BAD_REQUEST, CUSTOM_CODES, guard, method
from tests.devnode.scale import blake2, hexed, unhexed
from tests.devnode.state import State

LEAST_BYTES_BEFORE_CALL = 100
INVALID = "Invalid Transaction"
TEXTS = {
    "stale": "Transaction is outdated",
    "bad_signature": "Transaction has a bad signature",
    "payment": "Inability to pay some fees (e.g. account balance too low)",
    "ancient": "Transaction has an ancient birth block",
    "call": "Transaction call is not expected",
}


class Invalid(Exception):
    """The node's refusal, as an RPC error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(f"{code} {message}: {data}")
        self.error = {"code": code, "message": message} | ({"data": data} if data else {})


def invalid(why: str) -> Invalid:
    return Invalid(1010, INVALID, TEXTS[why])


@dataclass(frozen=True)
class Transaction:
    """`birth` and `death`: the block of its era, and the first in which it is not valid."""

    raw: bytes
    hash: str
    signer: str
    nonce: int
    tip: int
    call: dict[str, Any]
    call_bytes: bytes
    signature: bytes
    scheme: str
    era: Any
    birth: int
    death: int | None

    @property
    def method(self) -> str:
        return ".".join(method(self.call))


def read(raw: bytes, codec: Codec, block: int) -> Transaction:
    """Not checked yet; `block` is the one that it would be in."""
    try:
        decoded = codec.decode_extrinsic(raw)
    except (ValueError, KeyError) as error:
        raise Invalid(1001, f"Extrinsic has invalid format: {error}") from None
    if "address" not in decoded:
        why = "Could not find an unsigned validator for the unsigned transaction"
        raise Invalid(1011, "Unknown Transaction Validity", why)
    scheme, signature = next(iter(decoded["signature"].items()))
    era: Any = "00"
    birth, death = 0, None
    if isinstance(decoded["era"], (tuple, list)):
        period, phase = decoded["era"]
        birth = block - (block - phase) % period
        era, death = {"period": period, "phase": phase}, birth + period
    return Transaction(
        raw=raw,
        hash=hexed(blake2(raw)),
        signer=decoded["address"],
        nonce=decoded["nonce"],
        tip=decoded["tip"],
        call=decoded["call"],
        call_bytes=_call_bytes(raw, unhexed(decoded["call"]["call_hash"])),
        signature=unhexed(signature),
        scheme=scheme,
        era=era,
        birth=birth,
        death=death,
    )


def check_signed(transaction: Transaction, blocks: Blocks, codec: Codec) -> None:
    """Against this chain, this runtime, and the block that its era names."""
    birth = blocks.at(transaction.birth)
    if birth is None:
        raise invalid("ancient")
    payload = codec.payload(
        transaction.call_bytes,
        era=transaction.era,
        nonce=transaction.nonce,
        tip=transaction.tip,
        genesis=blocks.genesis.hash,
        era_block=birth.hash,
    )
    if not verified(payload, transaction.signature, transaction.signer, transaction.scheme):
        raise invalid("bad_signature")


def check_state(transaction: Transaction, ledger: Ledger) -> None:
    """Nonce, fee, and what the pallets have to say beforehand."""
    if transaction.nonce < ledger.nonce(transaction.signer):
        raise invalid("stale")
    pays = payer(ledger, transaction.signer, transaction.call)
    needed = fee_rao(len(transaction.raw)) + transaction.tip + EXISTENTIAL_DEPOSIT_RAO
    if ledger.free(pays) < needed:
        raise invalid("payment")
    try:
        guard(ledger, transaction.signer, transaction.call)
    except Refused as refused:
        code = CUSTOM_CODES.get(refused.name, BAD_REQUEST)
        raise Invalid(1010, INVALID, f"Custom error: {code}") from None


def next_ledger(blocks: Blocks) -> Ledger:
    """To look at the best block's state as the next block would."""
    best = blocks.state_of(blocks.best)
    return Ledger(State(best.codec, dict(best.values)), blocks.best.number + 1)


def _call_bytes(raw: bytes, call_hash: bytes) -> bytes:
    """The call is the end of the extrinsic whose hash the decoder tells."""
    for start in range(LEAST_BYTES_BEFORE_CALL, len(raw)):
        if blake2(raw[start:]) == call_hash:
            return raw[start:]
    raise Invalid(1001, "Extrinsic has invalid format: no call")
