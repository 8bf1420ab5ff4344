"""Benchmarks on request: which may run, one after the other, cancelled or done, and told.

A service of the daemon, and what the commands benchmark, benchmark_cancel and benchmarks
do.  One at a time, because the GPUs of a machine share its power, its PCIe and its memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import trio

from polarisd.api import errors
from polarisd.api.benchmark import CANCELLED, CUPY, FAILED, TESTS, Progress, Run
from polarisd.api.errors import ControlError
from polarisd.api.gpu import Gpu
from polarisd.api.reading import NOT_READ_YET, Unknown, known
from polarisd.bench.fitness import Unfit, check_driver, choose, unfit
from polarisd.bench.ledger import Ledger
from polarisd.bench.measuring import Ending, Measurement, find
from polarisd.bench.saving import saving
from polarisd.claims import Claim, Claims, Taken
from polarisd.state import State

MAX_WAITING = 64
BENCHMARK_RUNNING = "benchmark_running"
_RETRY_S = 60.0
# Steps smaller than this are not worth a snapshot.
_SHARE_STEP = 0.01

_STOPPED = Ending(CANCELLED, "the daemon was stopped", "run it again")
_ON_REQUEST = Ending(CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; no GPUs mean all that are fit, no tests mean all."""

    gpu_uuids: tuple[str, ...]
    quick: bool
    backend: str
    tests: tuple[str, ...]


class Entry:
    """A run that waits or goes on.  `ended` from the moment when its ending is known."""

    def __init__(self, it: Measurement) -> None:
        self.it = it
        self.scope = trio.CancelScope()
        self.ended = False

    @property
    def number(self) -> int:
        return self.it.run.run


