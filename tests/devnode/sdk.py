"""The unmodified SDK, as the devnode's own tests use it: its async client, run here by need.

Its own blocking client leaves an event loop open, which our tests do not forgive.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import bittensor
import pytest
from bittensor.keyfiles import Keypair

from tests.devnode.client import DevNode

DEADLINE_S = 15.0
calls = bittensor.calls.SubtensorModule
Connect = Callable[..., Any]


def wallet(coldkey: str, hotkey: str = "") -> Any:
    """The keys of two secret URIs, in the form of a wallet."""
    cold = Keypair.create_from_uri(coldkey)
    return SimpleNamespace(
        coldkey=cold,
        coldkeypub=Keypair(ss58_address=cold.ss58_address),
        hotkey=Keypair.create_from_uri(hotkey or f"{coldkey}/hot"),
    )


class Blocking:
    """Whatever of the SDK; what is a coroutine function there is a plain one here."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.target, name)
        if inspect.iscoroutinefunction(found):
            return lambda *args, **kwargs: self.run(found(*args, **kwargs))
        return found if callable(found) else Blocking(found, self._loop)

    @property
    def substrate(self) -> Any:
        """Below the client: to submit without waiting, and with nonces of our own."""
        return self.target._substrate

    @property
    def raw(self) -> Any:
        """The transport: any RPC, any extrinsic."""
        return self.substrate.raw

    def run(self, work: Awaitable[Any], deadline_s: float = DEADLINE_S) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(work, deadline_s))

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Goes on whenever something else runs; end it with `run`."""
        return self._loop.create_task(work)

    def rest(self, seconds: float) -> None:
        """Let what was started go on for so long."""
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def until(self, condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
        """Let what was started go on until then."""
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, f"not in {deadline_s} s"
            self.rest(0.02)

    def heads(self, count: int, *, finalized: bool = False) -> list[int]:
        """The numbers of the next heads."""

        async def take() -> list[int]:
            numbers: list[int] = []
            stream = self.target.blocks(finalized=finalized)
            try:
                async for head in stream:
                    numbers.append(head.number)
                    if len(numbers) == count:
                        break
            finally:
                await stream.aclose()
            return numbers

        found: list[int] = self.run(take())
        return found


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A connected client of a node; all are closed after the test."""
    loop = asyncio.new_event_loop()
    made: list[Blocking] = []

    def make(node: DevNode, **options: Any) -> Blocking:
        client = Blocking(bittensor.Client(node.url, **options), loop)
        client.connect()
        made.append(client)
        return client

    yield make
    for client in made:
        _close(client)
    loop.run_until_complete(_end())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _end() -> None:
    """What tests have left running, and what runs once more because of that."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0.01)


def _close(client: Blocking) -> None:
    """Also where a test has killed its receiving task, which then leaves its socket open."""
    session = client.raw._session
    with suppress(Exception):
        client.close()
    if session._ws is not None:
        session._ws.transport.abort()


def failure(result: Any) -> tuple[str, str]:
    """The code and the name of what a transaction failed with."""
    assert not result.success, result
    return result.error.code.value, result.error.name or ""
