"""All calls that this chain knows, and what the pool checks of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.devnode.keys import ROOT
from tests.devnode.ledger import SUBTENSOR, Ledger, Refused
from tests.devnode.pallets import admin, balances, commitments, registration, serving, weights

Handler = Callable[[Ledger, str, dict[str, Any]], None]

HANDLERS: dict[tuple[str, str], Handler] = {
    ("System", "remark"): admin.remark,
    ("MevShield", "submit_encrypted"): admin.submit_encrypted,
    ("Balances", "transfer_keep_alive"): balances.transfer_keep_alive,
    ("Balances", "transfer_allow_death"): balances.transfer_allow_death,
    ("Balances", "transfer_all"): balances.transfer_all,
    ("Balances", "force_set_balance"): balances.force_set_balance,
    (SUBTENSOR, "burned_register"): registration.burned_register,
    (SUBTENSOR, "register_limit"): registration.register_limit,
    (SUBTENSOR, "serve_axon"): serving.serve_axon,
    (SUBTENSOR, "serve_axon_tls"): serving.serve_axon_tls,
    (SUBTENSOR, "serve_prometheus"): serving.serve_prometheus,
    (SUBTENSOR, "set_weights"): weights.set_weights,
    (SUBTENSOR, "set_mechanism_weights"): weights.set_weights,
    (SUBTENSOR, "commit_timelocked_weights"): weights.commit_timelocked,
    (SUBTENSOR, "commit_timelocked_mechanism_weights"): weights.commit_timelocked,
    ("Commitments", "set_commitment"): commitments.set_commitment,
    **{
        ("AdminUtils", f"sudo_set_{name}"): partial(admin.set_hyperparameter, item)
        for name, item in admin.SETTERS.items()
    },
}

# also when the pool validates, which is where they are refused nearly always
GUARDS: dict[tuple[str, str], Handler] = {
    (SUBTENSOR, "serve_axon"): serving.check_axon,
    (SUBTENSOR, "serve_axon_tls"): serving.check_axon,
    (SUBTENSOR, "serve_prometheus"): serving.check_prometheus,
    (SUBTENSOR, "set_weights"): weights.check_set,
    (SUBTENSOR, "set_mechanism_weights"): weights.check_set,
    (SUBTENSOR, "commit_timelocked_weights"): weights.check_commit,
    (SUBTENSOR, "commit_timelocked_mechanism_weights"): weights.check_commit,
    ("Commitments", "set_commitment"): commitments.check,
}

# the fee of these is on the coldkey that owns the hotkey which signed
OWNER_PAYS = frozenset(GUARDS)

# what the pool says for them: `Custom error: N`
CUSTOM_CODES = {
    "NotEnoughStakeToSetWeights": 1,
    "SubnetNotExists": 3,
    "CommittingWeightsTooFast": 6,
    "SettingWeightsTooFast": 6,
    "HotKeyNotRegisteredInNetwork": 10,
    "InvalidIpAddress": 11,
    "ServingRateLimitExceeded": 12,
    "InvalidPort": 13,
    "InvalidRevealRound": 15,
    "HotKeyNotRegisteredInSubNet": 19,
}
BAD_REQUEST = 255


def method(call: dict[str, Any]) -> tuple[str, str]:
    return call["call_module"], call["call_function"]


def arguments(call: dict[str, Any]) -> dict[str, Any]:
    return {arg["name"]: arg["value"] for arg in call["call_args"]}


def guard(ledger: Ledger, who: str, call: dict[str, Any]) -> None:
    check = GUARDS.get(method(call))
    if check is not None:
        check(ledger, who, arguments(call))


def dispatch(ledger: Ledger, who: str, call: dict[str, Any]) -> None:
    if call["call_module"] == "Sudo":
        sudo(ledger, who, call)
        return
    handler = HANDLERS.get(method(call))
    if handler is None:
        raise Refused("System", "CallFiltered")
    handler(ledger, who, arguments(call))


def sudo(ledger: Ledger, who: str, call: dict[str, Any]) -> None:
    """What the inner call ends with is told in the event: the outer one has succeeded."""
    ledger.require(who == ledger.state.get("Sudo", "Key"), "RequireSudo", "Sudo")
    kept = dict(ledger.state.values)
    try:
        dispatch(ledger, ROOT, arguments(call)["call"])
        outcome: dict[str, Any] = {"Ok": []}
    except Refused as refused:
        ledger.state.values = kept
        outcome = {"Err": dispatch_error(ledger, refused)}
    ledger.emit("Sudo", "Sudid", {"sudo_result": outcome})


def dispatch_error(ledger: Ledger, refused: Refused) -> Any:
    """As an event has it."""
    if refused.pallet == "":
        return refused.name
    if refused.pallet == "Token":
        return {"Token": refused.name}
    pallet, number = ledger.state.codec.errors[(refused.pallet, refused.name)]
    return {"Module": {"index": pallet, "error": "0x" + bytes([number, 0, 0, 0]).hex()}}
