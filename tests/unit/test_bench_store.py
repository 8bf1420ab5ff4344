"""The file of runs: what goes in comes out, and no state of the file or disk is fatal."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.api.encode import to_wire
from polarisd.bench import store
from polarisd.bench.store import FILE, KEPT_PER_GPU, CannotKeep, Record, Store
from tests.unit.bench_samples import bench_run
from tests.unit.build import uuid_of

UNFINISHED = {"outcome": "failed", "problem": "the daemon ended"}


def record(number: int = 1, **changes: Any) -> Record:
    return cast(Record, to_wire(bench_run(number, **changes)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


@pytest.fixture
def runs(path: Path) -> Store:
    return Store(path)


def numbers(runs: Store, gpu_uuid: str = "", run: int = 0, limit: int = 1000) -> list[int]:
    return [found["run"] for found in runs.newest(gpu_uuid, run, limit)]


def test_a_run_comes_back_as_it_was_put(runs: Store) -> None:
    assert runs.open(UNFINISHED) == 0
    runs.put(record())
    assert runs.newest("", 0, 10) == [record()]
    runs.put(record(problem="another"))
    assert runs.newest("", 0, 10) == [record(problem="another")]


def test_the_newest_first_of_what_was_asked(runs: Store) -> None:
    for number in (3, 1, 2, 4):
        runs.put(record(number, gpu_uuid=uuid_of(number % 2)))
    assert numbers(runs) == [4, 3, 2, 1]
    assert numbers(runs, limit=2) == [4, 3]
    assert numbers(runs, uuid_of(1)) == [3, 1]
    assert numbers(runs, run=2) == [2]
    assert numbers(runs, uuid_of(1), run=2) == []
    assert runs.open(UNFINISHED) == 4


def test_the_oldest_of_each_gpu_go(runs: Store) -> None:
    runs.put(record(1, gpu_uuid=uuid_of(1)))
    for number in range(2, KEPT_PER_GPU + 4):
        runs.put(record(number, figures=()))
    runs.put(record(KEPT_PER_GPU + 4, gpu_uuid=""))
    kept = list(range(KEPT_PER_GPU + 4, 3, -1))
    assert numbers(runs) == [*kept, 1]
    assert len(numbers(runs, uuid_of(0))) == KEPT_PER_GPU


def test_what_was_not_finished_gets_an_end(runs: Store) -> None:
    runs.put(record(1))
    runs.put(record(2, outcome="", figures=()))
    assert runs.open(UNFINISHED) == 2
    ended, before = runs.newest("", 0, 10)
    assert ended == {**record(2, figures=()), **UNFINISHED}
    assert before == record(1)


def spoil_the_head(path: Path) -> None:
    path.write_bytes(b"not a database at all " * 500)


def spoil_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * len(content[4096:])
    path.write_bytes(content)


def spoil_a_record(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE runs SET record = '{\"run\": 1'")


def have_another_program_write_it(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE songs (title TEXT)")


def leave_no_number_after_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE runs SET run = ?, outcome = 'failed' WHERE run = 19", [2**63 - 1])


def write_a_number_that_sqlite_cannot_hold(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            f"UPDATE runs SET record = replace(record, '\"run\": 1,', '\"run\": {2**70},')"
        )


SPOILERS = (
    spoil_the_head,
    spoil_the_middle,
    spoil_a_record,
    have_another_program_write_it,
    leave_no_number_after_it,
    write_a_number_that_sqlite_cannot_hold,
)


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_is_spoilt_is_set_aside(spoil: Any, runs: Store, path: Path) -> None:
    for number in range(1, 20):
        runs.put(record(number, outcome=""))
    spoil(path)
    spoilt = path.read_bytes()
    assert runs.open(UNFINISHED) == 0
    assert f"{path}: " in runs.spoilt
    assert runs.spoilt.endswith(f"it is now {FILE}.bad")
    assert path.with_name(f"{FILE}.bad").read_bytes() == spoilt
    runs.put(record())
    assert Store(path).newest("", 0, 10) == [record()]


def test_few_are_set_aside(path: Path) -> None:
    for _ in range(12):
        spoil_the_head(path)
        Store(path).open(UNFINISHED)
    names = sorted(found.name for found in path.parent.iterdir())
    assert len(names) == 1 + 8
    assert f"{FILE}.bad.8" in names


def test_what_is_spoilt_while_the_daemon_runs(runs: Store, path: Path) -> None:
    runs.put(record(1))
    spoil_the_head(path)
    runs.put(record(2))
    assert numbers(runs) == [2]
    assert runs.spoilt


def test_a_file_of_a_newer_version_is_left_alone(runs: Store, path: Path) -> None:
    runs.put(record())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for work in (lambda: runs.open(UNFINISHED), lambda: runs.put(record(2))):
        with pytest.raises(CannotKeep, match="a newer version of Polaris has written it"):
            work()
    assert path.read_bytes() == before
    assert runs.spoilt == ""


def test_a_directory_in_its_place(runs: Store, path: Path) -> None:
    path.mkdir()
    with pytest.raises(CannotKeep, match=f"{FILE}: unable to open"):
        runs.put(record())
    path.rmdir()
    runs.put(record())


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """To a writer it looks like a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_loses_nothing_that_was_there(runs: Store, path: Path) -> None:
    runs.put(record(1))
    detail = "x" * 100_000
    with files_of_at_most(path.stat().st_size + 512), pytest.raises(CannotKeep):
        runs.put(record(2, problem=detail))
    assert 1 in numbers(runs)
    assert runs.spoilt == ""
    runs.put(record(500))
    assert numbers(runs)[0] == 500


def test_nothing_of_sqlite_lies_about(runs: Store, path: Path) -> None:
    """Each operation leaves one whole file: a copy of it is a copy of all runs."""
    runs.put(record())
    assert [found.name for found in path.parent.iterdir()] == [FILE]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA user_version").fetchone() == (store._SCHEMA,)


@settings(max_examples=20)
@given(content=st.binary(max_size=300))
def test_any_content_is_a_database_or_set_aside(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / FILE
    path.write_bytes(content)
    runs = Store(path)
    assert runs.open(UNFINISHED) == 0
    runs.put(record())
    assert Store(path).newest("", 0, 10) == [record()]
