"""After whatever happened: no thread, no asyncio task, no socket is left."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from polarisd.api import chain as states
from polarisd.chain.actor import Actor
from tests.chain.support import HERE, NETUID, following, hotkey, ready, sure, until
from tests.devnode.client import DevNode

ROOT = Path(__file__).resolve().parents[2]


def sockets() -> int:
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
        except OSError:
            continue  # that of the listing itself
    return found


def chain_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "chain"]


async def tasks_of(actor: Actor) -> list[str]:
    async def over_there() -> list[str]:
        own = asyncio.current_task()
        return sorted(task.get_name() for task in asyncio.all_tasks() if task is not own)

    return await actor._line._aio.call(over_there)


async def test_a_hundred_cancelled_questions(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        await trio.sleep(0.3)
        before = len(await tasks_of(actor))
        devnode.fault("slow", method="state_*", delay_s=0.3, seconds=1.0)
        async with trio.open_nursery() as nursery:

            async def ask(patience_s: float) -> None:
                with trio.move_on_after(patience_s):
                    await actor.subnet(NETUID)

            for number in range(100):
                nursery.start_soon(ask, number * 0.002)
        devnode.clear_faults()
        sure(await actor.head())
        # those of the moment come and go with each block
        assert len(await tasks_of(actor)) <= before + 3
    assert chain_threads() == []


async def test_twenty_lost_connections(devnode: DevNode) -> None:
    async with following(devnode) as (actor, told):
        await trio.sleep(0.2)
        tasks, open_sockets = len(await tasks_of(actor)), sockets()
        for number in range(20):
            seen = len(told.links)
            if number % 2:
                devnode.fault("garbage", how="not_object", count=1)
            else:
                devnode.drop(code=None if number % 4 else 1000)
            await told.state(states.UNREACHABLE, after=seen)
            await told.state(states.FOLLOWING, after=seen)
        await trio.sleep(0.2)
        assert len(await tasks_of(actor)) <= tasks + 3
        assert sockets() <= open_sockets


async def test_ten_actors_one_after_the_other(devnode: DevNode) -> None:
    ready(devnode)
    async with following(devnode):
        open_sockets = sockets()
    for _ in range(10):
        async with following(devnode) as (actor, _):
            with trio.move_on_after(0.1):
                await actor.serve(NETUID, HERE, hotkey())
    gc.collect()
    assert chain_threads() == []
    assert sockets() <= open_sockets


async def test_it_ends_at_once_with_a_node_that_says_nothing_any_more(devnode: DevNode) -> None:
    async with following(devnode) as (actor, _):
        devnode.fault("silent")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(actor.head)
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()
        begun = trio.current_time()
    assert trio.current_time() - begun < 4.0
    await until(lambda: chain_threads() == [])


WITHOUT_CHAIN = """\
import sys
import polarisd.chain.actor, polarisd.chain.opening, polarisd.chain.follower
loaded = sorted({"bittensor", "websockets", "asyncio"} & set(sys.modules))
print(*loaded)
"""


def test_who_has_no_chain_does_not_pay_for_the_sdk() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CHAIN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {"asyncio"}


HOMELESS = """\
import os, sys, trio
from polarisd.chain.opening import open_chain
from pathlib import Path

async def main():
    async with open_chain(sys.argv[1], cache_dir=Path(sys.argv[2])) as chain:
        print(type(await chain.identity()).__name__)

trio.run(main)
"""


@pytest.fixture
def anyones() -> Iterator[Path]:
    """A directory that any user can get at, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


def test_a_user_without_a_home(devnode: DevNode, anyones: Path) -> None:
    """As a service's user may be: neither HOME nor an entry in passwd."""
    uid = 54321 if os.getuid() == 0 else os.getuid()
    if subprocess.run(["test", "-x", sys.executable], user=uid, check=False).returncode:
        pytest.skip("this interpreter is in somebody's home, where no other user gets at it")
    for directory in (anyones, Path("/nonexistent")):
        done = subprocess.run(
            [sys.executable, "-c", HOMELESS, devnode.url, str(directory)],
            cwd=ROOT,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            user=uid,
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (0, "Identity"), done.stderr
    assert [path.suffix for path in anyones.iterdir()] == [".bin"]
