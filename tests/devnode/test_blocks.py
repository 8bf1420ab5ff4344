"""Blocks: heads, finality, forks, upgrades, time, and what a node still has after a restart."""

from __future__ import annotations

import time
from typing import Any

import bittensor as bt
import pytest

from tests.devnode.blocks import KEPT_STATES
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.sdk import Connect, failure, wallet


def test_new_and_final_heads(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.05, finality_lag=3)
    client = connect(node)
    seen = client.heads(3)
    assert seen == list(range(seen[0], seen[0] + 3))
    final = client.heads(3, finalized=True)
    assert final == list(range(final[0], final[0] + 3))
    node.pause()
    assert client.block() - client.finalized_block() == 3


def test_lag_of_a_new_chain(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    assert (client.block(), client.finalized_block()) == (0, 0)
    assert node.mine() == 1
    assert (client.block(), client.finalized_block()) == (1, 0)
    assert node.mine() == 2
    assert (client.block(), client.finalized_block()) == (2, 1)


def test_inclusion_comes_before_finality(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.0, instant=True, finality_lag=4)
    client, bob = connect(node), wallet("//Bob")
    transfer = bt.Transfer(dest_ss58=node.address("//Carol"), amount_tao=1)
    assert client.execute(transfer, bob, wait_for_finalization=False).success
    waiting = client.start(client.target.execute(transfer, bob))
    client.until(lambda: len(node.extrinsics()) == 2)
    client.rest(0.1)
    assert not waiting.done()
    node.mine(4)
    assert client.run(waiting).success


def test_other_chains_are_other_chains(make_devnode: MakeDevNode) -> None:
    first, again, other, renamed = (
        make_devnode(interval_s=0.0, **options)
        for options in ({}, {}, {"seed": "other"}, {"netuids": {49: "Nepher Robotics"}})
    )
    assert first.genesis_hash == again.genesis_hash
    assert len({node.genesis_hash for node in (first, other, renamed)}) == 3


def test_fork_that_takes_transactions_along(make_devnode: MakeDevNode) -> None:
    node = make_devnode(interval_s=0.0, finality_lag=10)
    node.mine(3)
    node.submit(
        "//Bob", "Balances", "transfer_keep_alive", dest=node.address("//Carol"), value=10**9
    )
    node.mine(2)
    (before,) = node.extrinsics()
    old = node.state()["hash"]
    assert node.reorg(2) == 6
    (after,) = node.extrinsics()
    assert (before.hash, before.block, after.block) == (after.hash, 4, 4)
    assert node.state()["hash"] != old
    assert node.balance("//Carol") == 10**9


def test_fork_that_loses_transactions(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.0, finality_lag=10)
    client = connect(node)
    carol = node.address("//Carol")
    node.mine(3)
    node.submit("//Bob", "Balances", "transfer_keep_alive", dest=carol, value=10**9)
    node.mine(1)
    assert client.balances.get(carol).rao == 10**9
    stream = client.start(_numbers(client, 4))
    client.until(lambda: "chain_subscribeNewHeads" in node.calls())
    node.reorg(1, "lost", longer_by=2)
    assert client.balances.get(carol).rao == 0
    assert node.extrinsics() == []
    assert node.pool() == []
    # the head it began with, then those of the fork, from its first block on
    assert client.run(stream) == [4, 4, 5, 6]


async def _numbers(client: Any, count: int) -> list[int]:
    numbers: list[int] = []
    stream = client.target.blocks()
    async for head in stream:
        numbers.append(head.number)
        if len(numbers) == count:
            break
    await stream.aclose()
    return numbers


def test_watch_of_a_retracted_transaction(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.0, instant=True, finality_lag=10)
    client = connect(node)
    transfer = bt.Transfer(dest_ss58=node.address("//Carol"), amount_tao=1)
    waiting = client.start(client.target.execute(transfer, wallet("//Bob")))
    client.until(node.extrinsics)
    node.reorg(1, "lost")
    result = client.run(waiting)
    assert not result.success
    assert "retracted" in result.message.lower()


def test_final_blocks_stay(still_devnode: DevNode) -> None:
    still_devnode.mine(5)
    with pytest.raises(ValueError, match="cannot orphan 2 blocks: 1 are not final"):
        still_devnode.reorg(2)


def test_runtime_upgrade(make_devnode: MakeDevNode, connect: Connect) -> None:
    node = make_devnode(interval_s=0.0, instant=True, finality_lag=0, spec_version=461,
                        epoch_consensus=False)  # fmt: skip
    client, bob = connect(node), wallet("//Bob")
    transfer = bt.Transfer(dest_ss58=node.address("//Carol"), amount_tao=1)
    assert client.execute(transfer, bob).success
    assert node.upgrade(474) == 474
    assert node.state()["spec_version"] == 461
    node.mine()
    assert node.state()["spec_version"] == 474
    # the SDK looks at the version every 12 s; until then it signs for the old one
    assert failure(client.execute(transfer, bob)) == ("invalid_argument", "BadProof")
    fresh = connect(node)
    assert fresh.spec_version() == 474
    assert fresh.execute(transfer, bob).success
    consensus = fresh.query(bt.storage.SubtensorModule.SubnetEpochConsensus, [49])
    assert consensus == "Yuma"
    with pytest.raises(ValueError, match="only goes up"):
        node.upgrade(461)


def test_state_is_not_kept_for_ever(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    node.mine(KEPT_STATES + 5)
    old = client.run(client.substrate.block_hash(2))
    with pytest.raises(bt.ChainError, match="discarded"):
        client.run(client.substrate.query("System", "Number", [], old))


def test_clock(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    node.mine()
    assert abs(client.timestamp().timestamp() - time.time()) < 5
    node.set_time_offset(-3600)
    node.mine()
    # a chain's clock does not go back
    assert abs(client.timestamp().timestamp() - time.time()) < 5
    node.set_time_offset(3600)
    node.mine()
    assert abs(client.timestamp().timestamp() - time.time() - 3600) < 5


def test_restart_keeps_the_chain(still_devnode: DevNode, connect: Connect) -> None:
    node = still_devnode
    node.mine(3)
    node.fund("//Carol", 7)
    node.submit("//Bob", "System", "remark", remark=[1])
    node.mine()
    node.submit("//Bob", "System", "remark", remark=[2])
    url, genesis = node.url, node.genesis_hash
    node.restart()
    assert (node.url, node.genesis_hash, node.number()) == (url, genesis, 4)
    assert node.balance("//Carol") == 7 * 10**9
    assert [entry.block for entry in node.extrinsics()] == [4]
    assert node.pool() == []  # a pool is not kept
    assert connect(node).block() == 4
    node.kill()
    node.start()
    assert node.mine() == 5


def test_restart_from_genesis_and_as_another_chain(still_devnode: DevNode) -> None:
    node = still_devnode
    genesis = node.genesis_hash
    node.mine(3)
    node.restart(keep=False)
    assert (node.genesis_hash, node.number()) == (genesis, 0)
    node.restart(keep=False, seed="other")
    assert node.genesis_hash != genesis


def test_after_an_upgrade_a_restart_has_both_runtimes(still_devnode: DevNode) -> None:
    node = still_devnode
    node.upgrade(480, epoch_consensus=False)
    node.mine(2)
    node.restart()
    assert node.state()["spec_version"] == 480
    with pytest.raises(ValueError, match="SubnetEpochConsensus"):
        node.get("SubtensorModule", "SubnetEpochConsensus", 49)
