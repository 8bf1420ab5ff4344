"""Every run that is remembered: those on disk, and in memory those that it did not take.

For `runner`.  The thread in which the disk is waited for is here; a disk that is full or
broken costs no figure, and is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

import trio

from polarisd.api import wire
from polarisd.api.benchmark import FAILED, Run
from polarisd.api.encode import to_wire
from polarisd.api.reading import NOT_KNOWN, Unknown
from polarisd.bench.store import CannotKeep, Record, Store
from polarisd.journal import fields

log = logging.getLogger(__name__)

DAEMON_ENDED = "the daemon ended while it ran"
# Of runs that the disk has not taken; each is some ten kilobytes.
MAX_UNKEPT = 64
# After a write that failed, how long new runs only go to memory.  Where the file is locked each
# attempt waits, and what asks for many (`--cancel`, all GPUs) is not to wait for each.
_PAUSE_S = 10.0
# Less than what systemd gives the daemon to stop, of which workers need some, too.
_LAST_DEADLINE_S = 3.0
# With room for what stands around the runs of an answer.
_MAX_ANSWER_BYTES = wire.MAX_FRAME_BYTES - (1 << 14)

T = TypeVar("T")
# Told what was set aside because it was spoilt, and why the last write failed; empty if not.
Report = Callable[[str, str], None]


class Ledger:
    """One at a time at the file.  `problem` says why it could not be used last, if so."""

    def __init__(self, store: Store, report: Report, clock: Callable[[], float]) -> None:
        self.problem = ""
        self._store = store
        self._report = report
        self._clock = clock
        self._next_run = 1
        self._using = trio.Lock()
        self._unkept: dict[int, Record] = {}
        self._told = ("", "")
        self._paused_until = -inf

    async def open(self) -> None:
        """Runs that the last daemon left unfinished have failed."""
        unfinished = {
            "outcome": FAILED,
            "problem": DAEMON_ENDED,
            "remedy": "see: polarisctl logs; then run it again",
            "ended_at": to_wire(Unknown(NOT_KNOWN, DAEMON_ENDED)),
        }
        async with self._using:
            newest, problem = await self._ask(partial(self._store.open, unfinished))
        self._tell(problem)
        # Where it cannot be seen which numbers are taken, the time is none of them.
        self._next_run = int(self._clock()) if newest is None else newest + 1

    def new_number(self) -> int:
        self._next_run += 1
        return self._next_run - 1

    async def put(self, *runs: Run) -> None:
        """Now, or as soon as the disk takes them."""
        self._unkept.update((run.run, cast(Record, to_wire(run))) for run in runs)
        while len(self._unkept) > MAX_UNKEPT:
            del self._unkept[min(self._unkept)]
        async with self._using:
            if trio.current_time() >= self._paused_until:
                self._tell(await self._write())

    async def retry(self) -> None:
        """After a problem, whether it is still there."""
        if self.problem:
            await self.newest("", 0, 1)

    async def close(self) -> None:
        """The last chance of what the disk has not taken; after it nothing may be put."""
        with trio.move_on_after(_LAST_DEADLINE_S, shield=True):
            async with self._using:
                self._tell(await self._write(abandon=True))

    async def newest(self, gpu_uuid: str, run: int, limit: int) -> tuple[list[Record], int]:
        """Newest first, as many as fit into an answer; and how many did not."""
        async with self._using:
            not_written = await self._write()
            kept, not_read = await self._ask(partial(self._store.newest, gpu_uuid, run, limit))
            self._tell(not_written or not_read)
        unkept = [
            record
            for record in self._unkept.values()
            if gpu_uuid in ("", record["gpu_uuid"]) and run in (0, record["run"])
        ]
        by_number = {record["run"]: record for record in (*(kept or ()), *unkept)}
        return fitting([by_number[n] for n in sorted(by_number, reverse=True)][:limit])

    async def _write(self, *, abandon: bool = False) -> str:
        """All in one go.  What is wrong, if anything."""
        records = dict(self._unkept)
        if not records:
            return ""
        _, problem = await self._ask(partial(self._store.put, *records.values()), abandon)
        if problem:
            self._paused_until = trio.current_time() + _PAUSE_S
            return problem
        self._paused_until = -inf
        for number, record in records.items():
            if self._unkept.get(number) is record:
                del self._unkept[number]
        return ""

    async def _ask(self, work: Callable[[], T], abandon: bool = False) -> tuple[T | None, str]:
        """The answer, or None and why there is none."""
        try:
            return await trio.to_thread.run_sync(work, abandon_on_cancel=abandon), ""
        except CannotKeep as error:
            return None, f"cannot keep benchmarks: {error}"

    def _tell(self, problem: str) -> None:
        self.problem = problem
        now = (self._store.spoilt, problem)
        texts = ("benchmarks were set aside: " + now[0], problem)
        for before, after, text in zip(self._told, now, texts, strict=True):
            if after and after != before:
                log.error(text, extra=fields(event="disk_error"))
        if now != self._told:
            self._told = now
            self._report(*now)


def fitting(records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """As many of the first as go into one frame, and how many are left out."""
    size_bytes = 0
    for count, record in enumerate(records):
        size_bytes += len(wire.pack(record))
        if size_bytes > _MAX_ANSWER_BYTES:
            return records[:count], len(records) - count
    return records, 0
