"""What a hotkey says of itself on the chain.  No deposit is taken; nothing is timelocked."""

from __future__ import annotations

from typing import Any

from tests.devnode.ledger import Ledger

MOST_FIELDS = 3
LEAST_CHARGED_BYTES = 100
PALLET = "Commitments"


def check(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.exists(args["netuid"]), "SubnetNotExists")
    ledger.require(ledger.uid(args["netuid"], who) is not None, "HotKeyNotRegisteredInSubNet")


def set_commitment(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid, info = args["netuid"], args["info"]
    check(ledger, who, args)
    ledger.require(len(info["fields"]) <= MOST_FIELDS, "TooManyFieldsInCommitmentInfo", PALLET)
    value = {"deposit": 0, "block": ledger.block, "info": info}
    state = ledger.state
    size = len(state.codec.encode_item(PALLET, "CommitmentOf", value))
    epoch = ledger.get("SubnetEpochIndex", netuid)
    used = state.get(PALLET, "UsedSpaceOf", netuid, who) or {"last_epoch": epoch, "used_space": 0}
    before = used["used_space"] if used["last_epoch"] == epoch else 0
    total = before + max(size, LEAST_CHARGED_BYTES)
    ledger.require(total <= state.get(PALLET, "MaxSpace"), "SpaceLimitExceeded", PALLET)
    state.put(PALLET, "UsedSpaceOf", netuid, who, value={"last_epoch": epoch, "used_space": total})
    state.put(PALLET, "CommitmentOf", netuid, who, value=value)
    state.put(PALLET, "LastCommitment", netuid, who, value=ledger.block)
    ledger.emit(PALLET, "Commitment", {"netuid": netuid, "who": who})
