"""Weights: open and sealed, on runtimes of both kinds."""

from __future__ import annotations

import pytest

from polarisd.chain.outcomes import Failed, Landed
from tests.chain.support import HOT, NETUID, following, hotkey, ready
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode

RUNTIMES = [(474, True), (461, False)]


def weights_of(node: DevNode, uid: int = 0) -> list[list[int]]:
    return [list(pair) for pair in node.get("SubtensorModule", "Weights", NETUID, uid) or []]


@pytest.mark.parametrize(("spec_version", "epoch_consensus"), RUNTIMES)
async def test_open(make_devnode: MakeDevNode, spec_version: int, epoch_consensus: bool) -> None:
    node = make_devnode(spec_version=spec_version, epoch_consensus=epoch_consensus)
    ready(node, HOT, "//Bob/hot")
    async with following(node) as (actor, _):
        landed = await actor.set_weights(NETUID, {0: 0.25, 1: 1.0}, hotkey(), version_key=0)
        assert isinstance(landed, Landed)
        assert weights_of(node) == [[0, 16384], [1, 65535]]


@pytest.mark.parametrize(("spec_version", "epoch_consensus"), RUNTIMES)
async def test_sealed(make_devnode: MakeDevNode, spec_version: int, epoch_consensus: bool) -> None:
    node = make_devnode(spec_version=spec_version, epoch_consensus=epoch_consensus)
    ready(node, HOT, "//Bob/hot")
    node.hyper(NETUID, commit_reveal_weights_enabled=True)
    async with following(node) as (actor, _):
        landed = await actor.set_weights(NETUID, {1: 1.0}, hotkey(), version_key=0)
        assert isinstance(landed, Landed)
    (commit,) = node.extrinsics("SubtensorModule.commit_timelocked_mechanism_weights")
    assert commit.ok and commit.block == landed.block
    assert node.extrinsics("SubtensorModule.set_mechanism_weights") == []


async def test_what_would_fail_is_not_sent(devnode: DevNode) -> None:
    devnode.register(NETUID, HOT, permit=False)
    devnode.register(NETUID, "//Bob/hot")
    async with following(devnode) as (actor, _):
        for weights, code in (
            ({1: 1.0}, "no_permit"),
            ({}, "bad_weights"),
            ({0: 0.0}, "bad_weights"),
            ({0: float("nan")}, "bad_weights"),
            ({-1: 1.0}, "bad_weights"),
        ):
            failed = await actor.set_weights(NETUID, weights, hotkey(), version_key=0)
            assert isinstance(failed, Failed) and failed.code == code, weights
        stranger = await actor.set_weights(NETUID, {0: 1.0}, hotkey("//Nobody"), version_key=0)
        assert isinstance(stranger, Failed) and stranger.code == "not_registered"
    assert devnode.submissions() == []


async def test_too_soon(devnode: DevNode) -> None:
    devnode.hyper(NETUID, weights_rate_limit=1000)
    devnode.register(NETUID, HOT, stake_tao=2000, permit=True)
    async with following(devnode) as (actor, _):
        failed = await actor.set_weights(NETUID, {0: 1.0}, hotkey(), version_key=0)
        assert isinstance(failed, Failed)
        assert failed.code == "weights_rate_limited" and failed.passing
    assert devnode.submissions() == []
