"""The validator's book and its evidence outlive restarts, within bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd import store
from polarisd.heartbeat.book import Book
from polarisd.heartbeat.evidence import EVIDENCE_DIRECTORY, MAX_EVIDENCE, read_evidence
from polarisd.heartbeat.keeping import BOOK_FILE, Keeper
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_support import FACTS, MINER, NOW, Clock, beat, body_of, hotkey, origin

__all__ = ["patient_clock"]

LIE = replace(FACTS, slots_free=0)


def book() -> Book:
    return Book(network="independent", netuid=0, is_registered=lambda _: True)


def keeper(directory: Path, of: Book) -> Keeper:
    made = Keeper(directory, of.records.values, Clock())
    made.open(of)
    return made


async def until_written(path: Path) -> float:
    """In how many seconds it was."""
    for seconds in range(0, 600, 5):
        if await trio.Path(path).exists():
            return float(seconds)
        await trio.sleep(5)
    raise AssertionError(f"{path} was not written")


async def test_the_book_is_written_within_a_minute_and_at_the_end(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    miners = book()
    kept = keeper(tmp_path, miners)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        miners.take(body_of(beat()), MINER.ss58, "203.0.113.7", NOW)
        assert await until_written(tmp_path / BOOK_FILE) < 70
        miners.take(body_of(beat(8)), MINER.ss58, "203.0.113.7", NOW)
        nursery.cancel_scope.cancel()
    restored = book()
    keeper(tmp_path, restored)
    assert restored.records == miners.records
    assert restored.records[MINER.ss58].sequence == 8


async def test_what_has_not_changed_is_not_written(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    miners = book()
    miners.take(body_of(beat()), MINER.ss58, "203.0.113.7", NOW)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper(tmp_path, miners).run)
        await until_written(tmp_path / BOOK_FILE)
        (tmp_path / BOOK_FILE).unlink()
        await trio.sleep(300)
        assert not await trio.Path(tmp_path / BOOK_FILE).exists()
        nursery.cancel_scope.cancel()


async def test_evidence_is_kept_at_once_and_once(
    tmp_path: Path, patient_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    miners = book()
    kept = keeper(tmp_path, miners)
    path = tmp_path / EVIDENCE_DIRECTORY / f"{MINER.ss58}.json"
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        kept.keep((beat(), beat(facts=LIE)))
        kept.keep((beat(8), beat(8, facts=LIE)))
        assert await until_written(path) <= 5
        nursery.cancel_scope.cancel()
    assert read_evidence(path)
    assert caplog.text.count("two heartbeats with one sequence number") == 1
    assert keeper(tmp_path, book()).equivocators == {MINER.ss58}


async def test_evidence_is_bounded_and_the_first_stays(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    directory = tmp_path / EVIDENCE_DIRECTORY
    directory.mkdir()
    for number in range(MAX_EVIDENCE):
        (directory / f"{number:04}.json").write_text("{}")
    kept = keeper(tmp_path, book())
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        key = hotkey(9)
        kept.keep((beat(of=origin(key)), beat(of=origin(key), facts=LIE)))
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert len(list(directory.iterdir())) == MAX_EVIDENCE


def test_a_file_that_is_no_proof_is_told_from_one_that_is(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    store.write(path, {"a": beat().envelope, "b": beat(8).envelope})
    assert not read_evidence(path)


def test_a_spoilt_book_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / BOOK_FILE).write_text("{")
    miners = book()
    keeper(tmp_path, miners)
    assert miners.records == {}
    assert (tmp_path / f"{BOOK_FILE}.bad").exists()
    assert "begins anew" in caplog.text


@pytest.mark.logs_errors("cannot write .*miners.json", "cannot keep the proof")
async def test_a_broken_disk_is_said_and_costs_nothing_else(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    miners = book()
    kept = keeper(tmp_path / "gone", miners)
    miners.take(body_of(beat()), MINER.ss58, "203.0.113.7", NOW)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        kept.keep((beat(), beat(facts=LIE)))
        await trio.sleep(200)
        (tmp_path / "gone").mkdir()
        await until_written(tmp_path / "gone" / BOOK_FILE)
        nursery.cancel_scope.cancel()
