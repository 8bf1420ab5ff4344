"""Neurons: a UID for the price, and who has to go when there is none free.

The price rises with every registration (`BurnIncreaseMult`) and halves every `BurnHalfLife`
blocks.  Simplified: the share that is locked as collateral is charged and not kept account of;
registering by proof of work is not there; one immune neuron per subnet's owner.
"""

from __future__ import annotations

from typing import Any

from tests.devnode.ledger import Ledger

ROOT_NETUID = 0
FIXED_ONE = 1 << 64  # of BurnIncreaseMult, a fixed-point number
# vectors by UID, and what a new neuron starts with
VECTORS: tuple[tuple[str, Any], ...] = (
    ("Active", True),
    ("ValidatorPermit", False),
    ("Emission", 0),
    ("Consensus", 0),
    ("Incentive", 0),
    ("Dividends", 0),
    ("ValidatorTrust", 0),
)


def burned_register(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid, hotkey = args["netuid"], args["hotkey"]
    ledger.require(netuid != ROOT_NETUID, "RegistrationNotPermittedOnRootSubnet")
    ledger.require(ledger.exists(netuid), "SubnetNotExists")
    ledger.require(ledger.get("NetworkRegistrationAllowed", netuid), "SubNetRegistrationDisabled")
    ledger.require(ledger.uid(netuid, hotkey) is None, "HotKeyAlreadyRegisteredInSubNet")
    price = ledger.get("Burn", netuid)
    ledger.require(ledger.spendable(who) >= price, "NotEnoughBalanceToStake")
    ledger.require(ledger.owner(hotkey) in (None, who), "NonAssociatedColdKey")
    ledger.withdraw(who, price)
    uid = take_slot(ledger, netuid, hotkey, who)
    raised = price * ledger.get("BurnIncreaseMult", netuid)["bits"] // FIXED_ONE
    ledger.put("Burn", netuid, value=_within(ledger, netuid, raised))
    recycled = ledger.get("RAORecycledForRegistration", netuid)
    ledger.put("RAORecycledForRegistration", netuid, value=recycled + price)
    ledger.emit("SubtensorModule", "NeuronRegistered", [netuid, uid, hotkey])


def register_limit(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    netuid = args["netuid"]
    ledger.require(netuid != ROOT_NETUID, "RegistrationNotPermittedOnRootSubnet")
    ledger.require(ledger.exists(netuid), "SubnetNotExists")
    price = ledger.get("Burn", netuid)
    ledger.require(price <= args["limit_price"], "RegistrationPriceLimitExceeded")
    burned_register(ledger, who, args)


def take_slot(ledger: Ledger, netuid: int, hotkey: str, coldkey: str) -> int:
    """The next UID, or that of whoever is evicted for it."""
    uid: int = ledger.get("SubnetworkN", netuid)
    if uid < ledger.get("MaxAllowedUids", netuid):
        ledger.put("SubnetworkN", netuid, value=uid + 1)
    else:
        found = to_evict(ledger, netuid)
        ledger.require(found is not None, "NoNeuronIdAvailable")
        assert found is not None
        uid = found
        evict(ledger, netuid, uid)
    settle(ledger, netuid, uid, hotkey, coldkey)
    return uid


def settle(ledger: Ledger, netuid: int, uid: int, hotkey: str, coldkey: str) -> None:
    """A new neuron in a slot that nobody has."""
    if ledger.owner(hotkey) is None:
        ledger.put("Owner", hotkey, value=coldkey)
        ledger.put("OwnedHotkeys", coldkey, value=[*ledger.get("OwnedHotkeys", coldkey), hotkey])
    ledger.put("Keys", netuid, uid, value=hotkey)
    ledger.put("Uids", netuid, hotkey, value=uid)
    ledger.put("IsNetworkMember", hotkey, netuid, value=True)
    ledger.put("BlockAtRegistration", netuid, uid, value=ledger.block)
    for item, start in (*VECTORS, ("LastUpdate", ledger.block)):
        zero = False if isinstance(start, bool) else 0
        ledger.state.put_at("SubtensorModule", item, netuid, index=uid, value=start, zero=zero)


def to_evict(ledger: Ledger, netuid: int) -> int | None:
    """The lowest emission among those not immune, then the oldest, then the lowest UID.  If no
    more than `MinNonImmuneUids` are not immune, one of the immune has to go."""
    spared = ledger.get("SubnetOwnerHotkey", netuid)
    emissions = ledger.get("Emission", netuid)
    mortal: list[tuple[int, int, int]] = []
    immune: list[tuple[int, int, int]] = []
    for uid in range(ledger.get("SubnetworkN", netuid)):
        if ledger.get("Keys", netuid, uid) == spared:
            continue
        since = ledger.get("BlockAtRegistration", netuid, uid)
        fresh = ledger.block - since < ledger.get("ImmunityPeriod", netuid)
        emission = emissions[uid] if uid < len(emissions) else 0
        (immune if fresh else mortal).append((emission, since, uid))
    if len(mortal) > ledger.get("MinNonImmuneUids", netuid):
        return min(mortal)[2]
    return min(immune)[2] if immune else None


def evict(ledger: Ledger, netuid: int, uid: int) -> None:
    """Forget what the slot's hotkey had there."""
    hotkey = ledger.get("Keys", netuid, uid)
    for item in ("Uids", "Axons", "NeuronCertificates", "Prometheus"):
        ledger.state.kill("SubtensorModule", item, netuid, hotkey)
    ledger.state.kill("SubtensorModule", "IsNetworkMember", hotkey, netuid)
    ledger.state.kill("SubtensorModule", "Weights", netuid, uid)


def decay_price(ledger: Ledger, netuid: int) -> None:
    """What each block takes off the price."""
    half_life = ledger.get("BurnHalfLife", netuid)
    price = ledger.get("Burn", netuid)
    if half_life:
        cheaper = _within(ledger, netuid, int(price * 0.5 ** (1 / half_life)))
        if cheaper != price:
            ledger.put("Burn", netuid, value=cheaper)


def _within(ledger: Ledger, netuid: int, price: int) -> int:
    lowest: int = ledger.get("MinBurn", netuid)
    highest: int = ledger.get("MaxBurn", netuid)
    return min(max(price, lowest), highest)
