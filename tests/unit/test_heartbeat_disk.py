"""A validator whose state directory is spoilt, full or in the way goes on, and says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd.heartbeat.book import Book
from polarisd.heartbeat.evidence import EVIDENCE_DIRECTORY, MAX_WAITING, read_evidence
from polarisd.heartbeat.keeping import BOOK_FILE, Keeper
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_support import FACTS, MINER, NOW, Clock, beat, body_of, hotkey, origin

__all__ = ["patient_clock"]

LIE = replace(FACTS, slots_free=0)
FOUND = (beat(), beat(facts=LIE))
NAME = f"{MINER.ss58}.json"


def book() -> Book:
    return Book(network="independent", netuid=0, is_registered=lambda _: True)


def opened(directory: Path, of: Book | None = None) -> Keeper:
    miners = book() if of is None else of
    made = Keeper(directory, miners.records.values, Clock())
    made.open(miners)
    return made


@pytest.mark.logs_errors("cannot read .*miners.json, which begins anew: ")
@pytest.mark.parametrize(
    "spoil",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)],
    ids=["directory", "pipe", "loop"],
)
def test_a_book_that_cannot_be_read_begins_anew(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path / BOOK_FILE)
    miners = book()
    opened(tmp_path, miners)
    assert miners.records == {}


@pytest.mark.logs_errors("cannot set .*miners.json aside: ")
def test_a_spoilt_book_that_cannot_be_set_aside_begins_anew_too(tmp_path: Path) -> None:
    (tmp_path / BOOK_FILE).write_text("{")
    (tmp_path / f"{BOOK_FILE}.bad.new").mkdir()  # where the copy would be written first
    miners = book()
    opened(tmp_path, miners)
    assert miners.records == {}


@pytest.mark.logs_errors("cannot list the proofs of equivocation: ")
@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_text(""), os.mkfifo, lambda path: path.symlink_to(path)],
    ids=["file", "pipe", "loop"],
)
def test_evidence_that_cannot_be_listed(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / EVIDENCE_DIRECTORY)
    assert opened(tmp_path).equivocators == frozenset()


@pytest.mark.logs_errors("cannot list", "cannot keep the proof .* tried again each minute")
async def test_evidence_is_written_when_the_disk_is_well_again(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    in_the_way = tmp_path / EVIDENCE_DIRECTORY
    in_the_way.write_text("")
    kept = opened(tmp_path)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        kept.keep(FOUND)
        await trio.sleep(200)
        assert kept.equivocators == {MINER.ss58}  # it has met it, whatever the disk does
        in_the_way.unlink()
        await trio.sleep(70)
        assert read_evidence(in_the_way / NAME)
        nursery.cancel_scope.cancel()
    assert opened(tmp_path).equivocators == {MINER.ss58}


async def test_evidence_that_comes_at_the_very_end_is_written(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    kept = opened(tmp_path)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        await trio.sleep(1)
        kept.keep(FOUND)
        nursery.cancel_scope.cancel()
    assert read_evidence(tmp_path / EVIDENCE_DIRECTORY / NAME)


async def test_the_first_proof_stays(tmp_path: Path, patient_clock: MockClock) -> None:
    """Also where nobody knew of it, because it could not be listed."""
    for found in (FOUND, (beat(8), beat(8, facts=LIE))):
        kept = Keeper(tmp_path, book().records.values, Clock())
        async with trio.open_nursery() as nursery:
            await nursery.start(kept.run)
            kept.keep(found)
            nursery.cancel_scope.cancel()
    assert FOUND[0].document in (
        (tmp_path / EVIDENCE_DIRECTORY / NAME).read_text().replace('\\"', '"')
    )


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    kept = opened(tmp_path)
    for number in range(1, MAX_WAITING + 20):
        of = origin(hotkey(number))
        kept.keep((beat(of=of), beat(of=of, facts=LIE)))
    assert len(kept.equivocators) == MAX_WAITING


async def test_what_is_written_makes_room_for_more(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    kept = opened(tmp_path)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        for number in range(1, MAX_WAITING + 9):
            of = origin(hotkey(number))
            kept.keep((beat(of=of), beat(of=of, facts=LIE)))
            await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert len(list((tmp_path / EVIDENCE_DIRECTORY).iterdir())) == MAX_WAITING + 8


@pytest.mark.logs_errors("cannot write .*miners.json", "cannot keep the proof")
async def test_two_troubles_are_two_lines_and_not_two_each_minute(
    tmp_path: Path, patient_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    miners = book()
    kept = opened(tmp_path / "gone", miners)
    miners.take(body_of(beat()), MINER.ss58, "203.0.113.7", NOW)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        kept.keep(FOUND)
        await trio.sleep(600)
        nursery.cancel_scope.cancel()
    assert caplog.text.count("cannot write") == 1
    assert caplog.text.count("cannot keep the proof") == 1
