"""Who gets a UID, for how much, and at whose expense."""

from __future__ import annotations

from typing import Any

import bittensor as bt
import pytest

from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.sdk import Connect, calls, failure, wallet

RAO = 10**9


def register(client: Any, who: str, netuid: int = 49) -> Any:
    made = wallet(who)
    call = calls.burned_register(netuid=netuid, hotkey=made.hotkey.ss58_address)
    return client.submit_call(call, made)


def test_refusals_in_order(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    assert failure(register(client, "//Bob", 0)) == (
        "invalid_argument",
        "RegistrationNotPermittedOnRootSubnet",
    )
    assert failure(register(client, "//Bob", 50)) == ("subnet_not_exists", "SubnetNotExists")
    node.hyper(49, registration_allowed=False)
    assert failure(register(client, "//Bob"))[1] == "SubNetRegistrationDisabled"
    node.hyper(49, registration_allowed=True, burn=20 * RAO, min_burn=20 * RAO)
    node.fund("//Carol", 20)
    assert failure(register(client, "//Carol")) == (
        "insufficient_balance",
        "NotEnoughBalanceToStake",
    )
    assert register(client, "//Bob").success
    assert failure(register(client, "//Bob"))[1] == "HotKeyAlreadyRegisteredInSubNet"
    # a hotkey that somebody else has is not to be had
    stolen = wallet("//Dave", "//Bob/hot")
    node.hyper(7, burn=1, min_burn=1)
    call = calls.burned_register(netuid=7, hotkey=stolen.hotkey.ss58_address)
    assert failure(client.submit_call(call, stolen))[1] == "NonAssociatedColdKey"
    assert [entry.ok for entry in node.extrinsics()].count(True) == 1


def test_a_refused_registration_costs_the_fee_only(
    instant_devnode: DevNode, connect: Connect
) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    node.hyper(49, registration_allowed=False)
    before = node.balance("//Bob")
    register(client, "//Bob")
    (landed,) = node.extrinsics()
    assert (landed.ok, landed.error) == (False, "SubtensorModule.SubNetRegistrationDisabled")
    assert node.balance("//Bob") == before - landed.fee_rao


def test_no_more_than_the_highest_price(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    hotkey = bob.hotkey.ss58_address
    price = node.hyper(49)["burn"]
    low = calls.register_limit(netuid=49, hotkey=hotkey, limit_price=price // 2)
    assert failure(client.submit_call(low, bob))[1] == "RegistrationPriceLimitExceeded"
    enough = calls.register_limit(netuid=49, hotkey=hotkey, limit_price=price)
    assert client.submit_call(enough, bob).success


def test_price_rises_and_halves(still_devnode: DevNode) -> None:
    node = still_devnode
    start = node.hyper(49)["burn"]
    for name in ("//Bob", "//Charlie"):
        hotkey = node.address(f"{name}/hot")
        node.submit(name, "SubtensorModule", "burned_register", netuid=49, hotkey=hotkey)
    node.mine()
    assert [entry.ok for entry in node.extrinsics()] == [True, True]
    raised = node.hyper(49)["burn"]
    assert raised == pytest.approx(start * 1.26**2, rel=0.01)
    node.mine(360)
    assert node.hyper(49)["burn"] == pytest.approx(raised / 2, rel=0.01)
    node.hyper(49, min_burn=raised)
    node.mine()
    assert node.hyper(49)["burn"] == raised


def test_full_subnet_evicts_the_least_useful(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    node.hyper(49, max_allowed_uids=3, immunity_period=5, min_non_immune_uids=0)
    for name in ("//Charlie", "//Dave", "//Eve"):
        node.register(49, f"{name}/hot", name)
    node.serve(49, "//Dave/hot", "203.0.113.4:8000")
    node.mine(5)
    # uid 1 earns nothing, the others do
    node.set("SubtensorModule", "Emission", [49], [5, 0, 5])
    assert register(client, "//Bob").success
    graph = client.subnets.metagraph(49)
    assert [neuron.coldkey for neuron in graph.neurons] == [
        node.address(name) for name in ("//Charlie", "//Bob", "//Eve")
    ]
    assert graph.neurons[1].axon is None
    assert client.neurons.uid(hotkey_ss58=node.address("//Dave/hot"), netuid=49) is None


def test_immune_goes_last_and_the_owners_never(still_devnode: DevNode) -> None:
    node = still_devnode
    node.hyper(49, max_allowed_uids=2, immunity_period=100, min_non_immune_uids=0)
    node.register(49, "//Alice/owner", "//Alice")
    node.register(49, "//Dave/hot", "//Dave")
    hotkey = node.address("//Bob/hot")
    node.submit("//Bob", "SubtensorModule", "burned_register", netuid=49, hotkey=hotkey)
    node.mine()
    assert node.get("SubtensorModule", "Keys", 49, 1) == hotkey
    # and where nobody can go, nobody can come
    node.hyper(49, max_allowed_uids=1)
    node.set("SubtensorModule", "SubnetworkN", [49], 1)
    other = node.address("//Eve/hot")
    node.submit("//Eve", "SubtensorModule", "burned_register", netuid=49, hotkey=other)
    node.mine()
    assert node.extrinsics()[-1].error == "SubtensorModule.NoNeuronIdAvailable"


def test_foreign_name(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(netuids={49: "Nepher Robotics", 12: ""})
    client = connect(node)
    assert client.subnets.metagraph(49).name == "Nepher Robotics"
    assert client.subnets.subnet_names() == {0: "root", 49: "Nepher Robotics"}
    node.name(49, "Polaris")
    assert client.subnets.metagraph(49).name == "Polaris"


def test_shielded_needs_the_key(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(slot_ms=50)  # the SDK waits for a block or two
    client = connect(node)
    node.set("MevShield", "NextKey", [], None)
    with pytest.raises(bt.ChainError, match="NextKey"):
        client.execute(bt.BurnedRegister(netuid=49), wallet("//Bob"))


def test_carrier_without_its_content(instant_devnode: DevNode, connect: Connect) -> None:
    """The SDK looks for it until its era ends, and then says that it failed."""
    node, client = instant_devnode, connect(instant_devnode)
    node.fault("sealed", count=1)
    waiting = client.start(client.target.execute(bt.BurnedRegister(netuid=49), wallet("//Bob")))
    client.until(node.extrinsics)
    client.rest(0.1)
    assert not waiting.done()
    assert [entry.method for entry in node.extrinsics()] == ["MevShield.submit_encrypted"]
    assert node.get("SubtensorModule", "SubnetworkN", 49) == 0


def test_deregistered_for_a_newcomer(still_devnode: DevNode) -> None:
    node = still_devnode
    uid = node.register(49, "//Bob/hot", "//Bob")
    node.deregister(49, "//Bob/hot")
    assert node.get("SubtensorModule", "Uids", 49, node.address("//Bob/hot")) is None
    assert node.get("SubtensorModule", "Keys", 49, uid) != node.address("//Bob/hot")
    with pytest.raises(ValueError, match="no uid"):
        node.deregister(49, "//Bob/hot")
