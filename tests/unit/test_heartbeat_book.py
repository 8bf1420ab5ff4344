"""Which heartbeats a validator takes, and what it keeps of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.heartbeat.book import MAX_AGE_S, Book, Refused, Taken
from polarisd.heartbeat.equivocation import proves_equivocation
from polarisd.heartbeat.recorded import book_document, book_records
from polarisd.keys import Hotkey
from tests.unit.heartbeat_support import (
    FACTS,
    GENESIS,
    MINER,
    NOW,
    OTHER,
    beat,
    body_of,
    forged,
    hotkey,
    origin,
)

LIE = replace(FACTS, slots_free=0)


def book(is_registered: Callable[[str], bool | None] = lambda _: True, max_miners: int = 8) -> Book:
    return Book(network="independent", netuid=0, is_registered=is_registered, max_miners=max_miners)


def take(
    of: Book, body: bytes | None = None, *, signer: str = MINER.ss58, now: float = NOW
) -> Taken | Refused:
    return of.take(body_of(beat()) if body is None else body, signer, "203.0.113.7", now)


def code(result: Taken | Refused) -> str:
    assert isinstance(result, Refused)
    return result.refusal.code


def test_a_heartbeat_is_taken_and_kept() -> None:
    miners = book()
    result = take(miners)
    assert isinstance(result, Taken)
    assert result.is_new
    record = miners.records[MINER.ss58]
    assert (record.sequence, record.address, record.last_at, record.beats) == (
        7,
        "203.0.113.7",
        NOW,
        1,
    )
    take(miners, body_of(beat(9, NOW + 30)), now=NOW + 30)
    record = miners.records[MINER.ss58]
    assert (record.sequence, record.first_at, record.last_at, record.beats) == (
        9,
        NOW,
        NOW + 30,
        2,
    )


def test_the_same_bytes_again_change_nothing() -> None:
    miners = book()
    take(miners)
    before = miners.records[MINER.ss58]
    again = take(miners, now=NOW + 1)  # signed anew: the signature is another, the bytes are not
    assert isinstance(again, Taken)
    assert not again.is_new
    assert miners.records[MINER.ss58] == before


@pytest.mark.parametrize(
    ("body", "signer", "expected"),
    [
        (b"{}", MINER, "bad_heartbeat"),
        (b" " * 40_000, MINER, "oversized"),
        (body_of(beat()), OTHER, "wrong_hotkey"),
        (body_of(beat(of=origin(network=GENESIS))), MINER, "foreign_network"),
        (body_of(beat(of=origin(netuid=49))), MINER, "foreign_netuid"),
        (body_of(forged(beat(), sequence=99)), MINER, "wrong_signature"),
        (body_of(beat(8, NOW - MAX_AGE_S - 1)), MINER, "too_old"),
        (body_of(beat(8, NOW + 2.5)), MINER, "from_the_future"),
        (body_of(beat(6)), MINER, "sequence_old"),
        (body_of(beat(facts=LIE)), MINER, "equivocation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    body: bytes, signer: Hotkey, expected: str
) -> None:
    miners = book()
    take(miners)
    before = dict(miners.records)
    assert code(take(miners, body, signer=signer.ss58)) == expected
    assert miners.records == before


def test_a_hotkey_that_is_not_registered_is_refused() -> None:
    registered = {MINER.ss58}
    miners = book(registered.__contains__)
    assert isinstance(take(miners), Taken)
    registered.clear()
    assert code(take(miners, body_of(beat(8)))) == "not_registered"


def test_before_the_chain_was_read_nobody_is_turned_away_for_good() -> None:
    assert code(take(book(lambda _: None))) == "not_ready"


def test_an_old_number_shows_the_miner_its_own_newer_heartbeat() -> None:
    miners = book()
    take(miners)
    result = take(miners, body_of(beat(6)))
    assert isinstance(result, Refused)
    assert result.latest is not None
    assert (result.sequence, result.latest.document) == (7, beat().document)


def test_two_of_one_number_are_evidence_however_late_the_second_comes() -> None:
    miners = book()
    take(miners)
    result = take(miners, body_of(beat(facts=LIE)), now=NOW + 3600)
    assert isinstance(result, Refused)
    assert result.contradicts is not None
    a, b = result.contradicts
    assert proves_equivocation(a.envelope, b.envelope)
    assert isinstance(take(miners, body_of(beat(8))), Taken)  # its later ones are taken


def test_when_full_only_the_silent_and_the_gone_give_way() -> None:
    registered = {hotkey(n).ss58 for n in range(1, 9)}
    miners = book(registered.__contains__, max_miners=2)

    def come(number: int, now: float) -> Taken | Refused:
        key = hotkey(number)
        return take(miners, body_of(beat(at=now, of=origin(key))), signer=key.ss58, now=now)

    come(1, NOW)
    come(2, NOW + 10)
    assert code(come(3, NOW + 3000)) == "full"
    assert isinstance(come(3, NOW + 3601), Taken)  # the first was silent for an hour
    assert set(miners.records) == {hotkey(2).ss58, hotkey(3).ss58}
    registered.discard(hotkey(2).ss58)
    assert isinstance(come(4, NOW + 3602), Taken)
    assert set(miners.records) == {hotkey(3).ss58, hotkey(4).ss58}


def test_it_comes_back_from_disk_as_it_was() -> None:
    miners = book()
    take(miners)
    other = take(miners, body_of(beat(5, of=origin(OTHER))), signer=OTHER.ss58, now=NOW + 1)
    assert isinstance(other, Taken)
    document = json.loads(json.dumps(book_document(miners.records.values())))
    restored = book()
    restored.restore(book_records(document))
    assert restored.records == miners.records
    assert code(take(restored, body_of(beat(6)))) == "sequence_old"
    assert code(take(restored, body_of(beat(facts=LIE)))) == "equivocation"


def test_of_too_many_only_the_numbers_are_kept() -> None:
    miners = book(max_miners=6000)
    take(miners)
    record = miners.records[MINER.ss58]
    many = [replace(record, last_at=NOW + n) for n in range(6000)]
    kept = book_records(book_document(many))
    assert [r.last_at for r in kept] == [NOW + n for n in reversed(range(6000))]
    assert kept[0].signed is not None
    assert kept[-1].signed is None
    restored = book()
    restored.restore([replace(kept[-1])])
    assert code(take(restored, body_of(beat(facts=LIE)))) == "sequence_old"  # it cannot be proven


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.floats(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["miners", "hotkey"]), inner)
        ),
        max_leaves=8,
    )
)
def test_a_book_of_nonsense_is_an_empty_one(nonsense: object) -> None:
    assert book_records({"format": 1, "miners": nonsense}) == []


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.floats(0, 20)), max_size=20))
def test_numbers_only_rise_and_each_contradiction_proves_itself(
    events: list[tuple[int, bool, float]],
) -> None:
    miners, now, highest = book(), NOW, 0
    for number, lies, pause_s in events:
        now += pause_s
        body = body_of(beat(number, NOW, facts=LIE if lies else FACTS))
        result = take(miners, body, now=now)
        if isinstance(result, Taken):
            assert number > highest if result.is_new else number == highest
            highest = number
        elif result.contradicts is not None:
            assert proves_equivocation(*(signed.envelope for signed in result.contradicts))
    assert not miners.records or miners.records[MINER.ss58].sequence == highest
