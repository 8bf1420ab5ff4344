"""A chain for the length of a block, for `polarisctl register` and for tests.

async with open_chain("finney") as chain:
    subnet = await chain.subnet(49)     # a Subnet, None, or Failed
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from polarisd.chain.actor import Actor
from polarisd.chain.config import ActorConfig, Patience
from polarisd.chain.networks import resolve
from polarisd.chain.port import ChainPort


@asynccontextmanager
async def open_chain(
    network: str,
    *,
    genesis_hash: str | None = None,
    cache_dir: Path | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[ChainPort]:
    """`network` is a name or an address; ValueError if it is neither.

    Does not wait for the connection: the first question does, and says why not if it
    cannot be had.  The genesis hash of a network that is known by name is checked anyway.
    """
    place = resolve(network)
    config = ActorConfig(
        endpoint=place.endpoint,
        fallback_endpoints=place.fallback_endpoints,
        genesis_hash=genesis_hash or place.genesis_hash,
        cache_dir=cache_dir,
        patience=patience or Patience(),
    )
    async with trio.open_nursery() as nursery:
        actor = Actor(config)
        await nursery.start(actor.run)
        try:
            yield actor
        finally:
            nursery.cancel_scope.cancel()
