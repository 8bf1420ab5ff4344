"""A validator's look goes to nobody but the miner, to few ports, and seldom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.heartbeat.addresses import Address, endpoint, read_address, read_endpoint
from polarisd.heartbeat.document import Heartbeat
from polarisd.heartbeat.looking import ADDRESS_S, AGAIN_S, CHANGED_S, MAX_TRIED, Plan, Turns, plan
from polarisd.heartbeat.reach import is_public
from tests.unit.heartbeat_support import FACTS, beat

SOURCE = ip_address("8.8.4.4")
ELSEWHERE = ip_address("9.9.9.9")
ADDRESSES = st.sampled_from(
    [SOURCE, ELSEWHERE, *map(ip_address, ("10.0.0.1", "127.0.0.1", "2606:4700::1", "::1"))]
)


def said(at: str | None = "8.8.4.4:8000", first: int = 11000, last: int = 11002) -> Heartbeat:
    return beat(facts=replace(FACTS, endpoint=at, ssh_first=first, ssh_last=last)).heartbeat


def test_the_ports_of_the_heartbeat_are_looked_at_where_it_came_from() -> None:
    assert plan(said(), SOURCE, None, is_public) == Plan(SOURCE, 8000, (11000, 11001, 11002), ())


def test_an_address_that_only_the_heartbeat_names_is_not_looked_at() -> None:
    assert plan(said("9.9.9.9:8000"), SOURCE, None, is_public).address == SOURCE
    assert plan(said("9.9.9.9:8000"), SOURCE, "1.1.1.1:8000", is_public).address == SOURCE
    assert plan(said("9.9.9.9:8000"), SOURCE, "9.9.9.9:8000", is_public).address == ELSEWHERE


def test_without_an_endpoint_there_are_ssh_ports_only() -> None:
    assert plan(said(None), SOURCE, None, is_public) == Plan(
        SOURCE, None, (11000, 11001, 11002), ()
    )


def test_a_range_is_looked_at_in_part_and_the_rest_is_told() -> None:
    found = plan(said(last=11255), SOURCE, None, is_public)
    assert found.ssh_ports == tuple(range(11000, 11007))
    assert found.untried == tuple(range(11007, 11015))


def test_ports_of_well_known_services_only_if_the_chain_names_them() -> None:
    at = said("8.8.4.4:443", 22, 25)
    assert plan(at, SOURCE, None, is_public) == Plan(SOURCE, None, (), (443, 22, 23, 24, 25))
    assert plan(at, SOURCE, "8.8.4.4:443", is_public) == Plan(SOURCE, 443, (), (22, 23, 24, 25))
    assert plan(at, SOURCE, "9.9.9.9:443", is_public).api_port is None


@pytest.mark.parametrize(
    "source",
    [
        "10.0.0.1",
        "127.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "fe80::1",
        "fd00::1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_private_addresses_only_where_that_is_allowed(source: str) -> None:
    address = ip_address(source)
    at = said(endpoint(address, 8000))
    assert plan(at, address, None, is_public) == Plan(
        address, None, (), (8000, 11000, 11001, 11002)
    )
    assert plan(at, address, None, lambda _: True).api_port == 8000


@given(
    ADDRESSES,
    st.none() | st.tuples(ADDRESSES, st.integers(1, 65535)),
    st.none() | st.tuples(ADDRESSES, st.integers(1, 65535)),
    st.integers(1, 65000),
    st.integers(0, 255),
)
def test_whatever_is_said_a_look_is_bounded(
    source: Address,
    says: tuple[Address, int] | None,
    chain: tuple[Address, int] | None,
    first: int,
    more: int,
) -> None:
    heartbeat = said(endpoint(*says) if says else None, first, first + more)
    found = plan(heartbeat, source, endpoint(*chain) if chain else None, is_public)
    tried = [*([found.api_port] if found.api_port else []), *found.ssh_ports]
    assert found.address in (source, *(chain[:1] if chain else ()))
    assert len(tried) <= MAX_TRIED
    assert len(tried) + len(found.untried) <= 16
    assert not tried or is_public(found.address)
    assert set(tried) <= {*range(first, first + more + 1), says[1] if says else 0}
    assert all(port >= 1024 or (found.address, port) == chain for port in tried)


def test_a_miner_is_looked_at_every_five_minutes_or_when_it_has_changed() -> None:
    turns, here = Turns(), Plan(SOURCE, 8000, (11000,), ())
    moved = Plan(ELSEWHERE, 8000, (11000,), ())
    assert turns.take("a", here, 0.0)
    assert not turns.take("a", here, AGAIN_S - 1)
    assert not turns.take("a", moved, CHANGED_S - 1)
    assert turns.take("a", moved, CHANGED_S)
    assert not turns.take("a", moved, AGAIN_S)
    assert turns.take("a", moved, AGAIN_S + CHANGED_S)


def test_other_ports_at_an_address_that_only_the_chain_names_are_not_worth_a_turn() -> None:
    turns, heartbeat = Turns(), said("9.9.9.9:8000")
    here = plan(heartbeat, SOURCE, "9.9.9.9:8000", is_public)
    other = plan(said("9.9.9.9:8000", 2000, 2005), SOURCE, "9.9.9.9:8000", is_public)
    assert turns.take("a", here, 0.0)
    assert not turns.take("a", other, AGAIN_S - 1)
    assert turns.take("a", other, AGAIN_S)


def test_an_address_is_not_looked_at_more_often_for_having_many_hotkeys() -> None:
    turns, here = Turns(), Plan(SOURCE, 8000, (11000,), ())
    looks = [now for now in range(600) if turns.take(f"hotkey {now}", here, float(now))]
    assert len(looks) == 600 / ADDRESS_S


def test_what_is_remembered_is_bounded() -> None:
    turns = Turns()
    for number in range(10_000):
        address = ip_address(int(SOURCE) + number)
        turns.take(str(number), Plan(address, 8000, (), ()), float(number))
    assert len(turns.miners) == len(turns.addresses) == 4096
    assert not turns.take("9999", Plan(ip_address(int(SOURCE) + 9999), 8000, (), ()), 1e4)


@given(st.text(max_size=70))
def test_an_endpoint_has_one_spelling(text: str) -> None:
    found = read_endpoint(text)
    assert found is None or endpoint(*found) == text
    address = read_address(text)
    assert address is None or address.version == 4 or address.ipv4_mapped is None


def test_an_address_in_disguise_is_seen_through() -> None:
    assert read_address("::ffff:10.0.0.1") == ip_address("10.0.0.1")
    assert read_address("fe80::1%eth0") is None
    assert read_address("1" * 100) is None
