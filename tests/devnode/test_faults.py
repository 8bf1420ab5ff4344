"""Faults of connections and replies, as the SDK sees them; and that they end when they should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import bittensor as bt
import pytest
from bittensor.result import RpcConnectionError, RpcPolicyError

from tests.devnode.client import DevNode
from tests.devnode.faults import GARBAGE, KINDS
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.process import ROOT
from tests.devnode.sdk import Blocking, Connect


def test_dropped_sockets_are_reopened(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    assert node.state()["connections"] == 1
    node.drop()
    assert client.block() >= 0
    stream = client.start(_stream(client))
    client.until(lambda: "chain_subscribeNewHeads" in node.calls())
    node.drop()
    with pytest.raises(bt.ChainError, match="Connection lost"):
        client.run(stream)


def test_closed_for_policy(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("silent", count=1)
    waiting = client.start(client.target.block())
    client.until(lambda: not node.state()["faults"])
    node.drop(code=1008)
    with pytest.raises(RpcPolicyError, match="policy violation"):
        client.run(waiting)


async def _stream(client: Blocking) -> None:
    async for _ in client.target.blocks():
        pass


def test_refused_connections(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("refuse", count=2)
    node.drop()
    assert client.block() >= 0  # it dials five times before it gives up
    assert node.state()["faults"] == []


def test_no_node_at_all(devnode: DevNode, connect: Connect) -> None:
    client = connect(devnode)
    devnode.kill()
    client.rest(0.1)
    with pytest.raises(RpcConnectionError):
        client.block()
    devnode.start()
    assert client.block() >= 0


def test_429_at_the_handshake(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("handshake", status=429, retry_after="17")
    node.drop()
    client.rest(0.1)
    with pytest.raises(RpcPolicyError) as caught:
        client.block()
    assert (caught.value.status_code, caught.value.retry_after) == (429, "17")
    node.clear_faults()
    assert client.block() >= 0


def test_503_at_the_handshake(devnode: DevNode, connect: Connect) -> None:
    devnode.fault("handshake", status=503, retry_after=None)
    with pytest.raises(RpcConnectionError, match="503"):
        connect(devnode)
    devnode.clear_faults()
    connect(devnode)


@pytest.mark.parametrize("method", ["*", "chain_getHead*"])
def test_rate_limit_error(devnode: DevNode, connect: Connect, method: str) -> None:
    node, client = devnode, connect(devnode)
    fault = node.fault("error", method=method, data={"retry_after": "5"})
    with pytest.raises(RpcPolicyError) as caught:
        client.block()
    assert caught.value.retry_after == "5"
    if method != "*":
        assert client.balances.get(node.address("//Bob")).rao > 0
    node.clear_faults(fault)
    assert client.block() >= 0


def test_other_errors_for_a_count(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("error", count=2, code=-32603, message="Internal error", data=None)
    for _ in range(2):
        with pytest.raises(bt.ChainError, match="Internal error"):
            client.block()
    assert client.block() >= 0


def test_slow_for_some_blocks(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.0)
    client = connect(node)
    node.fault("slow", method="chain_getHeader", delay_s=30.0, blocks=2)
    assert client.balances.get(node.address("//Bob")).rao > 0  # others are not held up
    for _ in range(2):
        with pytest.raises(asyncio.TimeoutError):
            client.run(client.target.block(), 0.2)
        node.mine()
    assert client.block() == 2
    assert node.state()["faults"] == []


def test_slow_is_not_never(devnode: DevNode, connect: Connect) -> None:
    client = connect(devnode)
    devnode.fault("slow", delay_s=0.3)
    with pytest.raises(asyncio.TimeoutError):
        client.run(client.target.block(), 0.1)
    assert client.block() >= 0


def test_silence(devnode: DevNode, connect: Connect) -> None:
    client = connect(devnode)
    devnode.fault("silent", count=1)
    with pytest.raises(asyncio.TimeoutError):
        client.run(client.target.block(), 0.2)
    assert client.block() >= 0


def test_for_some_seconds(still_devnode: DevNode) -> None:
    still_devnode.fault("silent", seconds=0.1)
    still_devnode.fault("silent", seconds=100)
    time.sleep(0.15)
    assert len(still_devnode.state()["faults"]) == 1


@pytest.mark.parametrize("how", GARBAGE)
def test_garbage(devnode: DevNode, connect: Connect, how: str) -> None:
    """Whatever it is, it is an exception or a wait that does not end."""
    node, client = devnode, connect(devnode)
    bob = node.address("//Bob")
    node.fault("garbage", method="state_getStorage*", how=how)
    with pytest.raises((Exception,)):  # of many kinds, which is the SDK's
        client.run(client.target.balances.get(bob), 0.2)
    node.clear_faults()
    fresh = connect(node)
    assert fresh.balances.get(bob).rao > 0


def test_heads_stop_while_all_else_goes_on(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("mute_heads")
    with pytest.raises(asyncio.TimeoutError):
        client.run(_stream(client), 0.6)
    before = client.block()
    node.wait_block(before + 2)
    assert client.block() > before
    node.clear_faults()
    assert len(client.heads(2)) == 2


def test_a_chain_that_stands_still(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.pause()
    before = client.block()
    client.rest(0.5)
    assert client.block() == before
    assert client.heads(1) == [before]
    node.resume()
    assert client.heads(3)[-1] > before


def test_another_chain_behind_the_same_port(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    genesis = client.run(client.raw.genesis_hash())
    assert genesis == node.genesis_hash
    node.restart(keep=False, seed="other")
    assert client.block() >= 0  # the SDK does not notice
    fresh = connect(node)
    assert fresh.run(fresh.raw.genesis_hash()) == node.genesis_hash != genesis


def test_faults_are_shown_and_mistakes_refused(still_devnode: DevNode) -> None:
    node = still_devnode
    node.mine()
    first = node.fault("slow", method="state_*", delay_s=2.0, count=3)
    second = node.fault("mute_heads", blocks=2)
    assert node.state()["faults"] == [
        {
            "id": first,
            "name": "slow",
            "method": "state_*",
            "delay_s": 2.0,
            "count": 3,
            "until_block": None,
            "hits": 0,
        },
        {"id": second, "name": "mute_heads", "count": None, "until_block": 3, "hits": 0},
    ]
    node.mine(2)
    assert [fault["name"] for fault in node.state()["faults"]] == ["slow"]
    mistakes: list[tuple[Callable[[], object], str]] = [
        (lambda: node.fault("gremlins"), "there is no fault 'gremlins'; there are refuse"),
        (lambda: node.fault("slow", speed=3), "has no option speed"),
        (lambda: node.fault("garbage", how="smelly"), "no how"),
        (lambda: node.fault("reject", reason="mood"), "no reason"),
        (lambda: node.call("fly"), "there is no method fly"),
        (lambda: node.hyper(49, nonsense=1), "nonsense"),
        (lambda: node.get("SubtensorModule", "Nonsense"), "Nonsense"),
    ]
    for wrong, why in mistakes:
        with pytest.raises(ValueError, match=why):
            wrong()


def test_readme_has_every_fault() -> None:
    readme = (ROOT / "tests" / "devnode" / "README.md").read_text()
    assert [name for name in KINDS if f"| `{name}` |" not in readme] == []
