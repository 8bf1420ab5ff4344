"""What the chain's tests share: an actor in a hurry, keys, and looking at what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import bittensor_core
import trio

from polarisd.api import chain as states
from polarisd.chain.actor import Actor
from polarisd.chain.backoff import Pace
from polarisd.chain.config import ActorConfig, Patience
from polarisd.chain.outcomes import Failed, Landed, Outcome
from polarisd.chain.port import Link
from polarisd.chain.values import Endpoint
from polarisd.keys import Hotkey
from tests.devnode.client import DevNode, Extrinsic

T = TypeVar("T")

BLOCK_S = 0.08
NETUID = 49
HOT, COLD = "//Alice/hot", "//Charlie"
HERE = Endpoint("203.0.114.7", 8000)
THERE = Endpoint("198.51.101.9", 8001)
SERVE = "SubtensorModule.serve_axon"

HURRIED = Patience(
    connect_s=5.0,
    read_s=1.0,
    submit_s=10.0,
    look_s=0.2,
    valid_blocks=8,
    pace=Pace(
        first_s=0.05,
        longest_s=0.2,
        slow_first_s=0.2,
        slow_longest_s=0.4,
        asked_first_s=0.3,
        asked_longest_s=0.6,
    ),
)


def hotkey(uri: str = HOT) -> Hotkey:
    pair = bittensor_core.Keypair.create_from_uri(uri)
    return Hotkey(pair.ss58_address, bytes(pair.public_key), pair)


def coldkey(uri: str = COLD) -> bittensor_core.Keypair:
    return bittensor_core.Keypair.create_from_uri(uri)


class Told:
    """All that was told of the link."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self._changed = trio.Event()

    def __call__(self, link: Link) -> None:
        self.links.append(link)
        event, self._changed = self._changed, trio.Event()
        event.set()

    @property
    def states(self) -> list[str]:
        return [link.state for link in self.links]

    def codes(self) -> set[str]:
        return {link.why.code for link in self.links if link.why is not None}

    async def until(
        self, fits: Callable[[Link], bool], *, after: int = 0, within_s: float = 10.0
    ) -> Link:
        """The first link, of those told after so many, that fits."""
        with trio.fail_after(within_s):
            while True:
                for link in self.links[after:]:
                    if fits(link):
                        return link
                await self._changed.wait()

    async def state(self, state: str, *, after: int = 0, within_s: float = 10.0) -> Link:
        return await self.until(lambda link: link.state == state, after=after, within_s=within_s)


@asynccontextmanager
async def following(
    node: DevNode,
    *,
    patience: Patience = HURRIED,
    genesis_hash: str | None = None,
    fallbacks: tuple[str, ...] = (),
    cache_dir: Path | None = None,
    wait: bool = True,
) -> AsyncIterator[tuple[Actor, Told]]:
    told = Told()
    config = ActorConfig(
        endpoint=node.url,
        fallback_endpoints=fallbacks,
        genesis_hash=node.genesis_hash if genesis_hash is None else genesis_hash,
        cache_dir=cache_dir,
        patience=patience,
    )
    actor = Actor(config, tell=told, chance=lambda: 0.5)
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        if wait:
            await told.state(states.FOLLOWING)
        yield actor, told
        nursery.cancel_scope.cancel()


def sure(outcome: Outcome[T]) -> T:
    assert not isinstance(outcome, Failed), outcome
    return outcome


async def until(fits: Callable[[], object], within_s: float = 10.0) -> None:
    """Looks again and again, for what has no event here."""
    with trio.fail_after(within_s):
        while not fits():  # noqa: ASYNC110
            await trio.sleep(0.01)


async def soon(
    ask: Callable[[], Awaitable[T]], fits: Callable[[T], bool], within_s: float = 10.0
) -> T:
    """Asks until the answer fits."""
    with trio.fail_after(within_s):
        while True:
            answer = await ask()
            if fits(answer):
                return answer
            await trio.sleep(0.02)


def ready(node: DevNode, *uris: str) -> None:
    """Hotkeys that may serve as often as they like, and set weights."""
    node.hyper(NETUID, serving_rate_limit=0, weights_rate_limit=0)
    for uri in uris or (HOT,):
        node.register(NETUID, uri, COLD, stake_tao=2000, permit=True)


def served(node: DevNode, uri: str = HOT) -> list[Extrinsic]:
    """What this hotkey's publications came to, in the best chain."""
    return [x for x in node.extrinsics(SERVE) if x.signer == node.address(uri)]


def with_submit(seconds: float, patience: Patience = HURRIED) -> Patience:
    return replace(patience, submit_s=seconds)


async def serve_until_landed(actor: Actor, endpoint: Endpoint = HERE) -> Landed:
    """As the daemon would: looks at the chain, and asks again while it is not as wanted."""
    landed = await soon(
        lambda: actor.serve(NETUID, endpoint, hotkey()), lambda end: isinstance(end, Landed), 20.0
    )
    assert isinstance(landed, Landed)
    return landed


async def published(actor: Actor) -> Endpoint | None:
    axon = await soon(
        lambda: actor.axon(NETUID, hotkey().ss58), lambda a: not isinstance(a, Failed)
    )
    assert not isinstance(axon, Failed)
    return None if axon is None else axon.endpoint


async def soon_following(actor: Actor) -> None:
    await until(lambda: actor.link.state == states.FOLLOWING)
