"""Serving and commitments: what is refused, where, and in which order."""

from __future__ import annotations

from typing import Any

import bittensor as bt
import pytest

from tests.devnode.client import DevNode
from tests.devnode.sdk import Connect, calls, failure, wallet

AXON = {
    "netuid": 49,
    "version": 1,
    "ip": 0x0B0B0B0B,
    "port": 8000,
    "ip_type": 4,
    "protocol": 4,
    "placeholder1": 0,
    "placeholder2": 0,
}


def serve(client: Any, **changes: Any) -> Any:
    call = calls.serve_axon(**{**AXON, **changes})
    return client.submit_call(call, wallet("//Bob"), signer="hotkey")


@pytest.fixture
def served(instant_devnode: DevNode, connect: Connect) -> tuple[DevNode, Any]:
    """Bob is registered on 49, and has served once."""
    instant_devnode.register(49, "//Bob/hot", "//Bob")
    client = connect(instant_devnode)
    assert serve(client).success
    return instant_devnode, client


def test_order_of_refusals(served: tuple[DevNode, Any]) -> None:
    node, client = served
    everything_wrong = {"ip_type": 5, "ip": 0x7F000001, "port": 0}
    node.fund("//Bob/hot", 1)
    unregistered = failure(serve(client, **{**everything_wrong, "netuid": 7}))
    assert unregistered == ("not_registered", "HotKeyNotRegisteredInNetwork")
    # the pool has no number of its own for this one
    assert failure(serve(client, **everything_wrong))[1] == "BadRequest"
    assert failure(serve(client, ip=0x7F000001, port=0))[1] == "InvalidIpAddress"
    assert failure(serve(client, port=0)) == ("rate_limited", "ServingRateLimitExceeded")
    node.hyper(49, serving_rate_limit=0)
    assert failure(serve(client, port=0))[1] == "InvalidPort"
    # all were refused before they could land
    assert len(node.extrinsics()) == 1
    refused = [tried.refused for tried in node.submissions() if tried.refused]
    assert [error["data"] for error in refused] == [
        f"Custom error: {number}" for number in (10, 255, 11, 12, 13)
    ]
    assert {error["code"] for error in refused} == {1010}


@pytest.mark.parametrize(
    ("ip", "ip_type", "taken"),
    [
        (0, 4, True),
        (0x0A000001, 4, True),  # private addresses are not the chain's concern
        (0x7F000001, 4, False),
        (2**32 - 1, 4, False),
        (2**32, 4, False),
        (1, 6, False),
        (2**128 - 1, 6, False),
        (0x20010DB8 << 96, 6, True),
    ],
)
def test_addresses(served: tuple[DevNode, Any], ip: int, ip_type: int, taken: bool) -> None:
    node, client = served
    node.hyper(49, serving_rate_limit=0)
    assert serve(client, ip=ip, ip_type=ip_type).success is taken


def test_rate_limit_to_the_block(served: tuple[DevNode, Any]) -> None:
    node, client = served
    node.mine(48)
    assert failure(serve(client, port=8001))[0] == "rate_limited"
    node.mine()
    assert serve(client, port=8001).success
    assert client.subnets.metagraph(49).neurons[0].axon == "11.11.11.11:8001"


def test_owner_without_money(served: tuple[DevNode, Any]) -> None:
    node, client = served
    node.hyper(49, serving_rate_limit=0)
    node.fund("//Bob", 0.0001)
    node.fund("//Bob/hot", 100)  # which is not who pays
    assert failure(serve(client)) == ("insufficient_balance", "Payment")
    assert node.submissions()[-1].refused == {
        "code": 1010,
        "message": "Invalid Transaction",
        "data": "Inability to pay some fees (e.g. account balance too low)",
    }
    node.fund("//Bob", 1)
    assert serve(client).success


def test_limit_passed_between_pool_and_block(still_devnode: DevNode) -> None:
    """Two that were both right when they came: the second is dropped from the pool."""
    node = still_devnode
    node.register(49, "//Bob/hot", "//Bob")
    for port in (1, 2):
        node.submit("//Bob/hot", "SubtensorModule", "serve_axon", **{**AXON, "port": port})
    node.mine()
    assert [entry.args["port"] for entry in node.extrinsics()] == [1]
    assert node.pool() == []


def test_prometheus(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    node.register(49, "//Bob/hot", "//Bob")
    call = calls.serve_prometheus(netuid=49, version=1, ip=0, port=9000, ip_type=4)
    assert failure(client.submit_call(call, bob, signer="hotkey"))[1] == "InvalidIpAddress"
    result = client.execute(bt.ServePrometheus(netuid=49, ip="203.0.113.9", port=9000), bob)
    assert result.success


def test_commitment_refusals(instant_devnode: DevNode, connect: Connect) -> None:
    node, client, bob = instant_devnode, connect(instant_devnode), wallet("//Bob")
    node.fund("//Bob/hot", 1)

    def commit(netuid: int, fields: list[Any]) -> Any:
        call = bt.calls.Commitments.set_commitment(netuid=netuid, info={"fields": [fields]})
        return client.submit_call(call, bob, signer="hotkey")

    text = {"Raw100": b"x" * 100}
    assert failure(commit(50, [text]))[1] == "SubnetNotExists"
    assert failure(commit(49, [text]))[1] == "HotKeyNotRegisteredInSubNet"
    node.register(49, "//Bob/hot", "//Bob")
    node.hyper(49, tempo=1000)
    taken = 0
    while commit(49, [text, text, text]).success:
        taken += 1
    # 3,100 bytes in an epoch
    assert taken == 9
    assert node.extrinsics()[-1].error == "Commitments.SpaceLimitExceeded"
