"""Figures of a run that goes on, kept as they come: the daemon's death costs none of them.

For `runner`.  While the disk is busy only the newest waits, and nobody waits for the disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from polarisd.api.benchmark import Run

Put = Callable[[Run], Awaitable[None]]


@asynccontextmanager
async def saving(run: Run, put: Put) -> AsyncIterator[Callable[[Run], None]]:
    """What is to be told of the run at each step; only another figure is worth the disk."""
    newest, more = run, trio.Event()

    def note(now: Run) -> None:
        nonlocal newest
        if len(now.figures) > len(newest.figures):
            newest = now
            more.set()

    async def write() -> None:
        nonlocal more
        while True:
            await more.wait()
            more = trio.Event()
            await put(newest)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        yield note
        nursery.cancel_scope.cancel()
