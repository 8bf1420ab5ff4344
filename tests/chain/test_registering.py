"""Registration through the actor: paid once, for the agreed price at most."""

from __future__ import annotations

import trio

from polarisd.chain.outcomes import Failed, Landed, Unsure
from tests.chain.support import (
    COLD,
    NETUID,
    coldkey,
    following,
    hotkey,
    soon,
    sure,
    until,
    with_submit,
)
from tests.devnode.client import DevNode

ENOUGH = 10**9


async def test_shielded(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        before = devnode.balance(COLD)
        landed = await actor.register(NETUID, hotkey().ss58, coldkey(), most_rao=ENOUGH)
        assert isinstance(landed, Landed)
        assert sure(await actor.uid(NETUID, hotkey().ss58, finalized=True)) == 0
        methods = [x.method for x in devnode.extrinsics() if x.signer == devnode.address(COLD)]
        assert methods == ["MevShield.submit_encrypted", "SubtensorModule.register_limit"]
        assert devnode.balance(COLD) < before
        again = await actor.register(NETUID, hotkey().ss58, coldkey(), most_rao=ENOUGH)
        assert isinstance(again, Failed) and again.code == "already_registered"


async def test_plain(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        terms = sure(await actor.terms(NETUID))
        fee = sure(
            await actor.registration_fee_rao(
                NETUID, hotkey().ss58, coldkey().ss58_address, shielded=False
            )
        )
        shielded = sure(
            await actor.registration_fee_rao(NETUID, hotkey().ss58, coldkey().ss58_address)
        )
        assert 0 < fee < shielded
        before = devnode.balance(COLD)
        landed = await actor.register(
            NETUID, hotkey().ss58, coldkey(), most_rao=ENOUGH, shielded=False
        )
        assert isinstance(landed, Landed) and terms is not None
        paid = before - devnode.balance(COLD)
        assert paid <= terms.price_rao + (landed.fee_rao or 0)


async def test_what_keeps_one_from_it_is_told_before_anything_is_paid(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        key = hotkey().ss58
        dear = await actor.register(NETUID, key, coldkey(), most_rao=1)
        assert isinstance(dear, Failed) and dear.code == "price_above_limit"
        devnode.fund("//Poor", 0.01)
        poor = await actor.register(NETUID, key, coldkey("//Poor"), most_rao=ENOUGH)
        assert isinstance(poor, Failed) and poor.code == "insufficient_balance"
        nowhere = await actor.register(4000, key, coldkey(), most_rao=ENOUGH, shielded=False)
        assert isinstance(nowhere, Failed) and nowhere.code == "no_subnet"
        devnode.hyper(NETUID, registration_allowed=False)
        closed = await actor.register(NETUID, key, coldkey(), most_rao=ENOUGH)
        assert isinstance(closed, Failed) and closed.code == "registration_closed"
        assert devnode.submissions() == []


async def test_a_price_that_rises_on_the_way_is_not_paid(still_devnode: DevNode) -> None:
    """Between the agreement and the block: the chain itself refuses."""
    node = still_devnode
    async with following(node) as (actor, _), trio.open_nursery() as nursery:
        ended = []

        async def register() -> None:
            ended.append(
                await actor.register(
                    NETUID, hotkey().ss58, coldkey(), most_rao=2 * 10**8, shielded=False
                )
            )

        nursery.start_soon(register)
        await until(node.pool)
        node.hyper(NETUID, burn=5 * 10**8)
        before = node.balance(COLD)
        node.mine(3)
        await until(lambda: ended)
    (failed,) = ended
    assert isinstance(failed, Failed) and failed.code == "price_above_limit"
    assert before - node.balance(COLD) < 10**7  # the fee
    assert node.get("SubtensorModule", "Uids", NETUID, hotkey().ss58) is None


async def test_a_shield_that_nobody_opens(devnode: DevNode) -> None:
    devnode.fault("lose", count=1)
    async with following(devnode) as (actor, _):
        lost = await actor.register(NETUID, hotkey().ss58, coldkey(), most_rao=ENOUGH)
        assert isinstance(lost, Failed) and lost.code == "shield_failed"
        landed = await actor.register(NETUID, hotkey().ss58, coldkey(), most_rao=ENOUGH)
        assert isinstance(landed, Landed)
    paid = [x for x in devnode.extrinsics("SubtensorModule.register_limit") if x.ok]
    assert len(paid) == 1


async def test_given_up_on_and_asked_again_it_is_paid_once(devnode: DevNode) -> None:
    """The caller's patience ends before the block comes; the second call finds the first."""
    devnode.pause()
    patience = with_submit(0.5)
    async with following(devnode, patience=patience, wait=False) as (actor, told):
        await told.state("following")
        key = hotkey().ss58
        unsure = await actor.register(NETUID, key, coldkey(), most_rao=ENOUGH, shielded=False)
        assert isinstance(unsure, Unsure) and unsure.expires_block is not None
        devnode.resume()
        landed = await soon(
            lambda: actor.register(NETUID, key, coldkey(), most_rao=ENOUGH, shielded=False),
            lambda end: isinstance(end, Landed),
        )
        assert isinstance(landed, Landed)
    assert len(devnode.extrinsics("SubtensorModule.register_limit")) == 1