class Runner:
    """Owns the queue.  Everything that it changes, it tells through its keyword arguments."""

    def __init__(
        self,
        *,
        state: State,
        claims: Claims,
        ledger: Ledger,
        measure: Callable[[Measurement, Callable[[], None]], Awaitable[Ending]],
        look: Callable[[], Awaitable[tuple[Gpu, ...]]],
        refresh: Callable[[], object],
        has_cupy: Callable[[], bool],
        publish: Callable[[tuple[Progress, ...]], None],
        tell_begun: Callable[[Run], None],
        tell_ended: Callable[[Run], None],
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._claims = claims
        self._ledger = ledger
        self._measure = measure
        self._look = look
        self._refresh = refresh
        self._has_cupy = has_cupy
        self._publish = publish
        self._tell_begun = tell_begun
        self._tell_ended = tell_ended
        self._clock = clock
        self._waiting: deque[Entry] = deque()
        self._running: Entry | None = None
        self._more = trio.Event()
        self._published: tuple[Progress, ...] = ()

    async def run(self) -> None:
        """Never returns; when it is cancelled, what runs or waits is cancelled with it."""
        try:
            while True:
                if not self._waiting:
                    self._more = trio.Event()
                    with trio.move_on_after(_RETRY_S):
                        await self._more.wait()
                    await self._ledger.retry()
                else:
                    self._running = self._waiting.popleft()
                    await self._perform(self._running)
        finally:
            await self._close(_STOPPED, *self._waiting)
            await self._ledger.close()

    # What the commands do.

    async def request(self, wanted: Wanted) -> dict[str, object]:
        """Line up what was asked for.  ControlError where nothing of it can be done."""
        backend = wanted.backend or CUPY
        if backend != CUPY:
            if wanted.gpu_uuids:
                raise ControlError(
                    errors.INVALID_PARAMS,
                    f"the backend {backend} measures the processor, not a GPU",
                    "name no GPU, or take the backend cupy",
                )
            return await self._line_up([None], wanted, backend, {})
        gpus = await self._look()
        has_cupy = await trio.to_thread.run_sync(self._has_cupy)
        # What is fit now is lined up with no wait in between: else another request may take it.
        chosen, skipped = choose(gpus, wanted.gpu_uuids, self._unfit)
        check_driver(self._state.snapshot.driver.driver_version)
        if not has_cupy:  # last, for whoever fetches a gigabyte is to have use of it
            raise ControlError(
                errors.REFUSED,
                "cannot measure GPUs: CuPy and the CUDA libraries are not installed",
                "sudo polarisctl gpu-setup",
            )
        return await self._line_up(chosen, wanted, backend, skipped)

    async def cancel(self, number: int) -> list[int]:
        """One run, or every one if `number` is 0.  Those that wait are over at once."""
        entries = [e for e in (self._running, *self._waiting) if e is not None and not e.ended]
        chosen = [entry for entry in entries if number in (0, entry.number)]
        if number and not chosen:
            raise ControlError(
                errors.NOT_FOUND,
                f"no benchmark {number} runs or waits",
                "it may have ended already: polarisctl benchmark --history",
            )
        waiting = [entry for entry in chosen if entry in self._waiting]
        for entry in waiting:
            self._waiting.remove(entry)
        for entry in chosen:
            entry.scope.cancel()
        with trio.CancelScope(shield=True):  # whoever asked for it may leave meanwhile
            await self._close(_ON_REQUEST, *waiting)
        return [entry.number for entry in chosen]

    async def kept(self, gpu_uuid: str, number: int, limit: int) -> dict[str, object]:
        """Runs, newest first; one that goes on has the figures that it has so far."""
        records, left_out = await self._ledger.newest(gpu_uuid, number, limit)
        live = {self._running.number: self._running.it.run} if self._running is not None else {}
        runs = [live.get(record["run"], record) for record in records]
        return {"runs": runs, "left_out": left_out, "problem": self._ledger.problem}

    # How a request becomes runs.

    def _unfit(self, gpu: Gpu) -> Unfit | None:
        for entry in (self._running, *self._waiting):
            if entry is not None and entry.it.run.gpu_uuid == gpu.uuid:
                return Unfit(
                    f"benchmark {entry.number} of it runs or waits already",
                    "wait until it has ended, or: sudo polarisctl benchmark --cancel",
                )
        return unfit(gpu, self._claims.of(gpu.uuid))

    async def _line_up(
        self,
        gpus: Sequence[Gpu | None],
        wanted: Wanted,
        backend: str,
        skipped: Mapping[str, str],
    ) -> dict[str, object]:
        if len(self._waiting) + len(gpus) > MAX_WAITING:
            raise ControlError(
                errors.REFUSED,
                f"{len(self._waiting)} benchmarks wait already",
                f"at most {MAX_WAITING} may: wait, or: sudo polarisctl benchmark --cancel",
            )
        entries = [Entry(self._measurement(gpu, wanted, backend)) for gpu in gpus]
        self._waiting.extend(entries)
        self._more.set()
        await self._ledger.put(*(entry.it.run for entry in entries))
        runs = [{"run": e.number, "gpu_uuid": e.it.run.gpu_uuid} for e in entries]
        passed_over = [{"gpu_uuid": uuid, "why": why} for uuid, why in skipped.items()]
        return {"runs": runs, "skipped": passed_over}

    def _measurement(self, gpu: Gpu | None, wanted: Wanted, backend: str) -> Measurement:
        seen = self._state.snapshot
        of_host = known(seen.host.cpu_model) or ""
        name = of_host if gpu is None else known(gpu.identity.name) or gpu.uuid
        run = Run(
            run=self._ledger.new_number(),
            gpu_uuid="" if gpu is None else gpu.uuid,
            gpu_name=name,
            backend=backend,
            quick=wanted.quick,
            started_at=self._clock(),
            ended_at=Unknown(NOT_READ_YET, "it has not ended"),
            outcome="",
            problem="",
            remedy="",
            driver_version=seen.driver.driver_version,
            versions={},
            figures=(),
        )
        tests = tuple(test for test in TESTS if not wanted.tests or test in wanted.tests)
        return Measurement(run, tests)

    # One run.

    async def _perform(self, entry: Entry) -> None:
        it = entry.it
        it.run = replace(it.run, started_at=self._clock())
        ending = _STOPPED
        try:
            with entry.scope:
                ending = await self._claimed(entry)
            if entry.scope.cancelled_caught:
                ending = _ON_REQUEST
        finally:
            await self._close(ending, entry)

    async def _claimed(self, entry: Entry) -> Ending:
        uuid = entry.it.run.gpu_uuid
        claim = Claim(f"benchmark {entry.number}", BENCHMARK_RUNNING)
        try:
            with self._claims.held([uuid] if uuid else [], claim):
                if uuid and (why := self._in_the_way(uuid, await self._look())):
                    return Ending(FAILED, f"it cannot be measured now: {why.why}", why.remedy)
                self._tell_begun(entry.it.run)
                self._publish_progress()
                return await self._measured(entry.it)
        except Taken as taken:
            return Ending(FAILED, f"it is taken by {taken.claim.holder}", "run it again later")

    async def _measured(self, it: Measurement) -> Ending:
        async with saving(it.run, self._ledger.put) as note:

            def changed() -> None:
                note(it.run)
                self._publish_progress()

            return await self._measure(it, changed)

    def _in_the_way(self, uuid: str, gpus: tuple[Gpu, ...]) -> Unfit | None:
        gpu = find(gpus, uuid)
        return Unfit("it is gone", "see: polarisctl status") if gpu is None else unfit(gpu, None)

    async def _close(self, ending: Ending, *entries: Entry) -> None:
        """Whatever happens, a run that was begun has an outcome that is kept and told."""
        for entry in entries:
            entry.ended = True
            entry.it.run = replace(
                entry.it.run,
                ended_at=self._clock(),
                outcome=ending.outcome,
                problem=ending.problem,
                remedy=ending.remedy,
            )
        with trio.CancelScope(shield=True):
            await self._ledger.put(*(entry.it.run for entry in entries))
        for entry in entries:
            if self._running is entry:
                self._running = None
                self._publish_progress()
                self._refresh()  # the process that has ended is not to be shown on
            self._tell_ended(entry.it.run)

    def _publish_progress(self) -> None:
        """What is as good as before is not published."""
        entry, now = self._running, self._published
        progress = () if entry is None else (_progress(entry.it),)
        if [_shown(p) for p in progress] != [_shown(p) for p in now]:
            self._published = progress
            self._publish(progress)


def _progress(it: Measurement) -> Progress:
    return Progress(
        run=it.run.run,
        gpu_uuid=it.run.gpu_uuid,
        backend=it.run.backend,
        test=it.step.test,
        share=it.step.share,
        started_at=it.run.started_at,
    )


def _shown(progress: Progress) -> tuple[int, str, int]:
    return progress.run, progress.test, int(progress.share / _SHARE_STEP)
