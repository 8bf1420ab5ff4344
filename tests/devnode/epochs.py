"""What happens at the start of each block: prices fall, and now and then an epoch ends.

A subnet's epoch ends `Tempo` blocks after the last one, or when its owner has asked for it.
Much simplified: a subnet gets 1 alpha a block, half for miners by the stake-weighted mean of
the permitted validators' weights, half for those validators by their stake.  There are no
bonds, no consensus clipping and no commit that opens; what is earned is shown and not added
to anyone's stake.  A permit goes to the `MaxAllowedValidators` highest stakes above the
threshold, as in the runtime.
"""

from __future__ import annotations

from tests.devnode.ledger import SUBTENSOR, Ledger
from tests.devnode.pallets.registration import decay_price

ALPHA_PER_BLOCK_RAO = 10**9
U16_MAX = 65535


def begin_block(ledger: Ledger, netuids: list[int]) -> None:
    for netuid in netuids:
        decay_price(ledger, netuid)
        since = ledger.get("BlocksSinceLastStep", netuid) + 1
        if ledger.block >= (next_epoch(ledger, netuid) or ledger.block + 1):
            end_epoch(ledger, netuid, since)
            since = 0
        ledger.put("BlocksSinceLastStep", netuid, value=since)


def next_epoch(ledger: Ledger, netuid: int) -> int | None:
    """The block at which it will end; None where the tempo is 0."""
    tempo: int = ledger.get("Tempo", netuid)
    if not tempo:
        return None
    due: int = ledger.get("LastEpochBlock", netuid) + tempo
    asked: int = ledger.get("PendingEpochAt", netuid)
    return min(due, asked) if asked else due


def end_epoch(ledger: Ledger, netuid: int, blocks: int) -> None:
    ledger.put("LastEpochBlock", netuid, value=ledger.block)
    ledger.put("LastMechansimStepBlock", netuid, value=ledger.block)  # spelt so by the runtime
    ledger.put("PendingEpochAt", netuid, value=0)
    ledger.put("SubnetEpochIndex", netuid, value=ledger.get("SubnetEpochIndex", netuid) + 1)
    count = ledger.get("SubnetworkN", netuid)
    hotkeys = [ledger.get("Keys", netuid, uid) for uid in range(count)]
    stakes = [ledger.stake(netuid, hotkey) for hotkey in hotkeys]
    permits = _permits(ledger, netuid, stakes)
    dividends = _shares([stake if permits[uid] else 0 for uid, stake in enumerate(stakes)])
    incentives = _shares(_scores(ledger, netuid, stakes, permits))
    half = ALPHA_PER_BLOCK_RAO * blocks // 2
    cutoff = ledger.get("ActivityCutoff", netuid)
    updates = list(ledger.get("LastUpdate", netuid))
    for item, vector in (
        ("ValidatorPermit", permits),
        ("Active", [ledger.block - updated < cutoff for updated in updates]),
        ("Dividends", [round(share * U16_MAX) for share in dividends]),
        ("Incentive", [round(share * U16_MAX) for share in incentives]),
        ("Consensus", [round(share * U16_MAX) for share in incentives]),
        ("ValidatorTrust", [U16_MAX if share else 0 for share in dividends]),
        (
            "Emission",
            [int(half * (a + b)) for a, b in zip(dividends, incentives, strict=True)],
        ),
    ):
        ledger.put(item, netuid, value=vector)


def _permits(ledger: Ledger, netuid: int, stakes: list[int]) -> list[bool]:
    threshold = max(1, ledger.get("StakeThreshold"))
    ranked = sorted((-stake, uid) for uid, stake in enumerate(stakes) if stake >= threshold)
    chosen = {uid for _, uid in ranked[: ledger.get("MaxAllowedValidators", netuid)]}
    return [uid in chosen for uid in range(len(stakes))]


def _scores(ledger: Ledger, netuid: int, stakes: list[int], permits: list[bool]) -> list[float]:
    """Each UID's weight, by the stake of those who gave it; nobody weighs himself."""
    scores = [0.0] * len(stakes)
    for validator, stake in enumerate(stakes):
        if not permits[validator]:
            continue
        given = [
            (uid, weight)
            for uid, weight in ledger.state.get(SUBTENSOR, "Weights", netuid, validator)
            if uid != validator and uid < len(scores)
        ]
        total = sum(weight for _, weight in given) or 1
        for uid, weight in given:
            scores[uid] += stake * weight / total
    return scores


def _shares(values: list[float] | list[int]) -> list[float]:
    total = sum(values)
    return [value / total if total else 0.0 for value in values]
