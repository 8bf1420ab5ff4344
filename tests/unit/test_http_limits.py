"""Budgets, seats, and whom an address counts for."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.http.entry import Entry
from polarisd.http.limits import (
    TRUST_S,
    Buckets,
    Limits,
    Trusted,
    address_key,
    network_key,
    plain_address,
)
from polarisd.http.seats import Seats


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("no address", "no address"),
    ],
)
def test_whom_an_address_counts_for(address: str, key: str) -> None:
    assert address_key(address) == key


def test_whom_many_addresses_count_for() -> None:
    assert network_key(address_key("2001:db8:1:2::3")) == "2001:db8:1::/48"
    assert network_key(address_key("203.0.113.7")) is None


def test_one_network_does_not_spend_what_strangers_share() -> None:
    limits = Limits(network_rate_per_s=1, network_burst=3, strangers_rate_per_s=1)
    entry = Entry(hotkey="", routes=[], limits=limits, now_ns=0, is_known=lambda _: False)
    keys = [address_key(f"2001:db8:1:{n}::1") for n in range(6)]
    assert [entry.admits(key, 0) is None for key in keys] == [True] * 3 + [False] * 3
    assert entry.admits(address_key("2001:db8:2:1::1"), 0) is None


def test_trust_ends_and_is_bounded() -> None:
    trusted = Trusted(2)
    for number, key in enumerate("aba"):
        trusted.note(key, number)
    trusted.note("c", 3)  # b asked longest ago
    assert [trusted.has(key, 3) for key in "abc"] == [True, False, True] and len(trusted) == 2
    assert trusted.has("c", 3 + TRUST_S) and not trusted.has("c", 4 + TRUST_S)


def test_addresses_are_shown_plainly() -> None:
    assert plain_address("::ffff:203.0.113.7") == "203.0.113.7"
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("2001:DB8::1") == "2001:db8::1"


def test_a_burst_then_the_rate() -> None:
    buckets = Buckets(rate_per_s=2, burst=3, most=10)
    assert [buckets.take("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.75) == 0.25
    assert [buckets.take("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]


@given(st.lists(st.floats(0, 2), min_size=1, max_size=80))
def test_never_more_than_burst_and_rate_in_any_span(gaps: list[float]) -> None:
    buckets = Buckets(rate_per_s=2, burst=3, most=10)
    now, taken = 0.0, []
    for gap in gaps:
        now += gap
        wait_s = buckets.take("a", now)
        if wait_s == 0:
            taken.append(now)
        else:
            assert 0 < wait_s <= 0.5
    for i, begun in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= 3 + 2 * (taken[j] - begun) + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(rate_per_s=1, burst=1, most=10)
    assert buckets.take("a", 100) == 0
    assert buckets.take("a", 50) == 1
    assert buckets.take("a", 100.5) == 0.5


def test_newcomers_share_a_bucket_when_there_is_no_room() -> None:
    buckets = Buckets(rate_per_s=1, burst=2, most=2)
    buckets.take("a", 0)
    buckets.take("b", 0)
    assert [buckets.take(name, 0.1) for name in "cde"] == [0, 0, 1]
    assert buckets.take("a", 0.1) == 0  # who is known is not crowded out
    assert len(buckets) == 2
    # b's is full again, and makes room
    assert [buckets.take("f", 1.5) for _ in range(3)] == [0, 0, 1]
    assert len(buckets) == 2


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), max_size=200))
def test_the_table_is_bounded_and_an_eviction_gives_nothing_away(
    steps: list[tuple[int, float]],
) -> None:
    buckets = Buckets(rate_per_s=1, burst=2, most=5)
    now, taken = 0.0, Counter[int]()
    for name, gap in steps:
        now += gap
        taken[name] += buckets.take(str(name), now) == 0
        assert len(buckets) <= 5
    # of a bucket of its own, and of the one that is shared
    assert all(count <= 2 * (2 + now) + 1e-6 for count in taken.values())


def test_an_address_has_so_many_seats() -> None:
    seats = Seats(most=10, most_of_address=2)
    first = seats.take("a", lambda: None)
    assert first is not None
    assert seats.take("a", lambda: None) is not None
    assert seats.take("a", lambda: None) is None
    assert seats.take("b", lambda: None) is not None
    seats.give_back(first)
    assert seats.take("a", lambda: None) is not None
    assert len(seats) == 3


def test_a_newcomer_gets_the_seat_of_who_proved_nothing_for_longest() -> None:
    left: list[int] = []
    seats = Seats(most=3, most_of_address=3)
    held = [seats.take(str(n), lambda n=n: left.append(n)) for n in range(3)]  # type: ignore[misc]
    assert held[0] is not None and held[1] is not None
    held[0].is_working = True
    assert seats.take("new", lambda: None) is not None
    assert left == [1]
    seats.give_back(held[1])  # which it does when its connection has ended
    assert len(seats) == 3


def test_working_seats_are_not_given_away() -> None:
    seats = Seats(most=2, most_of_address=2)
    for name in "ab":
        seat = seats.take(name, lambda: pytest.fail("it was given away"))
        assert seat is not None
        seat.is_working = True
    assert seats.take("c", lambda: None) is None
