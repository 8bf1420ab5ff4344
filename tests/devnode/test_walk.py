"""The unmodified SDK on this chain, from connecting to weights: what is meant to work."""

from __future__ import annotations

import bittensor as bt
import pytest

from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.sdk import Connect, calls, wallet

RAO = 10**9


def test_connect_and_block_time(devnode: DevNode, connect: Connect) -> None:
    client = connect(devnode)
    assert client.spec_version() == 474
    assert client.block_time() == 0.2
    assert client.subnets.subnet_names() == {0: "root", 7: "Elsewhere", 49: "Polaris"}


def test_transfer(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    carol = node.address("//Carol")
    result = client.execute(bt.Transfer(dest_ss58=carol, amount_tao=5), wallet("//Bob"))
    assert result.success
    assert client.balances.get(carol).rao == 5 * RAO == node.balance("//Carol")
    (landed,) = node.extrinsics()
    assert landed.method == "Balances.transfer_keep_alive"
    assert result.extrinsic_id == f"{landed.block}-{landed.index:04d}"
    assert result.fee.rao == landed.fee_rao
    assert node.balance("//Bob") == 10**15 - 5 * RAO - landed.fee_rao


@pytest.mark.parametrize("shielded", [True, False])
def test_registration(instant_devnode: DevNode, connect: Connect, shielded: bool) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    price = client.subnets.burn(netuid=49).rao
    before = node.balance("//Bob")
    if shielded:
        result = client.execute(bt.BurnedRegister(netuid=49), bob)
    else:
        call = calls.burned_register(netuid=49, hotkey=bob.hotkey.ss58_address)
        result = client.submit_call(call, bob)
    assert result.success
    assert client.neurons.uid(hotkey_ss58=bob.hotkey.ss58_address, netuid=49) == 0
    assert client.neurons.hotkey_owner(hotkey_ss58=bob.hotkey.ss58_address) == (
        bob.coldkey.ss58_address
    )
    landed = node.extrinsics()
    assert [entry.method.split(".")[1] for entry in landed] == (
        ["submit_encrypted", "burned_register"] if shielded else ["burned_register"]
    )
    paid = price + sum(entry.fee_rao for entry in landed)
    # the price falls a little with the block
    assert before - paid <= node.balance("//Bob") <= before - paid + price // 50
    assert client.subnets.burn(netuid=49).rao > price * 5 // 4


def test_signed_elsewhere(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    call = calls.burned_register(netuid=49, hotkey=bob.hotkey.ss58_address)
    unsigned = client.prepare_call(call, address=bob.coldkey.ss58_address)
    result = client.submit_signature(unsigned, bob.coldkey.sign(unsigned.payload))
    assert result.success
    assert node.extrinsics("SubtensorModule.burned_register")[0].ok


def test_serve_and_metagraph(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    assert node.register(49, "//Bob/hot", "//Bob") == 0
    assert node.register(49, "//Alice/hot", "//Alice", stake_tao=10, permit=True) == 1
    owed = node.balance("//Bob")
    result = client.execute(bt.ServeAxon(netuid=49, ip="203.0.113.7", port=8091), bob)
    assert result.success
    graph = client.subnets.metagraph(49)
    assert (graph.name, graph.num_uids, graph.tempo) == ("Polaris", 2, 360)
    assert graph.block == node.number()
    assert [neuron.axon for neuron in graph.neurons] == ["203.0.113.7:8091", None]
    assert [neuron.validator_permit for neuron in graph.neurons] == [False, True]
    assert graph.neurons[1].total_stake.rao == 10 * RAO
    assert graph.raw["axons"][0]["block"] == node.number()
    # the coldkey pays for its hotkey, which has nothing
    (served,) = node.extrinsics("SubtensorModule.serve_axon")
    assert served.paid_by == bob.coldkey.ss58_address
    assert node.balance("//Bob") == owed - served.fee_rao
    assert node.balance("//Bob/hot") == 0


def test_serve_ipv6_tls_and_reset(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    node.register(49, "//Bob/hot", "//Bob")
    node.hyper(49, serving_rate_limit=0)
    certificate = "0x01" + "ab" * 32
    served = bt.ServeAxonTls(netuid=49, ip="2001:db8::7", port=8000, certificate=certificate)
    assert client.execute(served, bob).success
    assert client.subnets.metagraph(49).neurons[0].axon == "[2001:db8::7]:8000"
    kept = node.get("SubtensorModule", "NeuronCertificates", 49, bob.hotkey.ss58_address)
    assert kept == {"algorithm": 1, "public_key": "0x" + "ab" * 32}
    assert client.execute(bt.ResetAxon(netuid=49), bob).success
    assert client.subnets.metagraph(49).neurons[0].axon is None


def test_neuron_lists_and_hyperparameters(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    for name in ("//Bob", "//Charlie", "//Dave"):
        node.register(49, f"{name}/hot", name, stake_tao=3)
    for lite in (True, False):
        found = client.neurons.all(netuid=49, lite=lite)
        assert [neuron.coldkey for neuron in found] == [
            node.address(name) for name in ("//Bob", "//Charlie", "//Dave")
        ]
    hot = node.address("//Dave/hot")
    assert client.neurons.netuids_for_hotkey(hotkey_ss58=hot) == [49]
    node.hyper(49, tempo=99, serving_rate_limit=7, registration_allowed=False)
    found = client.subnets.subnet_hyperparameters(netuid=49)
    assert found is not None
    assert (found["tempo"], found["serving_rate_limit"]) == (99, 7)
    assert found["registration_allowed"] is False
    assert client.subnets.subnet_hyperparameters(netuid=50) is None
    assert client.subnets.metagraph(50) is None


def test_commitment(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    node.register(49, "//Bob/hot", "//Bob")
    call = bt.calls.Commitments.set_commitment(netuid=49, info={"fields": [[{"Raw5": b"hello"}]]})
    assert client.submit_call(call, bob, signer="hotkey").success
    assert client.subnets.metagraph(49).neurons[0].commitment.data == "hello"
    assert node.extrinsics("Commitments.set_commitment")[0].paid_by == bob.coldkey.ss58_address


@pytest.mark.parametrize("timelocked", [False, True])
def test_weights(instant_devnode: DevNode, connect: Connect, timelocked: bool) -> None:
    node, client, alice = instant_devnode, connect(instant_devnode), wallet("//Alice")
    node.register(49, "//Alice/hot", "//Alice", stake_tao=10, permit=True)
    node.register(49, "//Bob/hot", "//Bob")
    node.hyper(49, commit_reveal_weights_enabled=timelocked)
    node.mine(101)
    result = client.execute(bt.SetWeights(netuid=49, weights={0: 0.2, 1: 0.8}), alice)
    assert result.success
    assert node.get("SubtensorModule", "LastUpdate", 49)[0] == node.number()
    if timelocked:
        assert result.data["reveal_round"] > 0
        ((who, block, _, reveal_round),) = node.get(
            "SubtensorModule", "TimelockedWeightCommits", 49, 0
        )
        assert (who, block) == (alice.hotkey.ss58_address, node.number())
        assert reveal_round == result.data["reveal_round"]
    else:
        weights = client.query_map(bt.storage.SubtensorModule.Weights, [49])
        assert weights == [(0, [(0, 16384), (1, 65535)])]


def test_weights_without_epoch_consensus(make_devnode: MakeDevNode, connect: Connect) -> None:
    """As on a runtime before 474: bittensor 11.3.0 cannot, and says so by a ValueError."""
    node = make_devnode(spec_version=461, epoch_consensus=False)
    node.register(49, "//Alice/hot", "//Alice", permit=True)
    client, alice = connect(node), wallet("//Alice")
    assert client.spec_version() == 461
    with pytest.raises(ValueError, match="SubnetEpochConsensus"):
        client.execute(bt.SetWeights(netuid=49, weights={0: 1.0}), alice)
    call = calls.set_mechanism_weights(
        netuid=49, mecid=0, dests=[0], weights=[65535], version_key=0
    )
    node.hyper(49, weights_rate_limit=0)
    assert client.submit_call(call, alice, signer="hotkey").success


def test_sudo(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    inner = client.compose(bt.calls.AdminUtils.sudo_set_serving_rate_limit(
        netuid=49, serving_rate_limit=3))  # fmt: skip
    assert client.submit_call(bt.calls.Sudo.sudo(call=inner), wallet("//Alice")).success
    assert node.hyper(49)["serving_rate_limit"] == 3
    refused = client.submit_call(bt.calls.Sudo.sudo(call=inner), wallet("//Bob"))
    assert refused.error.name == "RequireSudo"
