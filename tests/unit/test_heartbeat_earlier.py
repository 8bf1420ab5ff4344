"""A miner cannot take back what it said a few heartbeats ago."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from polarisd.heartbeat.book import Book, Refused, Taken
from polarisd.heartbeat.document import MAX_DOCUMENT_BYTES, Signed
from polarisd.heartbeat.earlier import (
    MAX_EARLIER,
    MAX_EARLIER_BYTES,
    Earlier,
    bounded,
    contradicted,
    earlier_of,
)
from polarisd.heartbeat.equivocation import proves_equivocation
from polarisd.heartbeat.recorded import book_document, book_records
from tests.unit.heartbeat_support import FACTS, MINER, NOW, OTHER, beat, body_of, forged, origin

LIE = replace(FACTS, slots_free=0)


def book(*numbers: int) -> Book:
    made = Book(network="independent", netuid=0, is_registered=lambda _: True)
    for number in numbers:
        assert isinstance(take(made, beat(number)), Taken)
    return made


def take(of: Book, signed: Signed) -> Taken | Refused:
    return of.take(body_of(signed), MINER.ss58, "203.0.113.7", NOW)


def is_proven(result: Taken | Refused) -> bool:
    assert isinstance(result, Refused)
    if result.contradicts is None:
        assert result.refusal.code == "sequence_old"
        return False
    assert result.refusal.code == "equivocation"
    return proves_equivocation(*(signed.envelope for signed in result.contradicts))


def test_another_story_under_an_older_number_is_evidence() -> None:
    assert is_proven(take(book(5, 6), beat(5, facts=LIE)))


@pytest.mark.parametrize("number", range(1, 12))
def test_as_far_back_as_it_remembers(number: int) -> None:
    miners = book(*range(1, 12))
    assert is_proven(take(miners, beat(number, facts=LIE))) == (number >= 11 - MAX_EARLIER)


def test_the_same_story_again_is_only_old() -> None:
    assert not is_proven(take(book(5, 6), beat(5)))
    assert not is_proven(take(book(5, 7), beat(6)))


def test_it_outlives_a_restart() -> None:
    document = json.loads(json.dumps(book_document(book(5, 6, 7).records.values())))
    restored = book()
    restored.restore(book_records(document))
    assert is_proven(take(restored, beat(5, facts=LIE)))


def test_a_file_of_an_older_version_is_read() -> None:
    document = json.loads(json.dumps(book_document(book(5, 6).records.values())))
    del document["miners"][0]["earlier"]
    (record,) = book_records(document)
    assert (record.sequence, record.earlier) == (6, ())


@pytest.mark.parametrize("nonsense", [None, 5, [5], [{}], [beat(5, of=origin(OTHER)).envelope]])
def test_nonsense_in_the_file_is_left_out(nonsense: object) -> None:
    document = json.loads(json.dumps(book_document(book(5, 6).records.values())))
    document["miners"][0]["earlier"] = nonsense
    (record,) = book_records(document)
    assert record.earlier == ()


def test_what_was_damaged_on_disk_accuses_nobody() -> None:
    damaged = earlier_of(forged(beat(5), offering=False))
    assert contradicted(beat(5), None, (damaged,)) is None
    assert contradicted(beat(5), None, (Earlier(5, "{", "0x"),)) is None
    assert contradicted(beat(5), forged(beat(5), offering=False), ()) is None


def test_what_is_remembered_is_bounded_in_bytes() -> None:
    small, large = earlier_of(beat()), Earlier(7, "x" * MAX_DOCUMENT_BYTES, "0x")
    assert bounded((small,) * 20) == (small,) * MAX_EARLIER
    assert bounded((large,)) == ()
    assert bounded((small, large, small)) == (small,)
    assert sum(each.size_bytes for each in bounded((small,) * 20)) <= MAX_EARLIER_BYTES


def test_on_disk_the_last_of_all_go_before_anybodys_earlier_ones() -> None:
    (record,) = book(*range(1, 12)).records.values()
    rows = book_records(book_document([record] * 1024))
    assert all(row.signed is not None for row in rows)
    assert rows[0].earlier == record.earlier
    assert rows[-1].earlier == ()
