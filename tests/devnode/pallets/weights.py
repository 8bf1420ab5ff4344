"""Weights, plain and timelocked.

Simplified: commits are kept and never revealed, for there is no drand here to open them with;
one mechanism (0) unless `MechanismCountCurrent` says otherwise; the older commit and reveal by
salt are not there.
"""

from __future__ import annotations

from typing import Any

from tests.devnode.ledger import SUBTENSOR, Ledger, Refused
from tests.devnode.scale import blake2, decoded_bytes, hexed

MECHANISM_STEP = 4096  # the storage index of mechanism m of subnet n is m * this + n
MOST_UNREVEALED = 10
U16_MAX = 65535


def storage_index(args: dict[str, Any]) -> int:
    index: int = args.get("mecid", 0) * MECHANISM_STEP + args["netuid"]
    return index


def check_set(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    """What the pool looks at: stake, then rate."""
    _check_stake(ledger, who, args["netuid"])
    if not ledger.get("CommitRevealWeightsEnabled", args["netuid"]):
        _check_rate(ledger, who, args, "SettingWeightsTooFast")


def check_commit(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    _check_stake(ledger, who, args["netuid"])
    last_round = ledger.state.get("Drand", "LastStoredRound")
    ledger.require(args["reveal_round"] >= last_round, "InvalidRevealRound")
    _check_rate(ledger, who, args, "CommittingWeightsTooFast")


def set_weights(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid, uids, values = args["netuid"], list(args["dests"]), list(args["weights"])
    ledger.require(ledger.exists(netuid), "SubnetNotExists")
    ledger.require(not ledger.get("CommitRevealWeightsEnabled", netuid), "CommitRevealEnabled")
    ledger.require(netuid != 0, "CanNotSetRootNetworkWeights")
    ledger.require(len(uids) == len(values), "WeightVecNotEqualSize")
    _check_mechanism(ledger, args)
    count = ledger.get("SubnetworkN", netuid)
    ledger.require(len(uids) <= count, "UidsLengthExceedUidsInSubNet")
    uid = _registered(ledger, netuid, who)
    _check_stake(ledger, who, netuid)
    wanted_version = ledger.get("WeightsVersionKey", netuid)
    ledger.require(args["version_key"] >= wanted_version, "IncorrectWeightVersionKey")
    _check_rate(ledger, who, args, "SettingWeightsTooFast")
    own = uids == [uid]
    permitted = ledger.state.get_at(SUBTENSOR, "ValidatorPermit", netuid, index=uid, zero=False)
    owns_subnet = who == ledger.get("SubnetOwnerHotkey", netuid)
    ledger.require(own or permitted or owns_subnet, "NeuronNoValidatorPermit")
    ledger.require(len(set(uids)) == len(uids), "DuplicateUids")
    ledger.require(all(found < count for found in uids), "UidVecContainInvalidOne")
    ledger.require(
        own or len(uids) >= ledger.get("MinAllowedWeights", netuid), "WeightVecLengthIsLow"
    )
    scaled = _upscaled(values)
    limit = ledger.get("MaxWeightsLimit", netuid)
    within = not scaled or max(scaled) * U16_MAX <= limit * sum(scaled)
    ledger.require(own or limit == U16_MAX or within, "MaxWeightExceeded")
    index = storage_index(args)
    ledger.put("Weights", index, uid, value=list(zip(uids, scaled, strict=True)))
    ledger.state.put_at(SUBTENSOR, "LastUpdate", index, index=uid, value=ledger.block, zero=0)
    ledger.emit(SUBTENSOR, "WeightsSet", [index, uid])


def commit_timelocked(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid = args["netuid"]
    _check_mechanism(ledger, args)
    ledger.require(ledger.get("CommitRevealWeightsEnabled", netuid), "CommitRevealDisabled")
    version = ledger.get("CommitRevealWeightsVersion")
    ledger.require(args["commit_reveal_version"] == version, "IncorrectCommitRevealVersion")
    uid = _registered(ledger, netuid, who)
    _check_rate(ledger, who, args, "CommittingWeightsTooFast")
    commit = decoded_bytes(args["commit"])
    index, epoch = storage_index(args), ledger.get("SubnetEpochIndex", netuid)
    waiting = list(ledger.get("TimelockedWeightCommits", index, epoch))
    mine = [entry for entry in waiting if entry[0] == who]
    ledger.require(len(mine) < MOST_UNREVEALED, "TooManyUnrevealedCommits")
    waiting.append((who, ledger.block, list(commit), args["reveal_round"]))
    ledger.put("TimelockedWeightCommits", index, epoch, value=waiting)
    ledger.state.put_at(SUBTENSOR, "LastUpdate", index, index=uid, value=ledger.block, zero=0)
    event = [who, index, hexed(blake2(commit)), args["reveal_round"]]
    ledger.emit(SUBTENSOR, "TimelockedWeightsCommitted", event)


def _registered(ledger: Ledger, netuid: int, who: str) -> int:
    uid = ledger.uid(netuid, who)
    if uid is None:
        raise Refused(SUBTENSOR, "HotKeyNotRegisteredInSubNet")
    return uid


def _check_stake(ledger: Ledger, who: str, netuid: int) -> None:
    enough = ledger.stake(netuid, who) >= ledger.get("StakeThreshold")
    ledger.require(enough, "NotEnoughStakeToSetWeights")


def _check_mechanism(ledger: Ledger, args: dict[str, Any]) -> None:
    ledger.require(ledger.exists(args["netuid"]), "SubnetNotExists")
    count = ledger.get("MechanismCountCurrent", args["netuid"])
    ledger.require(args.get("mecid", 0) < count, "MechanismDoesNotExist")


def _check_rate(ledger: Ledger, who: str, args: dict[str, Any], name: str) -> None:
    uid = ledger.uid(args["netuid"], who)
    if uid is None:
        return
    last = ledger.state.get_at(SUBTENSOR, "LastUpdate", storage_index(args), index=uid, zero=0)
    limit = ledger.get("WeightsSetRateLimit", args["netuid"])
    ledger.require(last == 0 or ledger.block - last >= limit, name)


def _upscaled(values: list[int]) -> list[int]:
    """The largest becomes 65535."""
    top = max(values, default=0)
    return [round(value * U16_MAX / top) for value in values] if top else values
