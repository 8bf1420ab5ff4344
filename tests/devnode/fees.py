"""What a transaction costs, and who pays.  Linear in its length, which it is nearly."""

from __future__ import annotations

from typing import Any

from tests.devnode.ledger import Ledger
from tests.devnode.pallets.table import OWNER_PAYS, method

# so that the recorded transfer of 143 bytes costs what it cost
BASE_RAO = 23_247
PER_BYTE_RAO = 1_000


def fee_rao(length: int) -> int:
    return BASE_RAO + PER_BYTE_RAO * length


def payer(ledger: Ledger, signer: str, call: dict[str, Any]) -> str:
    """The coldkey that owns the hotkey, for what hotkeys sign; if none does, the signer."""
    return (ledger.owner(signer) if method(call) in OWNER_PAYS else None) or signer
