"""What the pool takes and refuses, seen through the SDK; and nonces."""

from __future__ import annotations

import json
from typing import Any

import bittensor as bt
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_socket

from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.sdk import Blocking, Connect, failure, wallet

REMARK = bt.calls.System.remark(remark=b"x")


def submit(client: Blocking, call: Any, who: str, **options: Any) -> Any:
    """Without waiting for a block."""
    substrate = client.substrate
    composed = client.run(substrate.compose(call))
    return client.run(
        substrate.submit(
            composed,
            wallet(who).coldkey,
            wait_for_inclusion=False,
            wait_for_finalization=False,
            **options,
        )
    )


def test_one_for_each_nonce(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    made = client.run(_signed(client.raw, wallet("//Bob").coldkey))
    client.run(client.raw.submit_extrinsic(made))
    with pytest.raises(Exception, match="already imported"):
        client.run(client.raw.submit_extrinsic(made))
    other = bt.calls.System.remark(remark=b"y")
    assert failure(submit(client, other, "//Bob", nonce=0))[1] == "PriorityTooLow"
    node.mine()
    assert failure(submit(client, other, "//Bob", nonce=0)) == ("expired", "Stale")
    assert len(node.extrinsics()) == 1
    assert [(tried.refused or {}).get("code") for tried in node.submissions()] == [
        None, 1013, 1014, 1010,
    ]  # fmt: skip
    assert [tried.landed_in for tried in node.submissions()] == [1, None, None, None]


def test_higher_tip_takes_the_place(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    raw = client.raw
    sent = []
    for tip, text in ((0, b"x"), (5, b"y")):
        call = client.run(raw.compose_call("System", "remark", {"remark": text}))
        sent.append(
            client.run(raw.create_signed_extrinsic(call, wallet("//Bob").coldkey, nonce=0, tip=tip))
        )
        client.run(raw.submit_extrinsic(sent[-1]))
    assert node.pool() == [sent[1].extrinsic_hash]
    before = node.balance("//Bob")
    node.mine()
    (landed,) = node.extrinsics()
    assert node.balance("//Bob") == before - landed.fee_rao - 5


def test_ahead_of_its_turn(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    assert submit(client, REMARK, "//Bob", nonce=1).success
    node.mine()
    assert node.extrinsics() == []
    asked = client.raw.rpc_request("account_nextIndex", [node.address("//Bob")])
    assert client.run(asked) == 0
    assert submit(client, REMARK, "//Bob", nonce=0).success
    node.mine()
    assert [entry.nonce for entry in node.extrinsics()] == [0, 1]


def test_signatures(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    bob = wallet("//Bob").coldkey
    unsigned = client.prepare_call(REMARK, address=bob.ss58_address)
    wrong = wallet("//Eve").coldkey.sign(unsigned.payload)
    assert failure(client.submit_signature(unsigned, wrong))[1] == "BadProof"
    # signed for another chain, whose genesis this is not
    assert node.extrinsics() == []


def test_signed_for_another_chain(make_devnode: MakeDevNode, connect: Connect) -> None:
    here, there = make_devnode(interval_s=0.0), make_devnode(interval_s=0.0, seed="other")
    bob = wallet("//Bob").coldkey
    raw = connect(here).raw
    client = connect(there)
    made = client.run(_signed(raw, bob))
    with pytest.raises(Exception, match="bad signature"):
        client.run(client.raw.submit_extrinsic(made))


async def _signed(raw: Any, who: Any) -> Any:
    call = await raw.compose_call("System", "remark", {"remark": b"x"})
    return await raw.create_signed_extrinsic(call, who)


def test_an_era_ends(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    node.mine(10)
    assert submit(client, REMARK, "//Bob", nonce=1, period=8).success  # waits for nonce 0
    node.mine(20)
    assert submit(client, REMARK, "//Bob", nonce=0).success
    node.mine(2)
    assert [entry.nonce for entry in node.extrinsics()] == [0]
    assert node.pool() == []


def test_money(instant_devnode: DevNode, connect: Connect) -> None:
    node, client = instant_devnode, connect(instant_devnode)
    carol = node.address("//Carol")
    assert failure(client.submit_call(REMARK, wallet("//Nobody"))) == (
        "insufficient_balance",
        "Payment",
    )
    over = bt.calls.Balances.transfer_keep_alive(dest=carol, value=10**16)
    assert failure(client.submit_call(over, wallet("//Bob"))) == (
        "insufficient_balance",
        "FundsUnavailable",
    )
    dust = bt.calls.Balances.transfer_keep_alive(dest=carol, value=499)
    assert failure(client.submit_call(dust, wallet("//Bob")))[1] == "BelowMinimum"
    node.fund("//Dave", 1)
    last = bt.calls.Balances.transfer_keep_alive(dest=carol, value=10**9 - 200_000)
    assert client.submit_call(last, wallet("//Dave")).success
    rest = bt.calls.Balances.transfer_all(dest=carol, keep_alive=False)
    assert failure(client.submit_call(rest, wallet("//Dave")))[1] == "Payment"


def test_what_it_does_not_know(instant_devnode: DevNode, connect: Connect) -> None:
    client = connect(instant_devnode)
    call = bt.calls.SubtensorModule.start_call(netuid=49)
    assert failure(client.submit_call(call, wallet("//Bob")))[1] == "CallFiltered"


def test_rubbish(still_devnode: DevNode, connect: Connect) -> None:
    client = connect(still_devnode)
    request = client.raw.rpc_request
    for raw, why in (("0x1234", "invalid format"), ("0x280502000b7e817aa7a001", "unsigned")):
        with pytest.raises(Exception, match=why):
            client.run(request("author_submitExtrinsic", [raw]))
    with pytest.raises(Exception, match="Method not found"):
        client.run(request("chain_fly", []))
    with pytest.raises(Exception, match="Header was not found"):
        client.run(request("state_getStorageAt", ["0x00", "0x" + "77" * 32]))
    with pytest.raises(Exception, match="not part of the devnode"):
        client.run(request("state_call", ["SwapRuntimeApi_current_alpha_price", "0x3100", None]))


def test_messages_that_are_none(still_devnode: DevNode) -> None:
    with connect_socket(still_devnode.url) as socket:
        for text, code in (("{", -32700), ("[1]", -32600), ('{"id": 3}', -32600)):
            socket.send(text)
            assert json.loads(socket.recv())["error"]["code"] == code
        batch = [{"id": n, "jsonrpc": "2.0", "method": "system_chain"} for n in (1, 2)]
        socket.send(json.dumps(batch))
        assert [reply["id"] for reply in json.loads(socket.recv())] == [1, 2]
        still_devnode.fault("drop_after", method="system_chain", count=1)
        socket.send(json.dumps(batch))
        with pytest.raises(ConnectionClosed):
            socket.recv()
