"""Free hotkeys of one machine cannot fill the book; and what the journal says of who comes."""

from __future__ import annotations

import logging

import pytest

from polarisd.heartbeat.addresses import owner_of
from polarisd.heartbeat.arrivals import AWAY_S, MAX_LINES, Arrivals
from polarisd.heartbeat.book import Book, Record, Refused, Taken
from tests.unit.heartbeat_support import NOW, beat, body_of, hotkey, origin

FLOODER, HONEST = "203.0.113.66", "198.51.100.7"


def come(of: Book, number: int, address: str, now: float = NOW) -> Taken | Refused:
    key = hotkey(number)
    return of.take(body_of(beat(int(now), now, of=origin(key))), key.ss58, address, now)


def book(max_miners: int = 8) -> Book:
    return Book(
        network="independent", netuid=0, is_registered=lambda _: True, max_miners=max_miners
    )


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("a pipe", "a pipe"),
    ],
)
def test_whose_an_address_is(text: str, owner: str) -> None:
    assert owner_of(text) == owner


@pytest.mark.parametrize("address", [FLOODER, "2001:db8::{}"])
def test_one_that_fills_the_book_gives_way_to_others_but_not_to_itself(address: str) -> None:
    miners = book()
    for number in range(1, 9):
        assert isinstance(come(miners, number, address.format(number), NOW + number), Taken)
    refused = come(miners, 50, address.format(50), NOW + 10)
    assert isinstance(refused, Refused)
    assert refused.refusal.code == "full"
    assert isinstance(come(miners, 51, HONEST, NOW + 11), Taken)
    # The one of the crowd that was silent for longest has gone, and nobody else.
    assert hotkey(1).ss58 not in miners.records
    assert len(miners.records) == 8


def test_a_share_each_and_no_more() -> None:
    miners = book()
    for number in range(1, 9):
        come(miners, number, FLOODER)
    taken = [isinstance(come(miners, 20 + n, HONEST), Taken) for n in range(6)]
    assert taken == [True] * 4 + [False] * 2
    again = [isinstance(come(miners, 40 + n, FLOODER), Taken) for n in range(3)]
    assert again == [False] * 3


def test_of_an_odd_number_nobody_is_pushed_to_and_fro() -> None:
    miners = book(7)
    for number in range(1, 8):
        come(miners, number, FLOODER)
    taken = [isinstance(come(miners, 20 + n, HONEST), Taken) for n in range(6)]
    assert taken == [True] * 3 + [False] * 3


def test_a_miner_counts_where_it_came_from_last() -> None:
    miners = book()
    for number in range(1, 9):
        come(miners, number, FLOODER)
    for number in range(1, 9):
        come(miners, number, f"198.51.100.{number}", NOW + 5)
    refused = come(miners, 50, HONEST, NOW + 6)
    assert isinstance(refused, Refused)
    restored = book()
    restored.restore(miners.records.values())
    assert isinstance(come(restored, 50, HONEST, NOW + 6), Refused)


def record(number: int, at: float) -> Record:
    return Record(
        hotkey=hotkey(number).ss58,
        sequence=7,
        signed=None,
        address=HONEST,
        first_at=at,
        last_at=at,
        beats=1,
    )


def test_who_comes_and_who_comes_back_is_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    arrivals, last = Arrivals(), None
    for at in (0.0, 30.0, 60.0, 60.0 + AWAY_S, 661.0 + AWAY_S + 60):
        now = record(1, NOW + at)
        arrivals.take(now, last)
        last = now
    told = [entry.getMessage() for entry in caplog.records]
    name = hotkey(1).ss58
    assert told == [
        f"miner {name} appears, from {HONEST}",
        f"miner {name} is back after 11 min, from {HONEST}",
    ]


def test_a_flood_of_them_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    arrivals = Arrivals()
    for number in range(1, 101):
        arrivals.take(record(number, NOW), None)
    assert len(caplog.records) == MAX_LINES
    arrivals.take(record(101, NOW + 61), None)
    assert f"more miners appeared or came back: {100 - MAX_LINES}" in caplog.text
    assert hotkey(101).ss58 in caplog.text
