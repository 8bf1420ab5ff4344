"""A validator's book and its evidence on disk, within bounds.

`receiving` reads them at the start and runs `Keeper.run`.  What is lost in a crash is the last
minute of the book; a heartbeat is too old to be replayed within half of that.  A disk that
fails costs what was on it, and never the validator: each trouble is a line in the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import trio

from polarisd import store
from polarisd.heartbeat.book import Book, Record
from polarisd.heartbeat.evidence import Contradiction, Evidence
from polarisd.heartbeat.recorded import book_document, book_records
from polarisd.journal import fields

log = logging.getLogger(__name__)

BOOK_FILE = "miners.json"
_INTERVAL_S = 60.0
_LAST_DEADLINE_S = 3.0


class Keeper:
    """Writes the book of `records` once a minute, and evidence as it comes, or again each
    minute until it is written."""

    def __init__(
        self,
        directory: Path,
        records: Callable[[], Iterable[Record]],
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._records = records
        self._evidence = Evidence(directory, clock)
        self._met = trio.Event()
        self._written: dict[str, object] = {}
        self._told: dict[str, str] = {}

    @property
    def equivocators(self) -> frozenset[str]:
        return self._evidence.equivocators

    def open(self, book: Book) -> None:
        """Blocking.  Give the book what is left of an earlier run.  What cannot be read begins
        anew; what is spoilt is set aside before that, if it can be."""
        try:
            self._evidence.open()
        except OSError as error:
            self._tell("evidence", f"cannot list the proofs of equivocation: {_why(error)}")
        path = self._directory / BOOK_FILE
        try:
            book.restore(book_records(store.read(path) or {}))
        except store.NotUnderstood as error:
            log.warning("cannot use %s, which begins anew: %s", path, error)
            self._set_aside(path)
        except OSError as error:
            self._tell("book", f"cannot read {path}, which begins anew: {_why(error)}")

    def keep(self, found: Contradiction) -> None:
        """One proof for each hotkey is enough."""
        if self._evidence.add(found):
            hotkey = found[0].heartbeat.hotkey
            log.warning(
                "a miner signed two heartbeats with one sequence number: %s",
                hotkey,
                extra=fields(event="equivocation", hotkey=hotkey),
            )
            self._met.set()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        try:
            while True:
                with trio.move_on_after(_INTERVAL_S):
                    while True:
                        await self._met.wait()
                        self._met = trio.Event()
                        await self._write_evidence()
                await self._write_evidence()
                await self._write_book()
        finally:
            with trio.move_on_after(_LAST_DEADLINE_S, shield=True):
                await self._write_evidence(abandon=True)
                await self._write_book(abandon=True)

    async def _write_evidence(self, *, abandon: bool = False) -> None:
        write = self._evidence.write
        try:
            for hotkey, document in self._evidence.waiting():
                await trio.to_thread.run_sync(write, hotkey, document, abandon_on_cancel=abandon)
                self._evidence.written(hotkey)
                self._told["evidence"] = ""
        except OSError as error:
            problem = f"cannot keep the proof of an equivocation: {_why(error)}"
            self._tell("evidence", f"{problem}; it is tried again each minute")

    async def _write_book(self, *, abandon: bool = False) -> None:
        document = book_document(self._records())
        if document == self._written:
            return
        path = self._directory / BOOK_FILE
        try:
            await trio.to_thread.run_sync(store.write, path, document, abandon_on_cancel=abandon)
            self._written, self._told["book"] = document, ""
        except OSError as error:
            self._tell("book", f"cannot write {path}: {_why(error)}")

    def _set_aside(self, path: Path) -> None:
        try:
            store.set_aside(path)
        except OSError as error:
            self._tell("book", f"cannot set {path} aside: {_why(error)}")

    def _tell(self, what: str, problem: str) -> None:
        """Once, until it is another or was over."""
        if problem != self._told.get(what):
            log.error(problem, extra=fields(event="disk_error"))
        self._told[what] = problem


def _why(error: OSError) -> str:
    return error.strerror or str(error)
