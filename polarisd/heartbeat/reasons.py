"""Why a validator refuses a heartbeat: the codes, the HTTP status, what its owner can do.

Both sides read this table: the validator answers with it, and the miner takes the remedy
from its own copy, for a validator's words are only its word.  docs/heartbeat.md lists it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One row: `text` is what is wrong when there is no more to say."""

    status: int
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is a row of REASONS."""

    code: str
    text: str
    remedy: str


CLOCK = (
    "set this machine's clock: timedatectl says whether it is synchronised; "
    "sudo timedatectl set-ntp true"
)
_UPGRADE = "upgrade polaris on this machine, or wait until the validator has upgraded"

REASONS = {
    "oversized": Reason(413, "the heartbeat is too large", _UPGRADE),
    "bad_heartbeat": Reason(400, "the heartbeat is not understood", _UPGRADE),
    "wrong_hotkey": Reason(
        403,
        "the heartbeat is of another hotkey than the request",
        "restart polarisd, so that all of it uses one hotkey",
    ),
    "foreign_network": Reason(
        403,
        "the heartbeat is for another network",
        "compare [chain] network and genesis_hash with those of the validator; "
        "polarisctl register sets them",
    ),
    "foreign_netuid": Reason(
        403,
        "the heartbeat is for another subnet",
        "compare [chain] netuid with that of the validator; polarisctl register sets it",
    ),
    "not_registered": Reason(
        403,
        "this hotkey is not registered there",
        "if polarisctl status shows a UID: wait, validators read the chain every few minutes; "
        "else: sudo polarisctl register",
    ),
    "wrong_signature": Reason(
        403, "the signature of the heartbeat is not that of its hotkey", _UPGRADE
    ),
    "too_old": Reason(400, "the heartbeat was made too long ago", CLOCK),
    "from_the_future": Reason(400, "the heartbeat was made in the future", CLOCK),
    "sequence_old": Reason(
        409,
        "a heartbeat with a higher sequence number has come before",
        "wait: polarisd goes on from the higher number; if this stays, another machine may be "
        "using the same hotkey",
    ),
    "equivocation": Reason(
        409,
        "another heartbeat with the same sequence number has come before",
        "make sure that no other machine uses this hotkey, and that none was restored from a "
        "backup or a clone",
    ),
    "not_ready": Reason(
        503,
        "the validator has not read yet who is registered",
        "nothing to do: polarisd tries again",
    ),
    "full": Reason(
        503, "the validator keeps no more miners", "wait; or ask the validator's operator"
    ),
}


def refusal(code: str, text: str = "") -> Refusal:
    reason = REASONS[code]
    return Refusal(code, text or reason.text, reason.remedy)
