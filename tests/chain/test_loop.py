"""The thread with the asyncio loop in it: nothing is left behind, nothing waited for too long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from polarisd.chain.loop import AioThread, Wedged
from tests.chain.support import until

NAME = "under test"


@asynccontextmanager
async def running(grace_s: float = 5.0) -> AsyncIterator[AioThread]:
    aio = AioThread(name=NAME, grace_s=grace_s)
    async with trio.open_nursery() as nursery:
        await nursery.start(aio.run)
        yield aio
        nursery.cancel_scope.cancel()


def threads() -> int:
    return sum(thread.name == NAME for thread in threading.enumerate())


async def tasks() -> list[str]:
    """What else runs over there."""
    own = asyncio.current_task()
    return [task.get_name() for task in asyncio.all_tasks() if task is not own]


async def test_a_call_gives_what_it_gives() -> None:
    async def square(number: int) -> int:
        await asyncio.sleep(0)
        return number * number

    async with running() as aio:
        assert await aio.call(lambda: square(7)) == 49


async def test_a_call_raises_what_it_raises() -> None:
    async def fail() -> None:
        raise KeyError("over there")

    async with running() as aio:
        with pytest.raises(KeyError, match="over there"):
            await aio.call(fail)


async def test_it_runs_in_one_thread_of_its_own() -> None:
    async def where() -> int:
        return threading.get_ident()

    async with running() as aio:
        places = {await aio.call(where) for _ in range(3)}
        assert len(places) == 1 and threading.get_ident() not in places
        assert threads() == 1
        before = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        assert before == 0  # it takes none from the others


async def test_cancelled_here_is_cancelled_there_and_waited_for() -> None:
    unwound: list[float] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            unwound.append(time.monotonic())

    async with running() as aio:
        idle = await aio.call(tasks)
        with trio.move_on_after(0.05) as scope:
            await aio.call(work)
        assert scope.cancelled_caught and unwound and unwound[0] <= time.monotonic()
        assert await aio.call(tasks) == idle


async def test_cancelled_at_once_leaves_nothing() -> None:
    """Before the task has made its first step, which it then never does."""
    started = []

    async def work() -> None:
        started.append(1)
        await asyncio.sleep(60)

    async with running() as aio:
        idle = await aio.call(tasks)
        for _ in range(50):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(aio.call, work)
                    await trio.lowlevel.checkpoint()
                    scope.cancel()
        assert await aio.call(tasks) == idle


async def test_one_that_will_not_be_cancelled_needs_a_second_push() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)

    async with running() as aio:
        with trio.move_on_after(0.01):
            await aio.call(stubborn)
        assert len(await aio.call(tasks)) == 1


async def test_many_at_once() -> None:
    async def echo(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 5))
        return number

    got: list[int] = []
    async with running() as aio, trio.open_nursery() as nursery:

        async def ask(number: int) -> None:
            got.append(await aio.call(lambda: echo(number)))

        for number in range(200):
            nursery.start_soon(ask, number)
    assert sorted(got) == list(range(200))


async def test_the_newest_is_what_arrives() -> None:
    """However fast they come, and at least the last."""
    got: list[int] = []

    async with running() as aio:
        put = aio.newest(got.append)

        async def pour() -> None:
            for number in range(10_000):
                put(number)

        await aio.call(pour)
        await until(lambda: got and got[-1] == 9_999)
    assert got == sorted(got) and len(got) < 10_000


async def test_a_thread_that_dies_is_an_error_here() -> None:
    async def die() -> None:
        asyncio.get_running_loop().stop()

    with pytest.RaisesGroup(RuntimeError, flatten_subgroups=True):
        async with running() as aio:
            with trio.move_on_after(1):
                await aio.call(die)
            await trio.sleep_forever()


async def test_a_thread_that_hangs_is_an_error_here_and_not_waited_for_at_the_end() -> None:
    release = threading.Event()

    async def hang() -> None:
        release.wait()

    begun = time.monotonic()
    with pytest.RaisesGroup(Wedged, flatten_subgroups=True):
        async with running(grace_s=0.2) as aio:
            with trio.move_on_after(0.01):
                await aio.call(hang)
            await trio.sleep_forever()
    assert time.monotonic() - begun < 4.0
    release.set()


async def test_when_it_is_over_it_says_so() -> None:
    async with running() as aio:
        assert await aio.call(tasks) is not None
    with pytest.raises(trio.ClosedResourceError):
        await aio.call(tasks)
    assert threads() == 0


async def test_what_runs_at_the_end_is_cancelled() -> None:
    unwound = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            unwound.set()

    async with trio.open_nursery() as nursery:
        async with running() as aio:
            nursery.start_soon(_call_quietly, aio, work)
            await trio.sleep(0.05)
        assert unwound.is_set()


async def _call_quietly(aio: AioThread, work: object) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await aio.call(work)  # type: ignore[arg-type]
