"""Behind a router that translates addresses: what others see decides, and only together."""

from __future__ import annotations

import time

import pytest
import trio

from polarisd.api.network import ECHO, INTERFACE, VALIDATORS
from polarisd.net.given import Settings
from tests.net.lab import Lab, Namespace, masquerade, needs_root
from tests.net.watching import Record, seen_from, serve_echo, source_of, watching

pytestmark = needs_root()

ALICE, BOB, CAROL, DAVE = "5Alice", "5Bob", "5Carol", "5Dave"


class Home:
    """A host with a private address, its router, and the Internet beyond."""

    def __init__(self, lab: Lab) -> None:
        self.host, self.router, self.internet = (lab.namespace() for _ in range(3))
        lab.cable(self.host, "eth0", self.router, "lan0")
        lab.cable(self.router, "wan0", self.internet, "port0")
        self.host.ip("addr add 192.168.1.2/24 dev eth0", "route add default via 192.168.1.1")
        self.router.ip(
            "addr add 192.168.1.1/24 dev lan0",
            "addr add 5.9.20.2/24 dev wan0",
            "route add default via 5.9.20.1",
        )
        self.internet.ip("addr add 5.9.20.1/24 dev port0", "addr add 5.9.30.1/32 dev lo")
        masquerade(self.router, "wan0")


@pytest.fixture
def home(lab: Lab) -> Home:
    return Home(lab)


async def look(internet: Namespace) -> str:
    """How a validator on the Internet sees the caller."""
    return await seen_from(internet, "5.9.30.1", 7000)


async def test_validators_see_the_router_and_one_of_them_is_not_enough(home: Home) -> None:
    async with watching(home.host) as (watch, record):
        await record.until_unknown("192.168.1.2", "no validators have said")
        watch.take_sighting(ALICE, await look(home.internet), time.time())
        await record.until_unknown("only 5Alice has spoken")
        watch.take_sighting(BOB, await look(home.internet), time.time())
        network = await record.until_endpoint("5.9.20.2:8000")
        assert source_of(network.ipv4) == VALIDATORS
        assert network.behind_nat is True
        assert {c.origin for c in network.candidates if c.source == VALIDATORS} == {ALICE, BOB}


async def test_a_lying_validator_moves_nothing(home: Home) -> None:
    async with watching(home.host) as (watch, record):
        for validator in (ALICE, BOB):
            watch.take_sighting(validator, await look(home.internet), time.time())
        await record.until_endpoint("5.9.20.2:8000")
        for lie in ("6.6.6.6", "10.0.0.1", "not an address", "::ffff:6.6.6.6", "2a01::6"):
            watch.take_sighting(CAROL, lie, time.time())
            watch.take_sighting(BOB, lie, time.time())
            watch.take_sighting(BOB, "5.9.20.2", time.time())
            assert record.newest.endpoint == "5.9.20.2:8000"


async def test_a_new_address_of_the_router_is_followed(home: Home) -> None:
    async with watching(home.host) as (watch, record):
        for validator in (ALICE, BOB, CAROL):
            watch.take_sighting(validator, await look(home.internet), time.time())
        await record.until_endpoint("5.9.20.2:8000")
        home.router.ip(
            "addr del 5.9.20.2/24 dev wan0",
            "addr add 5.9.20.99/24 dev wan0",
            "route add default via 5.9.20.1",
        )
        watch.take_sighting(ALICE, await look(home.internet), time.time())
        assert record.newest.endpoint == "5.9.20.2:8000"
        watch.take_sighting(BOB, await look(home.internet), time.time())
        assert record.newest.endpoint == "5.9.20.99:8000"


async def test_what_was_seen_before_a_move_is_forgotten(home: Home, lab: Lab) -> None:
    """From a public address to behind the router: what validators saw before is no evidence."""
    lab.cable(home.host, "eth1", home.internet, "port1")
    home.host.ip("addr add 5.9.10.2/24 dev eth1", "route replace default via 5.9.10.1")
    home.internet.ip("addr add 5.9.10.1/24 dev port1")
    async with watching(home.host) as (watch, record):
        await record.until_endpoint("5.9.10.2:8000")
        for validator in (ALICE, BOB):
            assert await look(home.internet) == "5.9.10.2"
            watch.take_sighting(validator, "5.9.10.2", time.time())
        home.host.ip("route replace default via 192.168.1.1")
        await record.until_unknown("192.168.1.2", "no validators have said")
        for validator in (ALICE, BOB):
            watch.take_sighting(validator, await look(home.internet), time.time())
        network = await record.until_endpoint("5.9.20.2:8000")
        assert network.behind_nat is True
        home.host.ip("route replace default via 5.9.10.1")
        network = await record.until_endpoint("5.9.10.2:8000")
        assert source_of(network.ipv4) == INTERFACE


async def test_an_address_that_the_provider_shares_is_named(home: Home) -> None:
    home.host.ip(
        "addr flush dev eth0",
        "addr add 100.64.7.2/24 dev eth0",
        "route add default via 100.64.7.1",
    )
    home.router.ip("addr add 100.64.7.1/24 dev lan0")
    async with watching(home.host) as (watch, record):
        await record.until_unknown("100.64.7.2", "CGNAT", "public IPv4 address, or use IPv6")
        for validator in (ALICE, BOB):
            watch.take_sighting(validator, await look(home.internet), time.time())
        network = await record.until_endpoint("5.9.20.2:8000")
        assert [c.kind for c in network.candidates if c.source == INTERFACE] == ["cgnat"]


async def test_echo_services_are_asked_where_nobody_else_knows(home: Home) -> None:
    settings = Settings(echo_services=("http://5.9.20.1:8081/", "http://5.9.30.1:8082/"))
    async with trio.open_nursery() as nursery:
        await serve_echo(home.internet, "5.9.20.1", 8081, nursery)
        await serve_echo(home.internet, "5.9.30.1", 8082, nursery)
        async with watching(home.host, settings) as (watch, record):
            network = await record.until_endpoint("5.9.20.2:8000")
            assert source_of(network.ipv4) == ECHO
            assert network.behind_nat is True
            for validator in (ALICE, BOB):
                watch.take_sighting(validator, await look(home.internet), time.time())
            network = await record.until(lambda n: source_of(n.ipv4) == VALIDATORS)
            assert network.endpoint == "5.9.20.2:8000"
        nursery.cancel_scope.cancel()


async def test_one_echo_service_is_not_enough(home: Home) -> None:
    settings = Settings(echo_services=("http://5.9.20.1:8081/", "http://5.9.30.1:8082/"))
    async with trio.open_nursery() as nursery:
        await serve_echo(home.internet, "5.9.20.1", 8081, nursery)
        async with watching(home.host, settings) as (_, record):
            await record.until_unknown(
                "of the echo services only 5.9.20.1 has spoken",
                "echo service 5.9.30.1 gave no address",
            )
        nursery.cancel_scope.cancel()


async def test_an_unplugged_router_and_host_forget_nothing_wrong(home: Home) -> None:
    async with watching(home.host) as (watch, record):
        for validator in (ALICE, BOB):
            watch.take_sighting(validator, await look(home.internet), time.time())
        await record.until_endpoint("5.9.20.2:8000")
        home.router.ip("link set lan0 down")
        await record.until_unknown("eth0", "no link")
        home.router.ip("link set lan0 up")
        await record.until_endpoint("5.9.20.2:8000")
        assert endpoints(record) == {"5.9.20.2:8000"}


def endpoints(record: Record) -> set[str]:
    return {n.endpoint for n in record.published if isinstance(n.endpoint, str)}
