"""Weights, put as the subnet takes them: open or sealed, whichever it asks for.

On the asyncio side, for `actor`.  The SDK's own `SetWeights` reads storage that came only
with runtime 474 and fails on any older; what is read here is on both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from polarisd.chain import calls
from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Failed
from polarisd.chain.reads import SUBTENSOR
from polarisd.chain.sdk import Connection, conform
from polarisd.chain.sealing import Schedule, timelock

_U16 = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the subnet says of weights, at `block`, and whether this hotkey may set them.

    `last_update_block` is 0 if it never did.
    """

    block: int
    uid: int | None
    permit: bool
    limit_blocks: int
    last_update_block: int
    fewest: int
    most_share: float
    version_key: int
    commit_reveal: bool


def objection(rules: Rules, weights: Mapping[int, float], version_key: int) -> Failed | None:
    """Why the chain would not take them: to send them would cost a fee all the same."""
    if not weights or not any(weights.values()):
        return fail("bad_weights", "they are all zero")
    if any(not isfinite(w) or w < 0 for w in weights.values()):
        return fail("bad_weights", "not all are finite and positive")
    if any(not 0 <= uid <= _U16 for uid in weights):
        return fail("bad_weights", "not all are of a UID")
    if rules.uid is None:
        return fail("not_registered")
    if not rules.permit and list(weights) != [rules.uid]:
        return fail("no_permit")
    if version_key < rules.version_key:
        return fail("old_version_key", f"{rules.version_key} is wanted, ours is {version_key}")
    since = max(rules.block - rules.last_update_block, 0)
    if rules.last_update_block and since < rules.limit_blocks:
        return fail("weights_rate_limited", f"{rules.limit_blocks - since} more blocks to wait")
    return None


async def weights_call(
    c: Connection,
    netuid: int,
    weights: Mapping[int, float],
    hotkey: str,
    public_key: bytes,
    version_key: int,
) -> calls.Call | Failed:
    block = int(await c.substrate.block_number())
    at = await c.substrate.block_hash(block)
    rules = await _rules(c, netuid, hotkey, block, at)
    if (failed := objection(rules, weights, version_key)) is not None:
        return failed
    assert rules.uid is not None  # or it was objected to
    uids, values = conform(dict(sorted(weights.items())), rules.most_share, rules.uid)
    if not uids:
        return fail("bad_weights", "they are all too small")
    if len(uids) < rules.fewest and uids != [rules.uid]:
        return fail("bad_weights", f"{len(uids)} of them, {rules.fewest} are wanted")
    if not rules.commit_reveal:
        return calls.set_weights(netuid, uids, values, version_key)
    schedule = await _schedule(c, netuid, block, at)
    commit, reveal_round = timelock(uids, values, version_key, public_key, schedule)
    return calls.commit_weights(netuid, commit, reveal_round)


async def _rules(c: Connection, netuid: int, hotkey: str, block: int, at: str) -> Rules:
    uid = await c.substrate.query(SUBTENSOR, "Uids", [netuid, hotkey], block_hash=at)
    permits, limit, updates, fewest, most, version, sealed = await _all_of(
        c,
        netuid,
        at,
        "ValidatorPermit",
        "WeightsSetRateLimit",
        "LastUpdate",
        "MinAllowedWeights",
        "MaxWeightsLimit",
        "WeightsVersionKey",
        "CommitRevealWeightsEnabled",
    )
    return Rules(
        block=block,
        uid=uid,
        permit=uid is not None and uid < len(permits) and bool(permits[uid]),
        limit_blocks=int(limit or 0),
        last_update_block=int(updates[uid]) if uid is not None and uid < len(updates) else 0,
        fewest=int(fewest or 0),
        most_share=_U16 / _U16 if most is None else int(most) / _U16,
        version_key=int(version or 0),
        commit_reveal=bool(sealed),
    )


async def _schedule(c: Connection, netuid: int, block: int, at: str) -> Schedule:
    tempo, reveal, last, pending, index, since = await _all_of(
        c,
        netuid,
        at,
        "Tempo",
        "RevealPeriodEpochs",
        "LastEpochBlock",
        "PendingEpochAt",
        "SubnetEpochIndex",
        "BlocksSinceLastStep",
    )
    return Schedule(
        block=block,
        block_time_s=float(await c.substrate.block_time()),
        tempo=int(tempo),
        reveal_epochs=int(reveal),
        last_epoch_block=int(last or 0),
        pending_epoch_at=int(pending or 0),
        epoch_index=int(index or 0),
        blocks_since_last_step=int(since or 0),
    )


async def _all_of(c: Connection, netuid: int, at: str, *items: str) -> list[Any]:
    return await asyncio.gather(
        *(c.substrate.query(SUBTENSOR, item, [netuid], block_hash=at) for item in items)
    )
