"""Runs on disk: `benchmarks.sqlite` in the state directory.  Blocking; only `ledger` uses it.

Each operation opens the file anew, so that one that was moved away, or a disk that was
full, is no matter to the next.  A run is kept as the map that clients get.  The only
importer of sqlite3.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

FILE = "benchmarks.sqlite"
KEPT_PER_GPU = 200
_SCHEMA = 1
# Somebody else may have it locked.  At the start there is time to see what is in it; later a
# person or the daemon's end waits, and memory has what the disk did not take.
_OPEN_BUSY_S = 5.0
_BUSY_S = 1.0
# A number past this was not counted to, and there may be none left after it.
_MAX_RUN = 1 << 53
# What cannot be understood is kept for a person, and not without end.
_MAX_ASIDE = 8

_TABLE = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    gpu_uuid TEXT NOT NULL,
    started_at REAL NOT NULL,
    outcome TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX runs_by_gpu ON runs (gpu_uuid, run);
"""

T = TypeVar("T")
Record = dict[str, Any]


class CannotKeep(Exception):
    """The file cannot be read or written; the text says why."""


class _Spoilt(Exception):
    """It is no database of ours."""


class Store:
    """`spoilt` says what was set aside since the start, empty if nothing was."""

    def __init__(self, path: Path) -> None:
        self.spoilt = ""
        self._path = path

    def open(self, unfinished: Mapping[str, object]) -> int:
        """Mend what the daemon before this left: `unfinished` replaces those fields of runs
        that have no outcome.  The number of the newest run, 0 if there is none."""
        return self._do(lambda database: _mended(database, unfinished), _OPEN_BUSY_S)

    def put(self, *records: Record) -> None:
        """Add the runs, or replace them, all or none; the oldest of their GPUs go."""
        self._do(lambda database: _put_all(database, records))

    def newest(self, gpu_uuid: str, run: int, limit: int) -> list[Record]:
        """The newest first; of one GPU or one run, if given."""
        return self._do(lambda database: _newest(database, gpu_uuid, run, limit))

    def _do(self, work: Callable[[sqlite3.Connection], T], busy_s: float = _BUSY_S) -> T:
        try:
            try:
                return self._attempt(work, busy_s)
            except _Spoilt as why:
                aside = self._set_aside()
                self.spoilt = f"{self._path}: {why}; it is now {aside.name}"
                return self._attempt(work, busy_s)
        except (sqlite3.Error, OSError) as error:
            raise CannotKeep(f"{self._path}: {_said(error)}") from None

    def _attempt(self, work: Callable[[sqlite3.Connection], T], busy_s: float) -> T:
        try:
            connected = sqlite3.connect(self._path, timeout=busy_s)
            with closing(connected) as database, database:
                _prepare(database)
                return work(database)
        except (sqlite3.OperationalError, sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a disk that is full, or a mistake of ours; the file is well
        except (sqlite3.DatabaseError, ValueError) as error:
            raise _Spoilt(_said(error)) from None

    def _set_aside(self) -> Path:
        """The last of several is replaced."""
        names = [self._path.with_name(f"{FILE}.bad")]
        names += [self._path.with_name(f"{FILE}.bad.{n}") for n in range(2, _MAX_ASIDE + 1)]
        aside = next((name for name in names if not name.exists()), names[-1])
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._path.with_name(FILE + ending).unlink(missing_ok=True)
        return aside


def _prepare(database: sqlite3.Connection) -> None:
    """Nothing is written to a file before it is known to be ours."""
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema > _SCHEMA:
        raise sqlite3.OperationalError("a newer version of Polaris has written it")
    if schema < _SCHEMA:
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise ValueError("it is a database of something else")
        database.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {_SCHEMA}; COMMIT;")
    database.execute("PRAGMA journal_mode = WAL")


def _mended(database: sqlite3.Connection, unfinished: Mapping[str, object]) -> int:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ValueError(str(verdict))
    found = database.execute("SELECT record FROM runs WHERE outcome = ''").fetchall()
    for (text,) in found:
        _put(database, {**_record(text), **unfinished})
    (newest,) = database.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone()
    if newest > _MAX_RUN:
        raise ValueError(f"no run has the number {newest}")
    return int(newest)


def _put_all(database: sqlite3.Connection, records: Sequence[Record]) -> None:
    for record in records:
        _put(database, record)


def _put(database: sqlite3.Connection, record: Record) -> None:
    columns = [record[name] for name in ("run", "gpu_uuid", "started_at", "outcome")]
    database.execute(
        "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
        [*columns, json.dumps(record, allow_nan=False)],
    )
    database.execute(
        "DELETE FROM runs WHERE gpu_uuid = ?1 AND run <= ("
        "SELECT run FROM runs WHERE gpu_uuid = ?1 ORDER BY run DESC LIMIT 1 OFFSET ?2)",
        (record["gpu_uuid"], KEPT_PER_GPU),
    )


def _newest(database: sqlite3.Connection, gpu_uuid: str, run: int, limit: int) -> list[Record]:
    rows = database.execute(
        "SELECT record FROM runs WHERE (?1 = '' OR gpu_uuid = ?1) AND (?2 = 0 OR run = ?2) "
        "ORDER BY run DESC LIMIT ?3",
        (gpu_uuid, run, limit),
    )
    return [_record(text) for (text,) in rows]


def _record(text: object) -> Record:
    record = json.loads(str(text), parse_int=_wire_int)
    match record:
        case {"run": int(run), "gpu_uuid": str(), "started_at": float(), "outcome": str()}:
            if 0 < run <= _MAX_RUN:
                return dict(record)
    raise ValueError("a run in it is none")


def _wire_int(text: str) -> int:
    """ValueError if neither the file nor an answer can hold it."""
    if (value := int(text)).bit_length() > 63:
        raise ValueError("a number in it is too large")
    return value


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
