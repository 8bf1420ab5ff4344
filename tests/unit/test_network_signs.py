"""Faults of this machine's addresses and its API port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from polarisd.api.network import CONFIGURED, ECHO, Network, Public
from polarisd.api.reading import NOT_KNOWN, NOT_READ_YET, Unknown
from polarisd.api.snapshot import Daemon
from polarisd.health.board import Board, update
from polarisd.health.network_signs import beating_signs, listening_signs, network_signs
from polarisd.net.kinds import kind_of, parse
from tests.unit.build import NOW, records, snapshot
from tests.unit.chain_samples import HOTKEY, PUBLIC, candidate, network

NOBODY = Unknown(NOT_KNOWN, "two services {disagree} → ask them")
QUIET = Unknown(NOT_KNOWN)
NOT_YET = Unknown(NOT_READ_YET)


def daemon(mode: str = "bittensor") -> Daemon:
    return replace(snapshot().daemon, mode=mode)


def seen(mode: str = "bittensor", **changes: Any) -> dict[str, bool | None]:
    signs = network_signs(daemon(mode), network(**changes), HOTKEY)
    return {sign.code: sign.holds for sign in signs}


def lost(*addresses: str) -> dict[str, Any]:
    """What is known where the interfaces have these and no source names a public one."""
    own = tuple(candidate(a, kind=kind_of(parse(a))) for a in addresses)
    return {"ipv4": NOBODY, "ipv6": NOBODY, "endpoint": NOBODY, "candidates": own}


def told(**changes: Any) -> str:
    signs = list(network_signs(daemon(), network(**changes), HOTKEY))
    board, _ = update(Board(), signs, 0)
    board, _ = update(board, signs, 60)
    (fault,) = board.faults
    return f"{fault.text} → {fault.remedy}"


def test_a_public_machine_shows_nothing() -> None:
    assert seen() == {}
    assert seen(ipv4=NOBODY, ipv6=Public(address="2a01:4f8::7", source=ECHO, since_at=NOW)) == {}


def test_a_machine_behind_a_router_whose_address_is_known_shows_nothing() -> None:
    behind = network(behind_nat=True, candidates=(candidate("192.168.1.5"),))
    assert list(network_signs(daemon(), behind, HOTKEY)) == []


def test_without_a_hotkey_nothing_has_to_be_public() -> None:
    assert list(network_signs(daemon(), network(**lost("10.0.0.5")), "")) == []


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        ((), "public_address_unknown"),
        (("127.0.0.1", "fe80::1", "169.254.9.9"), "public_address_unknown"),
        (("192.168.1.5",), "address_private"),
        (("192.168.1.5", "fd00::5"), "address_private"),
        (("100.64.3.4",), "address_cgnat"),
        # An overlay network's address beside the router's.
        (("192.168.1.5", "100.101.102.103"), "address_private"),
    ],
)
def test_why_no_address_is_public(addresses: tuple[str, ...], code: str) -> None:
    assert seen(**lost(*addresses)) == {code: True, "endpoint_private": None}


def test_what_is_said_of_it_is_the_reason_without_its_advice() -> None:
    for addresses, code in (
        ((), "world finds"),
        (("10.0.0.5",), "whose own"),
        (("100.64.3.4",), "nobody can"),
    ):
        said = told(**lost(*addresses))
        assert code in said
        assert ": two services {disagree} → " in said
        assert "ask them" not in said
    assert "no source names one" in told(**{**lost(), "ipv4": QUIET, "ipv6": QUIET})


def test_nothing_is_said_before_anybody_looked() -> None:
    found = seen(**{**lost(), "ipv4": NOT_YET})
    assert set(found.values()) == {None}
    board, _ = update(Board(), network_signs(daemon(), Network(), HOTKEY), 0)
    assert board.entries == {}


def test_an_address_that_was_set_and_is_none() -> None:
    mine = candidate("192.168.1.5", kind="link_local", source=CONFIGURED, origin="")
    changes = {**lost(), "candidates": (mine,), "endpoint": "192.168.1.5:8000"}
    assert seen(**changes) == {"address_configured_not_public": True}
    assert "is 192.168.1.5, which is no public address (link local)" in told(**changes)


@pytest.mark.parametrize(
    ("address", "endpoint", "private"),
    [
        ("192.168.1.5", "192.168.1.5:8000", True),
        ("fd00::5", "[fd00::5]:8000", True),
        (PUBLIC, f"{PUBLIC}:8000", False),
        ("2a01:4f8::7", "[2a01:4f8::7]:8000", False),
        (PUBLIC, "an endpoint that no source names", False),
    ],
)
def test_an_endpoint_that_nobody_far_off_can_reach(
    address: str, endpoint: str, private: bool
) -> None:
    expected = {"endpoint_private": True} if private else {}
    found: dict[str, Any] = {
        "endpoint": endpoint,
        "candidates": (candidate(address, kind=kind_of(parse(address))),),
    }
    assert seen(**found) == expected
    assert seen("independent", **found) == {}


def test_the_api_port_is_taken() -> None:
    assert list(listening_signs(8000, "")) == []
    board, _ = update(Board(), listening_signs(8000, "address already in use"), 0)
    (fault,) = board.faults
    assert (fault.code, fault.severity) == ("api_port_taken", "error")
    assert "8000, so nobody can reach it: address already in use" in fault.text
    assert "sport = :8000" in fault.remedy


def test_heartbeats_that_cannot_be_made() -> None:
    assert list(beating_signs("", "")) == []
    board, _ = update(Board(), beating_signs("cannot number {x}", "check the {disk}"), 0)
    (fault,) = board.faults
    assert (fault.code, fault.severity) == ("heartbeats_not_sent", "warning")
    assert fault.text == "no heartbeats are sent: cannot number {x}"
    assert fault.remedy == "check the {disk}"


@given(records(Network))
def test_any_network_can_be_judged_and_each_fault_said(some: Network) -> None:
    signs = list(network_signs(daemon(), some, HOTKEY))
    board, _ = update(Board(), signs, 0)
    later, _ = update(board, signs, 3600)
    assert len(later.faults) == len({sign.identity for sign in signs if sign.holds})
