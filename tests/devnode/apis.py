"""The runtime's APIs, as far as the SDK asks for them to show subnets and neurons.

An answer is the API's own type with zeros where this chain has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.devnode import hyper
from tests.devnode.epochs import next_epoch
from tests.devnode.fees import fee_rao
from tests.devnode.keys import of_public_key
from tests.devnode.ledger import SUBTENSOR, Ledger
from tests.devnode.scale import decoded_bytes

NO_AXON = {
    "block": 0, "version": 0, "ip": 0, "port": 0, "ip_type": 0, "protocol": 0,
    "placeholder1": 0, "placeholder2": 0,
}  # fmt: skip
NO_PROMETHEUS = {"block": 0, "version": 0, "ip": 0, "port": 0, "ip_type": 0}
WEIGHT = {"ref_time": 1_000_000_000, "proof_size": 5_000}
VECTORS = {"emission": "Emission", "dividends": "Dividends", "incentive": "Incentive",
           "consensus": "Consensus", "validator_trust": "ValidatorTrust",
           "last_update": "LastUpdate"}  # fmt: skip
U16_MAX = 65535


class NotHere(Exception):
    """An API that this chain does not have."""


def call(ledger: Ledger, name: str, args: bytes) -> bytes:
    """The answer, encoded.  `ledger` is that of the block asked about."""
    answer = APIS.get(name)
    if answer is None:
        raise NotHere(name)
    api, method = name.split("_", 1)
    output = ledger.state.codec.api_output(api, method)
    return ledger.state.codec.encode(output, answer(ledger, args))


def neuron(ledger: Ledger, netuid: int, uid: int) -> dict[str, Any]:
    """All that there is of one."""
    hotkey = ledger.get("Keys", netuid, uid)
    stake = ledger.stake(netuid, hotkey)
    owner = ledger.get("Owner", hotkey)
    at = ledger.state.get_at
    return {
        "hotkey": hotkey,
        "coldkey": owner,
        "uid": uid,
        "netuid": netuid,
        "active": at(SUBTENSOR, "Active", netuid, index=uid, zero=False),
        "axon_info": ledger.get("Axons", netuid, hotkey) or NO_AXON,
        "prometheus_info": ledger.get("Prometheus", netuid, hotkey) or NO_PROMETHEUS,
        "stake": [(owner, stake)],
        "rank": 0,
        "trust": 0,
        "validator_permit": at(SUBTENSOR, "ValidatorPermit", netuid, index=uid, zero=False),
        "pruning_score": U16_MAX,
        **{name: at(SUBTENSOR, item, netuid, index=uid, zero=0) for name, item in VECTORS.items()},
    }


def neurons(ledger: Ledger, netuid: int) -> list[dict[str, Any]]:
    count = ledger.get("SubnetworkN", netuid)
    return [neuron(ledger, netuid, uid) for uid in range(count)]


def with_weights(ledger: Ledger, found: dict[str, Any]) -> dict[str, Any]:
    weights = ledger.get("Weights", found["netuid"], found["uid"])
    return {**found, "weights": weights, "bonds": []}


def name_of(ledger: Ledger, netuid: int) -> bytes:
    identity = ledger.get("SubnetIdentitiesV3", netuid)
    return decoded_bytes(identity["subnet_name"]) if identity else b""


def metagraph(ledger: Ledger, netuid: int) -> dict[str, Any] | None:
    if not ledger.exists(netuid):
        return None
    codec, get = ledger.state.codec, ledger.get
    all_of = neurons(ledger, netuid)
    zero = codec.zero(
        codec.inside_option(codec.api_output("SubnetInfoRuntimeApi", "get_metagraph"))
    )
    # vectors by UID that are not below have no element that says more than zero
    for field in ("pruning_score", "rank", "trust", "tao_stake", "collateral_locked",
                  "collateral_min", "collateral_earned"):  # fmt: skip
        zero[field] = [0] * len(all_of)
    parameters = hyper.values(ledger.state, netuid)
    stakes = [row["stake"][0][1] for row in all_of]
    return {
        **zero,
        **{name: value for name, value in parameters.items() if name in zero},
        "netuid": netuid,
        "name": list(name_of(ledger, netuid)),
        "symbol": list(decoded_bytes(get("TokenSymbol", netuid))),
        "identity": get("SubnetIdentitiesV3", netuid),
        "owner_hotkey": get("SubnetOwnerHotkey", netuid),
        "owner_coldkey": get("SubnetOwner", netuid),
        "block": ledger.block,
        "last_step": get("LastMechansimStepBlock", netuid),
        "blocks_since_last_step": get("BlocksSinceLastStep", netuid),
        "num_uids": len(all_of),
        "max_uids": parameters["max_allowed_uids"],
        "hotkeys": [row["hotkey"] for row in all_of],
        "coldkeys": [row["coldkey"] for row in all_of],
        "identities": [None] * len(all_of),
        "axons": [row["axon_info"] for row in all_of],
        "active": [row["active"] for row in all_of],
        "validator_permit": [row["validator_permit"] for row in all_of],
        "last_update": [row["last_update"] for row in all_of],
        "emission": [row["emission"] for row in all_of],
        "dividends": [row["dividends"] for row in all_of],
        "incentives": [row["incentive"] for row in all_of],
        "consensus": [row["consensus"] for row in all_of],
        "alpha_stake": stakes,
        "total_stake": stakes,
        "block_at_registration": [get("BlockAtRegistration", netuid, row["uid"]) for row in all_of],
    }


def subnet_info(ledger: Ledger, netuid: int) -> dict[str, Any] | None:
    if not ledger.exists(netuid):
        return None
    parameters = hyper.values(ledger.state, netuid)
    same = ("rho", "kappa", "difficulty", "immunity_period", "min_allowed_weights",
            "max_weights_limit", "max_allowed_uids", "tempo", "burn")  # fmt: skip
    return {
        **{name: parameters[name] for name in same},
        "netuid": netuid,
        "max_allowed_validators": parameters["max_validators"],
        "scaling_law_power": 0,
        "subnetwork_n": ledger.get("SubnetworkN", netuid),
        "blocks_since_last_step": ledger.get("BlocksSinceLastStep", netuid),
        "network_modality": 0,
        "network_connect": [],
        "emission_value": 0,
        "owner": ledger.get("SubnetOwner", netuid),
        "identity": ledger.get("SubnetIdentitiesV3", netuid),
    }


def _number(args: bytes, at: int = 0) -> int:
    return int.from_bytes(args[at : at + 2], "little")


def _neuron_lite(ledger: Ledger, args: bytes) -> dict[str, Any] | None:
    netuid, uid = _number(args), _number(args, 2)
    return neuron(ledger, netuid, uid) if uid < ledger.get("SubnetworkN", netuid) else None


def _hyperparameters(ledger: Ledger, args: bytes) -> list[dict[str, Any]] | None:
    netuid = _number(args)
    return hyper.entries(ledger.state, netuid) if ledger.exists(netuid) else None


def _fee(ledger: Ledger, args: bytes) -> dict[str, Any]:
    length = int.from_bytes(args[-4:], "little")
    return {"weight": WEIGHT, "class": "Normal", "partial_fee": fee_rao(length)}


APIS: dict[str, Callable[[Ledger, bytes], Any]] = {
    "AccountNonceApi_account_nonce": lambda ledger, a: ledger.nonce(of_public_key(a[:32])),
    "TransactionPaymentApi_query_info": _fee,
    "SubnetInfoRuntimeApi_get_metagraph": lambda ledger, a: metagraph(ledger, _number(a)),
    "SubnetInfoRuntimeApi_get_subnet_info_v2": lambda ledger, a: subnet_info(ledger, _number(a)),
    "SubnetInfoRuntimeApi_get_subnet_hyperparams_v3": _hyperparameters,
    "SubnetInfoRuntimeApi_get_next_epoch_start_block": lambda ledger, a: next_epoch(
        ledger, _number(a)
    ),
    "NeuronInfoRuntimeApi_get_neurons_lite": lambda ledger, a: neurons(ledger, _number(a)),
    "NeuronInfoRuntimeApi_get_neuron_lite": _neuron_lite,
    "NeuronInfoRuntimeApi_get_neurons": lambda ledger, a: [
        with_weights(ledger, found) for found in neurons(ledger, _number(a))
    ],
}
