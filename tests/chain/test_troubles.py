"""Each trouble by itself: survived, nothing sent twice, nothing published wrong."""

from __future__ import annotations

import traceback
from random import Random

import pytest
import trio

from polarisd.chain.outcomes import Failed
from tests.chain.support import (
    BLOCK_S,
    HERE,
    THERE,
    following,
    published,
    ready,
    serve_until_landed,
    served,
    soon,
    soon_following,
    sure,
)
from tests.chain.troubles import TROUBLES
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode

PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
async def test_survived(make_devnode: MakeDevNode, part: int) -> None:
    """Each with a node of its own, some at a time because most of it is waiting."""
    failed: list[str] = []
    async with trio.open_nursery() as nursery:
        for name in sorted(TROUBLES)[part::PARTS]:
            node = make_devnode(interval_s=BLOCK_S, finality_lag=2)
            nursery.start_soon(survive, node, name, failed)
    assert failed == []


async def survive(node: DevNode, name: str, failed: list[str]) -> None:
    try:
        await _survive(node, name)
    except Exception:
        failed.append(f"{name}:\n{traceback.format_exc()}")


async def _survive(node: DevNode, name: str) -> None:
    """In the middle of two publications, of which the second is begun while it is broken."""
    ready(node)
    async with following(node) as (actor, _):
        await serve_until_landed(actor)
        await trio.to_thread.run_sync(TROUBLES[name], node, Random(name))
        await serve_until_landed(actor, THERE)
        assert await published(actor) == THERE
        endpoints = [(x.args["ip"], x.args["port"]) for x in served(node)]
        assert endpoints == [(int(HERE.address), 8000), (int(THERE.address), 8001)]
        node.clear_faults()
        await soon_following(actor)
        seen = sure(await soon(actor.head, lambda head: not isinstance(head, Failed))).number
        with actor.heads() as heads, trio.fail_after(10):
            while (await heads.receive()).number <= seen:
                pass
