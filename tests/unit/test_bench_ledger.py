"""What is remembered of runs when the disk does, does not, and does again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd.api import wire
from polarisd.bench.ledger import MAX_UNKEPT, Ledger, fitting
from polarisd.bench.store import FILE, Store
from tests.unit.bench_samples import bench_run
from tests.unit.bench_support import locked
from tests.unit.build import NOW, uuid_of


class Book:
    """A ledger and what it reported."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reports: list[tuple[str, str]] = []
        self.ledger = Ledger(Store(path), self.report, lambda: NOW)

    def report(self, set_aside: str, not_kept: str) -> None:
        self.reports.append((set_aside, not_kept))

    async def numbers(self, gpu_uuid: str = "", run: int = 0, limit: int = 100) -> list[int]:
        records, left_out = await self.ledger.newest(gpu_uuid, run, limit)
        assert left_out == 0
        return [record["run"] for record in records]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / FILE)


async def test_numbers_go_on_after_a_restart(book: Book) -> None:
    await book.ledger.open()
    assert [book.ledger.new_number() for _ in range(3)] == [1, 2, 3]
    await book.ledger.put(bench_run(3))
    again = Book(book.path)
    await again.ledger.open()
    assert again.ledger.new_number() == 4
    assert await again.numbers() == [3]
    assert book.reports == again.reports == []


@pytest.mark.logs_errors("cannot keep benchmarks: .*unable to open")
async def test_what_the_disk_does_not_take_is_remembered(book: Book) -> None:
    book.path.mkdir()
    for number in (1, 2):
        await book.ledger.put(bench_run(number, gpu_uuid=uuid_of(number)))
    assert await book.numbers() == [2, 1]
    assert await book.numbers(uuid_of(1)) == [1]
    assert await book.numbers(run=2) == [2]
    assert await book.numbers(limit=1) == [2]
    await book.ledger.retry()
    [(set_aside, why)] = book.reports
    assert (set_aside, why) == ("", book.ledger.problem)
    assert "unable to open" in why
    book.path.rmdir()
    await book.ledger.retry()
    assert book.reports[1:] == [("", "")]
    assert [record["run"] for record in Store(book.path).newest("", 0, 10)] == [2, 1]


@pytest.mark.logs_errors("cannot keep benchmarks")
async def test_not_without_end(book: Book) -> None:
    book.path.mkdir()
    for number in range(1, MAX_UNKEPT + 10):
        await book.ledger.put(bench_run(number, figures=()))
    assert len(await book.numbers()) == MAX_UNKEPT


@pytest.mark.logs_errors("cannot keep benchmarks")
async def test_numbers_that_cannot_be_seen_are_not_used_again(book: Book) -> None:
    await book.ledger.open()
    await book.ledger.put(bench_run(book.ledger.new_number()))
    aside = book.path.rename(book.path.with_name("aside"))
    book.path.mkdir()
    again = Book(book.path)
    await again.ledger.open()
    number = again.ledger.new_number()
    assert number == int(NOW)
    book.path.rmdir()
    aside.rename(book.path)
    await again.ledger.put(bench_run(number))
    assert await again.numbers() == [number, 1]


@pytest.mark.logs_errors("benchmarks were set aside")
async def test_what_was_set_aside_is_reported(book: Book) -> None:
    book.path.write_bytes(b"spoilt" * 1000)
    await book.ledger.open()
    [(set_aside, why)] = book.reports
    assert set_aside.endswith(f"{FILE}.bad")
    assert why == ""


def test_an_answer_fits_into_a_frame() -> None:
    long = "x" * 300
    figures = [{"detail": long} for _ in range(12)]
    records = [{"run": n, "figures": figures, "problem": "y" * 20_000} for n in range(100)]
    fits, left_out = fitting(records)
    assert 0 < left_out < 100
    assert fits == records[: 100 - left_out]
    assert (
        len(wire.pack({"runs": fits, "left_out": left_out, "problem": ""})) < wire.MAX_FRAME_BYTES
    )
    assert fitting(records[:3]) == (records[:3], 0)


# Somebody else has the file locked.


@pytest.mark.logs_errors("cannot keep benchmarks: .*locked")
async def test_a_file_that_is_locked_is_waited_for_once(book: Book) -> None:
    await book.ledger.open()
    begun = time.monotonic()
    with locked(book.path):
        for number in range(1, 13):
            await book.ledger.put(bench_run(number))
        await book.ledger.close()
        assert time.monotonic() - begun < 3
        assert "locked" in book.ledger.problem
    await book.ledger.put(bench_run(13))
    assert Store(book.path).newest("", 0, 20) == []
    await book.ledger.retry()
    assert book.ledger.problem == ""
    assert len(Store(book.path).newest("", 0, 20)) == 13


@pytest.mark.logs_errors("cannot keep benchmarks: .*locked")
async def test_after_a_while_it_is_tried_again(book: Book, mock_clock: MockClock) -> None:
    await book.ledger.open()
    with locked(book.path):
        await book.ledger.put(bench_run(1))
    mock_clock.jump(60)
    await book.ledger.put(bench_run(2))
    assert [run["run"] for run in Store(book.path).newest("", 0, 20)] == [2, 1]


@pytest.mark.logs_errors("cannot keep benchmarks: .*locked")
async def test_the_last_chance_is_taken(book: Book) -> None:
    await book.ledger.open()
    with locked(book.path):
        await book.ledger.put(bench_run(1))
    with trio.CancelScope() as scope:
        scope.cancel()
        await book.ledger.close()
    assert [run["run"] for run in Store(book.path).newest("", 0, 20)] == [1]
