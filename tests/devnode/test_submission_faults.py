"""Transactions that are lost, refused, or land without a word, as the SDK sees them."""

from __future__ import annotations

from typing import Any

import bittensor as bt
import pytest

from tests.devnode.client import DevNode
from tests.devnode.sdk import Connect, failure, wallet


def transfer(node: DevNode) -> Any:
    return bt.Transfer(dest_ss58=node.address("//Carol"), amount_tao=1)


def landed(node: DevNode) -> int:
    return len(node.extrinsics("Balances.transfer_keep_alive"))


def test_lost_submission_that_landed(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("drop_after", count=1)
    result = client.execute(transfer(node), wallet("//Bob"))
    assert not result.success
    assert "may already be in the pool" in result.message
    node.wait_block(node.number() + 2)
    assert landed(node) == 1


def test_lost_submission_that_did_not_land(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("drop_before", count=1)
    result = client.execute(transfer(node), wallet("//Bob"))
    assert not result.success
    assert "may already be in the pool" in result.message
    node.wait_block(node.number() + 2)
    assert (landed(node), node.submissions()) == (0, [])


def test_watch_that_says_nothing(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("mute_watch")
    waiting = client.start(client.target.execute(transfer(node), wallet("//Bob")))
    client.until(lambda: landed(node) == 1)
    node.wait_block(node.number() + 3)
    client.rest(0.1)
    assert not waiting.done()


def test_transaction_that_is_taken_and_lost(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("lose", count=1)
    waiting = client.start(client.target.execute(transfer(node), wallet("//Bob")))
    client.until(node.submissions)
    node.wait_block(node.number() + 3)
    client.rest(0.1)
    assert (landed(node), node.pool(), waiting.done()) == (0, [], False)
    fresh = connect(node)
    assert fresh.execute(transfer(node), wallet("//Bob")).success


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("stale", "Stale"),
        ("bad_signature", "BadProof"),
        ("payment", "Payment"),
        ("ancient", "AncientBirthBlock"),
        ("call", "Call"),
        ("banned", ""),
        ("imported", "AlreadyImported"),
        ("priority", "PriorityTooLow"),
        ("full", ""),
        ("unavailable", ""),
    ],
)
def test_refusals(devnode: DevNode, connect: Connect, reason: str, name: str) -> None:
    node, client = devnode, connect(devnode)
    node.fault("reject", reason=reason, count=1)
    assert failure(client.execute(transfer(node), wallet("//Bob")))[1] == name
    assert client.execute(transfer(node), wallet("//Bob")).success
    assert [tried.refused is None for tried in node.submissions()] == [False, True]


def test_nonce_that_lags(devnode: DevNode, connect: Connect) -> None:
    node = devnode
    assert connect(node).execute(transfer(node), wallet("//Bob")).success
    node.fault("nonce", by=-1)
    client = connect(node)
    assert failure(client.execute(transfer(node), wallet("//Bob"))) == ("expired", "Stale")
    node.clear_faults()
    assert client.execute(transfer(node), wallet("//Bob")).success


def test_nonce_that_leads(devnode: DevNode, connect: Connect) -> None:
    node, client = devnode, connect(devnode)
    node.fault("nonce", by=1)
    waiting = client.start(client.target.execute(transfer(node), wallet("//Bob")))
    client.until(node.pool)
    node.wait_block(node.number() + 2)
    assert (landed(node), len(node.pool())) == (0, 1)
    # what was missing comes, and both land
    node.submit("//Bob", "System", "remark", remark=[0])
    assert client.run(waiting).success
    assert landed(node) == 1
