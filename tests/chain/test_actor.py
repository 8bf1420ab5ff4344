"""The actor in front of a chain that behaves: what it reads, and what it sends."""

from __future__ import annotations

import trio

from polarisd.chain.outcomes import Failed, Landed
from polarisd.chain.port import ChainPort
from polarisd.chain.values import Endpoint
from tests.chain.support import (
    COLD,
    HERE,
    HOT,
    HURRIED,
    NETUID,
    THERE,
    coldkey,
    following,
    hotkey,
    ready,
    served,
    sure,
    until,
)
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode


async def test_who_the_node_is(devnode: DevNode) -> None:
    async with following(devnode) as (actor, told):
        identity = sure(await actor.identity())
        assert identity.genesis_hash == devnode.genesis_hash
        assert identity.spec_version == 474
        assert told.states == ["starting", "following"]
        assert actor.link.identity == identity and actor.link.why is None


async def test_reads(devnode: DevNode) -> None:
    devnode.register(NETUID, HOT, COLD)
    devnode.serve(NETUID, HOT, str(HERE))
    async with following(devnode) as (actor, _):
        key, owner = hotkey().ss58, devnode.address(COLD)
        assert sure(await actor.uid(NETUID, key)) == 0
        assert sure(await actor.uid(NETUID, devnode.address("//Nobody"))) is None
        assert sure(await actor.owner(key)) == owner
        assert sure(await actor.owner(devnode.address("//Nobody"))) is None
        assert sure(await actor.balance_rao(owner)) == devnode.balance(COLD)
        assert sure(await actor.balance_rao(devnode.address("//Nobody"))) == 0
        axon = sure(await actor.axon(NETUID, key))
        assert axon is not None and axon.endpoint == HERE
        assert sure(await actor.axon(NETUID, devnode.address("//Nobody"))) is None
        best, final = sure(await actor.head()), sure(await actor.head(finalized=True))
        assert final.number <= best.number


async def test_a_subnet_and_its_terms(devnode: DevNode) -> None:
    ready(devnode, HOT, "//Bob/hot")
    async with following(devnode) as (actor, _):
        subnet = sure(await actor.subnet(NETUID))
        assert subnet is not None and subnet.name == "Polaris"
        assert [neuron.hotkey for neuron in subnet.neurons] == [
            devnode.address(HOT),
            devnode.address("//Bob/hot"),
        ]
        terms = sure(await actor.terms(NETUID))
        assert terms is not None
        hyper = devnode.hyper(NETUID)
        assert abs(terms.price_rao - hyper["burn"]) <= hyper["burn"] // 50  # it falls each block
        assert (terms.num_uids, terms.max_uids) == (2, hyper["max_allowed_uids"])
        assert terms.registration_open and terms.immunity_blocks == hyper["immunity_period"]
        assert sure(await actor.subnet(4000)) is None
        assert sure(await actor.terms(4000)) is None


async def test_publish_and_withdraw(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode) as (actor, _):
        landed = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(landed, Landed)
        (extrinsic,) = served(devnode)
        assert (extrinsic.block, extrinsic.fee_rao) == (landed.block, landed.fee_rao)
        assert extrinsic.paid_by == devnode.address(COLD)  # not the hotkey, which has nothing
        axon = sure(await actor.axon(NETUID, hotkey().ss58))
        assert axon is not None and (axon.endpoint, axon.block) == (HERE, landed.block)
        v6 = Endpoint("2a01:4f8::7", 8000)
        assert isinstance(
            await actor.serve(NETUID, v6, hotkey(), certificate=b"\x01" + b"\xc3" * 32), Landed
        )
        axon = sure(await actor.axon(NETUID, hotkey().ss58))
        assert axon is not None and axon.endpoint == v6
        assert isinstance(await actor.withdraw(NETUID, hotkey()), Landed)
        axon = sure(await actor.axon(NETUID, hotkey().ss58))
        assert axon is not None and axon.endpoint is None


async def test_what_the_chain_does_not_take(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        devnode.fund("//Stranger", 1)  # whoever has no owner pays by himself
        refused = await actor.serve(NETUID, HERE, hotkey("//Stranger"))
        assert isinstance(refused, Failed) and refused.code == "not_registered"
        devnode.register(NETUID, HOT, COLD)
        loopback = await actor.serve(NETUID, Endpoint("127.0.0.1", 8000), hotkey())
        assert isinstance(loopback, Failed) and loopback.code == "bad_endpoint"
        assert isinstance(await actor.serve(NETUID, HERE, hotkey()), Landed)
        soon = await actor.serve(NETUID, THERE, hotkey())
        assert isinstance(soon, Failed) and soon.code == "serving_rate_limited" and soon.passing
    assert [x.ok for x in served(devnode)] == [True]


async def test_an_owner_who_cannot_pay(devnode: DevNode) -> None:
    devnode.fund("//Poor", 0.0000001)
    devnode.register(NETUID, HOT, "//Poor")
    async with following(devnode) as (actor, _):
        refused = await actor.serve(NETUID, HERE, hotkey())
        assert isinstance(refused, Failed) and refused.code == "fee_unpaid"
        assert "coldkey" in refused.remedy


async def test_heads_keep_the_newest(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        with actor.heads() as heads, actor.heads() as unread:
            first = await heads.receive()
            for _ in range(3):
                last = await heads.receive()
            assert last.number > first.number
            assert (await unread.receive()).number == last.number
            assert unread.statistics().current_buffer_used == 0


async def test_blocks_that_come_when_told(still_devnode: DevNode) -> None:
    ready(still_devnode)
    async with following(still_devnode) as (actor, _), trio.open_nursery() as nursery:
        ended = []

        async def serve() -> None:
            ended.append(await actor.serve(NETUID, HERE, hotkey()))

        nursery.start_soon(serve)
        await until(still_devnode.pool)
        assert ended == []
        still_devnode.mine(3)  # included, and final
        await until(lambda: ended)
        assert isinstance(ended[0], Landed)


async def test_any_home_will_do(make_devnode: MakeDevNode) -> None:
    node = make_devnode(spec_version=461, epoch_consensus=False)
    async with following(node, patience=HURRIED) as (actor, _):
        port: ChainPort = actor
        assert sure(await port.identity()).spec_version == 461
        assert sure(await port.balance_rao(coldkey().ss58_address)) == node.balance(COLD)
