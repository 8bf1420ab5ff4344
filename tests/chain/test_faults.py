"""Every way in which a public endpoint fails: survived, nothing sent twice, nothing wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from polarisd.api import chain as states
from polarisd.chain.outcomes import Failed, Landed, Submission, Unsure
from polarisd.chain.values import Endpoint
from tests.chain.support import (
    BLOCK_S,
    HERE,
    HOT,
    HURRIED,
    NETUID,
    THERE,
    following,
    hotkey,
    published,
    ready,
    serve_until_landed,
    served,
    soon_following,
    sure,
    until,
    with_submit,
)
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode


async def test_it_landed_although_the_connection_was_lost(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, _):
        devnode.fault("drop_after", count=1)
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Landed)
    assert len(served(devnode)) == 1
    assert len(devnode.submissions()) == 1


async def test_it_was_lost_with_the_connection(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, _):
        devnode.fault("drop_before", count=1)
        lapsed = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(lapsed, Failed) and lapsed.code == "lapsed" and lapsed.passing
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Landed)
    assert len(served(devnode)) == 1


async def test_a_cancelled_publication_is_found_again(devnode: DevNode) -> None:
    """The caller goes away when it has been sent: asked again, the actor finds it."""
    ready(devnode)
    devnode.pause()
    async with following(devnode) as (actor, _):
        with trio.move_on_after(0.4) as scope:
            await actor.serve(NETUID, HERE, hotkey())
        assert scope.cancelled_caught and len(devnode.pool()) == 1
        devnode.resume()
        landed = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(landed, Landed)
    assert len(served(devnode)) == len(devnode.submissions()) == 1


async def test_one_at_a_time_for_a_key(devnode: DevNode) -> None:
    """Two ask at once; the second is sent after the first is final, and is the last word."""
    ready(devnode)
    ends: list[Submission] = []
    async with following(devnode) as (actor, _):
        async with trio.open_nursery() as nursery:

            async def serve(endpoint: Endpoint) -> None:
                ends.append(await actor.serve(NETUID, endpoint, hotkey()))

            nursery.start_soon(serve, HERE)
            await trio.sleep(0.05)
            nursery.start_soon(serve, THERE)
        assert await published(actor) == THERE
    assert all(isinstance(end, Landed) for end in ends)
    assert [x.nonce for x in served(devnode)] == [0, 1]


async def test_other_keys_need_not_wait(devnode: DevNode) -> None:
    ready(devnode, HOT, "//Bob/hot")
    async with following(devnode, patience=replace(with_submit(1.0), valid_blocks=64)) as (
        actor,
        _,
    ):
        devnode.fault("lose", count=1)
        ends: list[Submission] = []
        async with trio.open_nursery() as nursery:

            async def serve() -> None:
                ends.append(await actor.serve(NETUID, HERE, hotkey()))

            nursery.start_soon(serve)
            await trio.sleep(0.1)
            assert isinstance(await actor.serve(NETUID, THERE, hotkey("//Bob/hot")), Landed)
            assert ends == []
        (lost,) = ends
        assert isinstance(lost, Unsure) and lost.expires_block is not None


async def test_another_program_with_the_same_key(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, _):
        devnode.pause()
        args = {"version": 1, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0}
        devnode.submit(
            HOT, "SubtensorModule", "serve_axon",
            netuid=NETUID, ip=int(THERE.address), port=8001, **args,
        )  # fmt: skip
        refused = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(refused, Failed) and refused.code == "priority_too_low"
        devnode.resume()
        await serve_until_landed(actor)
    assert [x.nonce for x in served(devnode)] == [0, 1]


async def test_a_chain_that_stands_still(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, told):
        devnode.pause()
        link = await told.state(states.STALLED)
        assert link.why is not None and link.why.code == "stalled"
        assert link.state == actor.link.state
        await trio.sleep(1.0)  # opened anew in the meantime, to the same old block
        assert actor.link.state == states.STALLED
        sent = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(sent, Failed) and sent.code == "stalled"
        devnode.resume()
        await soon_following(actor)
        await serve_until_landed(actor)
    assert len(served(devnode)) == 1


async def test_left_alone_for_as_long_as_it_asks(devnode: DevNode) -> None:
    async with following(devnode) as (actor, told):
        devnode.fault("handshake", status=429, retry_after="2")
        devnode.drop()
        link = await told.until(
            lambda link: link.why is not None and link.why.code == "node_rate_limited"
        )
        assert link.why is not None and link.why.retry_after_s == 2.0
        assert link.next_try_s is not None and link.next_try_s >= 2.0
        devnode.clear_calls()
        begun = trio.current_time()
        failed = await actor.balance_rao(hotkey().ss58)
        assert isinstance(failed, Failed) and failed.code == "node_rate_limited" and failed.passing
        assert trio.current_time() - begun < 0.1  # at once, and nothing was asked
        devnode.clear_faults()
        await soon_following(actor)
        assert trio.current_time() - begun >= 1.8
        assert told.codes() <= {"node_rate_limited", "unreachable"}


async def test_an_answer_that_asks_to_be_left_alone(devnode: DevNode) -> None:
    async with following(devnode) as (actor, told):
        devnode.fault(
            "error",
            method="state_getStorageAt",
            code=-32005,
            message="rate limit exceeded",
            data={"retry_after": "1"},
            count=1,
        )
        failed = await actor.balance_rao(hotkey().ss58)
        assert isinstance(failed, Failed) and failed.code == "node_rate_limited"
        assert failed.retry_after_s == 1.0
        link = await told.state(states.UNREACHABLE)
        assert link.next_try_s is not None and link.next_try_s >= 1.0
        await soon_following(actor)
        sure(await actor.balance_rao(hotkey().ss58))


@pytest.mark.parametrize("how", [{"status": 403, "retry_after": None}, {"status": 503}])
async def test_a_handshake_that_is_refused(devnode: DevNode, how: dict[str, int | None]) -> None:
    devnode.fault("handshake", **how)
    async with following(devnode, wait=False) as (actor, told):
        await told.state(states.UNREACHABLE)
        devnode.clear_faults()
        await soon_following(actor)
        assert len(told.links) < 12


async def test_closed_for_cause(devnode: DevNode) -> None:
    async with following(devnode) as (actor, told):
        devnode.drop(code=1008)
        await told.until(lambda link: link.why is not None and link.why.code == "node_refuses")
        await soon_following(actor)


async def test_a_node_of_another_chain(devnode: DevNode, make_devnode: MakeDevNode) -> None:
    """It is never believed: neither at the start, nor when it takes the place of ours."""
    ready(devnode)
    other = "0x" + "12" * 32
    async with following(devnode, genesis_hash=other, wait=False) as (actor, told):
        link = await told.state(states.REFUSED)
        assert link.why is not None and link.why.code == "wrong_chain"
        failed = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(failed, Failed) and failed.code == "wrong_chain" and not failed.passing
        assert isinstance(await actor.uid(NETUID, hotkey().ss58), Failed)
    async with following(devnode) as (actor, told):
        ours = devnode.genesis_hash
        devnode.restart(keep=False, seed="elsewhere")
        assert devnode.genesis_hash != ours
        await told.state(states.REFUSED)
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Failed)
    assert devnode.submissions() == []


async def test_another_node_takes_over(devnode: DevNode, make_devnode: MakeDevNode) -> None:
    second = make_devnode(interval_s=BLOCK_S, finality_lag=2)  # or it were another chain
    async with following(devnode, fallbacks=(second.url,)) as (actor, told):
        devnode.stop()
        await told.until(
            lambda link: link.state == states.FOLLOWING and link.endpoint == second.url
        )
        sure(await actor.head())


async def test_an_upgrade_is_told(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, told):
        version = devnode.upgrade()
        link = await told.until(lambda link: link.changed_from is not None)
        assert link.changed_from == 474
        assert link.identity is not None and link.identity.spec_version == version
        await serve_until_landed(actor)
        assert actor.link.state == states.FOLLOWING


async def test_nobody_there(devnode: DevNode) -> None:
    devnode.stop()
    async with following(devnode, genesis_hash="", wait=False) as (actor, told):
        await told.state(states.UNREACHABLE)
        failed = await actor.head()
        assert isinstance(failed, Failed) and failed.code == "unreachable" and failed.passing
        await until(lambda: len(told.links) >= 3)
        devnode.start()
        await soon_following(actor)


async def test_a_node_that_lost_its_newest_blocks(devnode: DevNode) -> None:
    """It starts again from the beginning: followed as soon as it is seen to move."""
    devnode.mine(60)
    patience = replace(HURRIED, stall_blocks=5)
    async with following(devnode, patience=patience) as (actor, told):
        devnode.restart(keep=False)
        await told.state(states.UNREACHABLE)
        await soon_following(actor)
        with actor.heads() as heads:
            assert (await heads.receive()).number < 60
