"""Sudo, and the hyperparameters that root or a subnet's owner sets with AdminUtils.

Simplified: any of these calls is open to the subnet's owner, none is limited in rate, and no
value is too high or too low.
"""

from __future__ import annotations

from typing import Any

from tests.devnode.keys import ROOT
from tests.devnode.ledger import Ledger

# AdminUtils.sudo_set_X -> the item that it sets; the value is the argument that is no netuid
SETTERS = {
    "serving_rate_limit": "ServingRateLimit",
    "weights_version_key": "WeightsVersionKey",
    "weights_set_rate_limit": "WeightsSetRateLimit",
    "immunity_period": "ImmunityPeriod",
    "min_allowed_weights": "MinAllowedWeights",
    "max_allowed_uids": "MaxAllowedUids",
    "activity_cutoff": "ActivityCutoff",
    "network_registration_allowed": "NetworkRegistrationAllowed",
    "min_burn": "MinBurn",
    "max_burn": "MaxBurn",
    "burn_half_life": "BurnHalfLife",
    "burn_increase_mult": "BurnIncreaseMult",
    "max_allowed_validators": "MaxAllowedValidators",
    "tempo": "Tempo",
    "commit_reveal_weights_enabled": "CommitRevealWeightsEnabled",
    "commit_reveal_weights_interval": "RevealPeriodEpochs",
    "commit_reveal_version": "CommitRevealWeightsVersion",
    "stake_threshold": "StakeThreshold",
    "min_non_immune_uids": "MinNonImmuneUids",
    "mechanism_count": "MechanismCountCurrent",
    "sn_owner_hotkey": "SubnetOwnerHotkey",
}


def set_hyperparameter(item: str, ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid = args.get("netuid")
    owns = netuid is not None and who == ledger.get("SubnetOwner", netuid)
    ledger.require(who == ROOT or owns, "BadOrigin", "")
    keys = () if netuid is None else (netuid,)
    if keys:
        ledger.require(ledger.exists(netuid or 0), "SubnetDoesNotExist", "AdminUtils")
    value = next(value for name, value in args.items() if name != "netuid")
    ledger.put(item, *keys, value=value)


def remark(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    """Does nothing, which is its purpose."""


def submit_encrypted(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    """The carrier of a shielded transaction; whoever makes the block opens it."""
