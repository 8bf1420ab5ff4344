"""Nodes that are none, that lie, that lag or begin anew: told as what they are, and survived."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import pytest
import trio

from polarisd.api import chain as states
from polarisd.chain.opening import open_chain
from polarisd.chain.outcomes import Failed, Landed, Unsure
from tests.chain.support import (
    BLOCK_S,
    COLD,
    HERE,
    HURRIED,
    NETUID,
    coldkey,
    following,
    hotkey,
    ready,
    serve_until_landed,
    served,
    sure,
    with_submit,
)
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode


@pytest.mark.parametrize(
    ("status", "code"), [(500, "node_error"), (503, "node_error"), (301, "not_a_node")]
)
async def test_an_answer_to_the_handshake_is_told_as_what_it_is(
    devnode: DevNode, status: int, code: str
) -> None:
    devnode.fault("handshake", status=status, retry_after=None)
    async with following(devnode, wait=False) as (_, told):
        link = await told.state(states.UNREACHABLE)
        assert link.why is not None and link.why.code == code
        assert f"HTTP {status}" in link.why.text


@pytest.mark.parametrize("how", ["not_json", "not_object"])
async def test_rubbish_is_told_as_what_it_is(devnode: DevNode, how: str) -> None:
    devnode.fault("garbage", method="*", how=how)
    async with following(devnode, wait=False) as (_, told):
        link = await told.state(states.UNREACHABLE)
        assert link.why is not None and link.why.code == "garbage", link.why


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_what_is_no_node(devnode: DevNode, said: bytes) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(said)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        async with open_chain(f"ws://127.0.0.1:{port}", patience=HURRIED) as chain:
            failed = await chain.head()
            assert isinstance(failed, Failed) and failed.code == "not_a_node", failed
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("reason", ["banned", "imported"])
async def test_a_refusal_that_may_be_of_one_that_it_has_is_none(
    devnode: DevNode, reason: str
) -> None:
    ready(devnode)
    devnode.fault("reject", reason=reason, count=1)
    async with following(devnode, patience=replace(with_submit(0.6), valid_blocks=64)) as (
        actor,
        _,
    ):
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Unsure)


async def test_one_that_asks_to_be_left_alone_mutes_no_other(
    devnode: DevNode, make_devnode: MakeDevNode
) -> None:
    second = make_devnode(interval_s=BLOCK_S, finality_lag=2)
    async with following(devnode, fallbacks=(second.url,)) as (actor, told):
        in_ms = str(int((time.time() + 60) * 1000))
        devnode.fault(
            "error",
            method="state_getStorageAt",
            code=-32005,
            message="rate limit exceeded",
            data={"retry_after": in_ms},
            count=1,
        )
        failed = await actor.balance_rao(hotkey().ss58)
        assert isinstance(failed, Failed) and 50 < (failed.retry_after_s or 0) <= 61, failed
        link = await told.until(
            lambda link: link.state == states.FOLLOWING and link.endpoint == second.url
        )
        assert link.why is None
        sure(await actor.head())
        # lost in turn, it is the one that is turned to again: the first still rests
        before = len(told.links)
        second.drop()
        await told.state(states.FOLLOWING, after=before)
        assert {link.endpoint for link in told.links[before:]} == {second.url}


@pytest.mark.parametrize("valid_blocks", [8, 32])
async def test_a_finality_that_lags_by_more_than_it_is_valid(
    make_devnode: MakeDevNode, valid_blocks: int
) -> None:
    node = make_devnode(interval_s=BLOCK_S, finality_lag=valid_blocks + 4)
    ready(node)
    node.mine(valid_blocks + 10)
    patience = replace(HURRIED, valid_blocks=valid_blocks, shielded_valid_blocks=8)
    async with following(node, patience=patience) as (actor, _):
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Landed)
        cold = coldkey()
        landed = await actor.register(NETUID, node.address("//New"), cold, most_rao=10**9)
        assert isinstance(landed, Landed), landed
    assert len(served(node)) == 1


async def test_a_chain_that_begins_anew_knows_nothing_of_what_was_sent(devnode: DevNode) -> None:
    """Its height would be reached again only after as long as the old one has lasted."""
    ready(devnode)
    devnode.mine(400)
    async with following(devnode, patience=replace(HURRIED, valid_blocks=64)) as (actor, _):
        devnode.fault("lose")
        with trio.move_on_after(0.5):
            await actor.serve(NETUID, HERE, hotkey())
        assert len(devnode.submissions()) == 1
        await trio.to_thread.run_sync(partial(devnode.restart, keep=False))
        ready(devnode)
        await serve_until_landed(actor)
    assert len(served(devnode)) == 1


async def test_a_node_that_lies(devnode: DevNode) -> None:
    """What no chain can have is rubbish, and gets no further."""
    ready(devnode)
    async with following(devnode) as (actor, _):
        sure(await actor.subnet(NETUID))
        most = 2**64 - 1
        devnode.set("SubtensorModule", "BlockAtRegistration", [NETUID, 0], most)
        failed = await actor.subnet(NETUID)
        assert isinstance(failed, Failed) and failed.code == "garbage", failed
        account = {**devnode.get("System", "Account", devnode.address(COLD))}
        account["data"] = {**account["data"], "free": most}
        devnode.set("System", "Account", [devnode.address(COLD)], account)
        rich = await actor.balance_rao(devnode.address(COLD))
        assert isinstance(rich, Failed) and rich.code == "garbage", rich
