"""Which address is found and published, of what the sources say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.network import CONFIGURED, ECHO, INTERFACE, VALIDATORS, Network, Public
from polarisd.api.reading import NO_PERMISSION, NOT_READ_YET, Reading, Unknown
from polarisd.net.evidence import Witness
from polarisd.net.given import Settings, Told
from polarisd.net.interfaces import Interface, Interfaces, Way
from polarisd.net.kinds import GLOBAL, kind_of, parse
from polarisd.net.public import Decision, decide
from tests.unit.net_support import (
    NOW,
    OTHER,
    PRIVATE,
    PUBLIC,
    PUBLIC6,
    SHARED,
    UNIQUE6,
    address,
    interfaces,
    machine,
    times,
    witness,
    witnesses,
)

ECHO_SERVICES = ("http://one.example", "http://two.example")
SANDBOXED = Unknown(NO_PERMISSION, "forbidden")
settings_of = st.builds(
    Settings,
    public_address=st.sampled_from(["", "", "", PUBLIC, PRIVATE, PUBLIC6]),
    prefer=st.sampled_from(["ipv4", "ipv6"]),
    echo_services=st.sampled_from([(), ECHO_SERVICES]),
    publishable=st.sampled_from([frozenset({GLOBAL}), frozenset({GLOBAL, "private"})]),
)
told_of = st.builds(
    Told,
    interfaces=st.one_of(interfaces, st.just(SANDBOXED), st.just(Unknown(NOT_READ_YET))),
    sightings=witnesses,
    echoes=witnesses,
)


def network_of(told: Told, settings: Settings | None = None) -> Network:
    return decide(settings or Settings(), told, NOW, Decision()).network


def saw(ip: str, *validators: str) -> tuple[Witness, ...]:
    return tuple(witness(v, ip) for v in validators)


def detail(reading: Reading[object]) -> str:
    assert isinstance(reading, Unknown), reading
    return reading.detail


def public(reading: Reading[Public]) -> tuple[str, str]:
    assert isinstance(reading, Public), reading
    return reading.address, reading.source


# In order, the better source first.


def test_the_owner_overrides_everybody() -> None:
    told = Told(interfaces=machine(PUBLIC), sightings=saw(OTHER, "alice", "bob"))
    network = network_of(told, Settings(public_address=PRIVATE, prefer="ipv6", port=9000))
    assert public(network.ipv4) == (PRIVATE, CONFIGURED)
    assert network.endpoint == f"{PRIVATE}:9000"


def test_the_owner_is_believed_before_anything_is_read() -> None:
    network = network_of(Told(), Settings(public_address=PUBLIC6))
    assert network.endpoint == f"[{PUBLIC6}]:8000"
    assert isinstance(network.ipv4, Unknown)


@pytest.mark.parametrize("text", ["0.0.0.0", "::ffff:0.0.0.0", "ff02::1", "example.org", "1.2.3"])
def test_an_owner_who_means_no_machine_says_nothing(text: str) -> None:
    network = network_of(Told(interfaces=machine(PUBLIC)), Settings(public_address=text))
    assert public(network.ipv4) == (PUBLIC, INTERFACE)


@pytest.mark.parametrize("text", ["127.0.0.1", PRIVATE, SHARED, "::1", UNIQUE6])
def test_of_a_router_nothing_is_said_where_the_owner_means_none(text: str) -> None:
    network = network_of(Told(interfaces=machine("10.9.9.9")), Settings(public_address=text))
    assert "no router is meant" in detail(network.behind_nat)


def test_an_own_public_address_comes_before_what_others_say() -> None:
    told = Told(interfaces=machine(PUBLIC), sightings=saw(OTHER, "alice", "bob", "carol"))
    network = network_of(told)
    assert public(network.ipv4) == (PUBLIC, INTERFACE)
    assert network.behind_nat is True  # the world sees another one


def test_validators_come_before_echo_services() -> None:
    settings = Settings(echo_services=ECHO_SERVICES)
    told = Told(
        interfaces=machine(PRIVATE),
        sightings=saw(PUBLIC, "alice", "bob"),
        echoes=saw(OTHER, "one.example", "two.example"),
    )
    assert public(network_of(told, settings).ipv4) == (PUBLIC, VALIDATORS)
    told = replace(told, sightings=())
    assert public(network_of(told, settings).ipv4) == (OTHER, ECHO)
    assert network_of(told, settings).behind_nat is True


def test_echo_services_that_are_not_configured_any_more_do_not_count() -> None:
    told = Told(interfaces=machine(PRIVATE), echoes=saw(OTHER, "one.example", "two.example"))
    assert isinstance(network_of(told).ipv4, Unknown)


# Reasons.


def test_nothing_is_said_before_the_interfaces_are_read() -> None:
    network = network_of(Told(sightings=saw(PUBLIC, "alice", "bob")))
    assert network.ipv4 == network.endpoint == Unknown(NOT_READ_YET)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Told(interfaces=machine()), ["no route to the Internet over IPv4"]),
        (Told(interfaces=machine(PUBLIC, carrier=False)), ["eth0", "no link", "cable"]),
        (Told(interfaces=machine(PUBLIC, up=False)), ["eth0", "switched off"]),
        (
            Told(interfaces=machine(PUBLIC, carrier=False), sightings=saw(PUBLIC, "a", "b")),
            ["no link"],
        ),
        (Told(interfaces=machine(PRIVATE)), [PRIVATE, "private", "→ forward the ports"]),
        (Told(interfaces=machine("169.254.3.3")), ["link-local", "→ check the cable and the DHCP"]),
        (Told(interfaces=machine(SHARED)), [SHARED, "CGNAT", "→ ask your provider"]),
        (
            Told(interfaces=machine(PRIVATE), sightings=saw(PUBLIC, "a") + saw(OTHER, "b")),
            ["the validators disagree", f"a says {PUBLIC}", f"b says {OTHER}"],
        ),
        (
            Told(interfaces=machine(PRIVATE), sightings=saw(PUBLIC, "a" * 48)),
            ["only aaaaaa…aaaa has spoken", "if no other speaks"],
        ),
        (
            Told(interfaces=machine(PRIVATE), sightings=saw("10.0.0.1", "a", "b")),
            ["no validators have said"],
        ),
        (
            Told(interfaces=SANDBOXED, sightings=(witness("a", PUBLIC, at=NOW - 301),)),
            ["forbidden", "no validators have said lately"],
        ),
    ],
)
def test_an_owner_is_told_why_there_is_none(told: Told, words: list[str]) -> None:
    network = network_of(told)
    assert isinstance(network.endpoint, Unknown)
    for word in words:
        assert word in detail(network.ipv4)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("temporary", "changes daily"),
        ("deprecated", "being withdrawn"),
        ("tentative", "still checking"),
        ("dad_failed", "in use by another machine"),
    ],
)
def test_an_ipv6_address_that_does_not_last_is_not_published(flag: str, words: str) -> None:
    told = Told(
        interfaces=machine(address(PUBLIC6, **{flag: True})), sightings=saw(PUBLIC6, "a", "b")
    )
    assert words in detail(network_of(told).ipv6)
    lasting = "2a01:4f8::77"
    told = replace(told, interfaces=machine(address(PUBLIC6, **{flag: True}), lasting))
    assert public(network_of(told).ipv6) == (lasting, INTERFACE)


def test_a_network_with_private_addresses_only_can_be_published_on_request() -> None:
    told = Told(interfaces=machine(PRIVATE, UNIQUE6))
    settings = Settings(publishable=frozenset({"private"}))
    assert network_of(told, settings).endpoint == f"{PRIVATE}:8000"
    assert isinstance(network_of(told, settings).ipv6, Unknown)


# Steadiness.


def test_the_kernels_own_choice_comes_first_then_what_was_published() -> None:
    assert public(network_of(Told(interfaces=machine(PUBLIC, OTHER, source=OTHER))).ipv4) == (
        OTHER,
        INTERFACE,
    )
    first = decide(Settings(), Told(interfaces=machine(PUBLIC6)), NOW, Decision())
    told = Told(interfaces=machine("2a01:4f8::1", PUBLIC6))
    assert public(decide(Settings(), told, NOW, first).network.ipv6) == (PUBLIC6, INTERFACE)


def test_since_when_survives_a_change_of_source() -> None:
    first = decide(Settings(), Told(interfaces=machine(PUBLIC)), NOW, Decision())
    told = Told(interfaces=machine(PUBLIC))
    second = decide(Settings(public_address=PUBLIC), told, NOW + 60, first)
    assert second.network.ipv4 == Public(address=PUBLIC, source=CONFIGURED, since_at=NOW)


def test_what_was_seen_before_the_machine_moved_does_not_count() -> None:
    told = Told(interfaces=machine(PRIVATE), sightings=saw(PUBLIC, "alice", "bob"))
    before = decide(Settings(), told, NOW, Decision())
    assert public(before.network.ipv4) == (PUBLIC, VALIDATORS)
    told = replace(told, interfaces=machine("192.168.7.7", source="192.168.7.7"))
    moved = decide(Settings(), told, NOW + 10, before)
    assert "no validators have said" in detail(moved.network.ipv4)
    told = replace(told, sightings=tuple(witness(v, OTHER, at=NOW + 11) for v in "ab"))
    assert public(decide(Settings(), told, NOW + 11, moved).network.ipv4) == (OTHER, VALIDATORS)


def test_a_lone_liar_who_is_left_over_moves_nothing() -> None:
    told = Told(interfaces=machine(PRIVATE), sightings=saw(PUBLIC, "alice", "bob"))
    decision = decide(Settings(), told, NOW, Decision())
    for at in range(30, 3000, 30):
        sightings = (*saw(PUBLIC, "alice"), witness("bob", OTHER, at=NOW + at, since_at=NOW + 30))
        decision = decide(Settings(), replace(told, sightings=sightings), NOW + at, decision)
        network = decision.network
        assert isinstance(network.ipv4, Unknown) or network.ipv4.address == PUBLIC


# What holds for whatever is told.


@given(settings_of, told_of)
def test_only_what_may_be_is_published(settings: Settings, told: Told) -> None:
    network = network_of(told, settings)
    for reading in (network.ipv4, network.ipv6):
        if isinstance(reading, Unknown):
            assert reading.detail or reading.reason == NOT_READ_YET
        elif reading.source != CONFIGURED:
            assert kind_of(parse(reading.address)) in settings.publishable
    if isinstance(network.endpoint, str):
        reading = network.ipv6 if network.endpoint.startswith("[") else network.ipv4
        assert isinstance(reading, Public)
        assert reading.address in network.endpoint


@given(settings_of, told_of)
def test_without_a_way_out_there_is_no_address(settings: Settings, told: Told) -> None:
    network = network_of(told, settings)
    for family, reading in (("ipv4", network.ipv4), ("ipv6", network.ipv6)):
        lost = isinstance(told.interfaces, Interfaces) and told.interfaces.way(family) is None
        if lost and isinstance(reading, Public):
            assert reading.source == CONFIGURED


@given(settings_of, told_of, told_of, st.integers(0, 4000))
def test_the_same_again_changes_nothing(
    settings: Settings, first: Told, second: Told, later_s: int
) -> None:
    before = decide(settings, first, NOW - 1, Decision())
    once = decide(settings, second, NOW, before)
    assert decide(settings, second, NOW, once).network == once.network
    until = NOW + later_s if once.again_at is None else min(NOW + later_s, once.again_at - 0.001)
    if until > NOW:
        assert decide(settings, second, until, once).network == once.network


@given(settings_of, told_of, st.lists(times, max_size=5))
def test_time_alone_always_comes_to_rest(settings: Settings, told: Told, at: list[float]) -> None:
    decision = decide(settings, told, NOW, Decision())
    for _ in range(200):
        if decision.again_at is None:
            return
        decision = decide(settings, told, decision.again_at, decision)
    raise AssertionError("it never comes to rest")


def test_a_way_through_an_interface_that_is_not_there_is_none() -> None:
    eth0 = Interface(index=2, name="eth0", up=True, carrier=True, addresses=(address(PUBLIC),))
    told = Told(interfaces=Interfaces(all=(eth0,), ipv4_way=Way(7, None)))
    assert "no route" in detail(network_of(told).ipv4)
