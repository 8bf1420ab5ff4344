"""The room of benchmarks without a daemon: a keeper, a disk, workers that do as they are told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import trio
import trio.testing

from polarisd.api.benchmark import Run
from polarisd.api.encode import to_wire
from polarisd.api.gpu import OK, GpuProcess
from polarisd.api.snapshot import Snapshot
from polarisd.bench.launch import as_child
from polarisd.bench.ledger import Ledger
from polarisd.bench.look import fresh_gpus
from polarisd.bench.measuring import Measuring, Patience
from polarisd.bench.pipes import Pipe
from polarisd.bench.reference import Reference
from polarisd.bench.runner import Runner, Wanted
from polarisd.bench.store import FILE, Store
from polarisd.claims import Claims
from polarisd.gpu.inventory import Card
from tests.fakes import bench_worker
from tests.fakes.bench_worker import Step
from tests.unit import keeper_support
from tests.unit.build import card, condition, uuid_of, view

A, B = uuid_of(0), uuid_of(1)
HELLO, FIGURES, OBEY = ({"do": what} for what in ("hello", "figures", "obey"))
DONE: Step = {"do": "send", "frame": {"kind": "done"}}
GOOD = (HELLO, FIGURES, DONE, OBEY)
TESTS = ("gemm_bf16", "memory_copy")
# After the figures, so that a test sees that they have come.
ALL_SENT: Step = {"do": "send", "frame": {"kind": "progress", "test": TESTS[-1], "share": 1.0}}
# Of a real process on a busy machine, by the real clock.
DEADLINE_S = 20.0
SETTLE_S = 0.05


def free(number: int = 0, state: str = OK, *users: GpuProcess) -> Card:
    """A GPU that nobody uses, or whoever is named."""
    return card(number, state, condition=condition(processes=users, mig_mode=False))


class Bench:
    """A runner on the keeper's two GPUs.  `steps` are what the next worker does."""

    def __init__(self, directory: Path) -> None:
        self.world = keeper_support.World()
        self.directory = directory
        self.steps: tuple[Step, ...] = GOOD
        self.argv: Callable[[], list[str]] = lambda: bench_worker.argv(*self.steps)
        self.cards: tuple[Card, ...] = (free(0), free(1))
        self.started: list[Pipe] = []
        self.bursts: list[tuple[float, float]] = []
        self.driver_answers = True
        self.has_cupy = True
        self.driver_version = "570.86.15"
        self._send_ended, self._ended = trio.open_memory_channel[Run](256)
        self.show()
        keeper = self.world.keeper
        self.claims = Claims(keeper.take_claims)
        self.ledger = Ledger(Store(directory / FILE), keeper.take_benchmarks_kept, self.clock)
        self.measuring = Measuring(
            start=self.start,
            state=self.world.state,
            burst=lambda interval_s, seconds: self.bursts.append((interval_s, seconds)),
            reference=Reference(),
            clock=self.clock,
            patience=Patience(),
        )
        self.runner = Runner(
            state=self.world.state,
            claims=self.claims,
            ledger=self.ledger,
            measure=self.measuring.measure,
            look=partial(fresh_gpus, self.world.state, self.read_condition),
            refresh=self.read_condition,
            has_cupy=lambda: self.has_cupy,
            publish=keeper.take_benchmarks,
            tell_begun=keeper.take_benchmark_begun,
            tell_ended=self.tell_ended,
            clock=self.clock,
        )

    def clock(self) -> float:
        return self.world.now

    async def start(self, gpu_uuid: str) -> Pipe:
        made = as_child(os.environ, lambda: None, lambda _: self.argv())
        pipe = await made(gpu_uuid)
        self.started.append(pipe)
        return pipe

    def tell_ended(self, run: Run) -> None:
        self._send_ended.send_nowait(run)
        self.world.keeper.take_benchmark_ended(run)

    async def end(self) -> Run:
        """The next run that ends."""
        return await self._ended.receive()

    def show(self) -> None:
        """The cards as they are, read at this moment."""
        now = self.world.now
        cards = [
            replace(
                each,
                sample=replace(each.sample, read_at=now),
                condition=replace(each.condition, read_at=now),
            )
            for each in self.cards
        ]
        self.world.keeper.take_gpus(view(*cards, sampled=True, driver_version=self.driver_version))

    def change_samples(self, **changes: Any) -> None:
        self.cards = tuple(
            replace(each, sample=replace(each.sample, **changes)) for each in self.cards
        )

    async def settle(self) -> None:
        """Until nothing is left to do but wait."""
        await trio.testing.wait_all_tasks_blocked(SETTLE_S)

    def read_condition(self) -> Callable[[str], bool]:
        answers = self.driver_answers
        if answers:
            self.show()
        return lambda _: answers

    async def request(self, *gpus: str, **changes: Any) -> dict[str, Any]:
        asked: dict[str, Any] = {"quick": True, "backend": "", "tests": TESTS, **changes}
        return await self.runner.request(Wanted(gpu_uuids=gpus, **asked))

    async def answer(self, gpu_uuid: str = "", number: int = 0, limit: int = 100) -> dict[str, Any]:
        """What `benchmarks` tells, as clients see it."""
        found = to_wire(await self.runner.kept(gpu_uuid, number, limit))
        assert isinstance(found, dict)
        return found

    @property
    def snapshot(self) -> Snapshot:
        return self.world.snapshot

    async def until(self, holds: Callable[[Snapshot], object]) -> Snapshot:
        """The first snapshot of which that holds."""
        while not holds(self.snapshot):
            await self.world.state.wait_newer(self.snapshot.version)
        return self.snapshot

    async def until_running(self, test: str = "") -> None:
        await self.until(lambda s: s.benchmarks and s.benchmarks[0].test == test)

    async def until_all_sent(self) -> None:
        await self.until(lambda s: s.benchmarks and s.benchmarks[0].share == 1.0)

    def step(self, name: str) -> Step:
        """The worker waits here until `self.go(name)`."""
        return {"do": "wait", "path": str(self.directory / name)}

    def go(self, name: str) -> None:
        (self.directory / name).touch()


@asynccontextmanager
async def running(directory: Path, deadline_s: float = DEADLINE_S) -> AsyncIterator[Bench]:
    """One whose queue is worked off, until the block is left: then the daemon stops."""
    bench = Bench(directory)
    await bench.ledger.open()
    with trio.fail_after(deadline_s):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.runner.run)
            yield bench
            nursery.cancel_scope.cancel()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else can read or write the file meanwhile."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.rollback()


def gone(pipe: Pipe) -> bool:
    return not os.path.exists(f"/proc/{pipe.pid}")
