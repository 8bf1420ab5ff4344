"""The hyperparameters of a subnet: their names, the items that they are, and what they start as.

The names are those of the runtime API `get_subnet_hyperparams_v3`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.devnode.ledger import Ledger
from tests.devnode.state import State


class Hyperparameter(NamedTuple):
    item: str
    kind: str  # the variant of HyperparamValue; "" for those that the API does not list
    start: Any = None  # None: what the runtime's metadata says


TABLE: dict[str, Hyperparameter] = {
    "rho": Hyperparameter("Rho", "U16"),
    "kappa": Hyperparameter("Kappa", "U16"),
    "immunity_period": Hyperparameter("ImmunityPeriod", "U16"),
    "min_allowed_weights": Hyperparameter("MinAllowedWeights", "U16", 1),
    "max_weights_limit": Hyperparameter("MaxWeightsLimit", "U16"),
    "tempo": Hyperparameter("Tempo", "U16", 360),
    "min_difficulty": Hyperparameter("MinDifficulty", "U64"),
    "max_difficulty": Hyperparameter("MaxDifficulty", "U64"),
    "weights_version": Hyperparameter("WeightsVersionKey", "U64"),
    "weights_rate_limit": Hyperparameter("WeightsSetRateLimit", "U64"),
    "adjustment_interval": Hyperparameter("AdjustmentInterval", "U16"),
    "activity_cutoff": Hyperparameter("ActivityCutoff", "U64"),
    "registration_allowed": Hyperparameter("NetworkRegistrationAllowed", "Bool", True),
    "target_regs_per_interval": Hyperparameter("TargetRegistrationsPerInterval", "U16"),
    "min_burn": Hyperparameter("MinBurn", "TaoBalance"),
    "max_burn": Hyperparameter("MaxBurn", "TaoBalance"),
    "bonds_moving_avg": Hyperparameter("BondsMovingAverage", "U64"),
    "max_regs_per_block": Hyperparameter("MaxRegistrationsPerBlock", "U16"),
    "serving_rate_limit": Hyperparameter("ServingRateLimit", "U64"),
    "max_validators": Hyperparameter("MaxAllowedValidators", "U16", 64),
    "adjustment_alpha": Hyperparameter("AdjustmentAlpha", "U64"),
    "difficulty": Hyperparameter("Difficulty", "U64"),
    "commit_reveal_period": Hyperparameter("RevealPeriodEpochs", "U64"),
    "commit_reveal_weights_enabled": Hyperparameter("CommitRevealWeightsEnabled", "Bool", False),
    "liquid_alpha_enabled": Hyperparameter("LiquidAlphaOn", "Bool"),
    "bonds_reset_enabled": Hyperparameter("BondsResetOn", "Bool"),
    "burn_half_life": Hyperparameter("BurnHalfLife", "U16"),
    "burn_increase_mult": Hyperparameter("BurnIncreaseMult", "U64F64"),
    "max_allowed_uids": Hyperparameter("MaxAllowedUids", "U16"),
    # not in the API's list
    "burn": Hyperparameter("Burn", "", 10**8),
    "pow_registration_allowed": Hyperparameter("NetworkPowRegistrationAllowed", "", False),
    "min_non_immune_uids": Hyperparameter("MinNonImmuneUids", ""),
}


def set_up(ledger: Ledger, netuid: int) -> None:
    """Of a new subnet."""
    for row in TABLE.values():
        value = ledger.get(row.item, netuid) if row.start is None else row.start
        ledger.put(row.item, netuid, value=value)


def values(state: State, netuid: int) -> dict[str, Any]:
    """As stored, by name."""
    return {name: state.get("SubtensorModule", row.item, netuid) for name, row in TABLE.items()}


def change(ledger: Ledger, netuid: int, wanted: dict[str, Any]) -> None:
    """KeyError for a name that is none."""
    for name, value in wanted.items():
        ledger.put(TABLE[name].item, netuid, value=value)


def entries(state: State, netuid: int) -> list[dict[str, Any]]:
    """As `get_subnet_hyperparams_v3` lists them."""
    found = values(state, netuid)
    return [
        {"name": list(name.encode()), "value": {row.kind: found[name]}}
        for name, row in TABLE.items()
        if row.kind
    ]
