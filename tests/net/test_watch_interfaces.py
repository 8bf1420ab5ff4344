"""The kernel's own interfaces: what changes on them is published, and nothing is asked twice."""

from __future__ import annotations

import socket

import pytest
import trio

from polarisd.api.network import CONFIGURED, INTERFACE
from polarisd.api.reading import Unknown
from polarisd.net import rtnl
from polarisd.net.given import Settings
from polarisd.net.kinds import IPV6, ON_A_LOCAL_NETWORK
from tests.net.lab import Lab, Namespace, needs_root
from tests.net.watching import source_of, watching

pytestmark = needs_root()

CHANGES = ("add", "del")


def public_host(lab: Lab) -> tuple[Namespace, Namespace]:
    """A host with a public address, and the provider at the other end of its cable."""
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    host.ip("addr add 5.9.10.2/24 dev eth0", "route add default via 5.9.10.1")
    provider.ip("addr add 5.9.10.1/24 dev port0")
    return host, provider


async def test_an_address_that_changes_is_followed(lab: Lab) -> None:
    host, _ = public_host(lab)
    async with watching(host) as (_, record):
        network = await record.until_endpoint("5.9.10.2:8000")
        assert source_of(network.ipv4) == INTERFACE
        assert network.behind_nat is False
        host.ip(
            "addr add 5.9.10.77/24 dev eth0",
            "addr del 5.9.10.2/24 dev eth0",
            "addr replace 5.9.10.77/24 dev eth0",
            "route replace default via 5.9.10.1",
        )
        await record.until_endpoint("5.9.10.77:8000")
        host.ip("addr del 5.9.10.77/24 dev eth0")
        await record.until_unknown("no route to the Internet over IPv4")


async def test_a_second_address_changes_nothing(lab: Lab) -> None:
    host, _ = public_host(lab)
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        host.ip("addr add 5.9.10.3/24 dev eth0")
        network = await record.until(
            lambda network: any(c.address == "5.9.10.3" for c in network.candidates)
        )
        assert network.endpoint == "5.9.10.2:8000"


async def test_without_a_link_there_is_no_address_and_with_it_the_same_again(lab: Lab) -> None:
    host, provider = public_host(lab)
    async with watching(host) as (_, record):
        before = await record.until_endpoint("5.9.10.2:8000")
        provider.ip("link set port0 down")
        await record.until_unknown("eth0", "no link")
        provider.ip("link set port0 up")
        after = await record.until_endpoint("5.9.10.2:8000")
        assert source_of(after.ipv4) == source_of(before.ipv4)
        assert {n.endpoint for n in record.published if isinstance(n.endpoint, str)} == {
            "5.9.10.2:8000"
        }


async def test_an_interface_that_is_pulled_out_takes_its_address_along(lab: Lab) -> None:
    host, provider = public_host(lab)
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        provider.ip("link del port0")
        await record.until_unknown("no route to the Internet over IPv4")


async def test_the_address_follows_the_default_route(lab: Lab) -> None:
    host, provider = public_host(lab)
    lab.cable(host, "eth1", provider, "port1")
    host.ip("addr add 5.9.99.2/24 dev eth1")
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        host.ip("route replace default via 5.9.99.1 dev eth1")
        await record.until_endpoint("5.9.99.2:8000")


async def test_a_policy_rule_counts_as_the_kernel_counts_it(lab: Lab) -> None:
    host, provider = public_host(lab)
    lab.cable(host, "eth1", provider, "port1")
    host.ip("addr add 5.9.99.2/24 dev eth1", "route add default via 5.9.99.1 table 100")
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        host.ip("rule add from all lookup 100 priority 100")
        await record.until_endpoint("5.9.99.2:8000")


async def test_an_own_address_on_the_loopback_is_published_if_it_is_sent_from(lab: Lab) -> None:
    host, _ = public_host(lab)
    host.ip("addr add 7.7.7.7/32 dev lo")
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        host.ip("route replace default via 5.9.10.1 src 7.7.7.7")
        await record.until_endpoint("7.7.7.7:8000")


async def test_of_ipv6_only_lasting_addresses_are_published(lab: Lab) -> None:
    host, _ = public_host(lab)
    host.ip(
        "addr add 2a01:4f8::dead/64 dev eth0 preferred_lft 0",
        "route add ::/0 via 2a01:4f8::1 dev eth0 onlink",
    )
    async with watching(host, Settings(prefer=IPV6, hold_s=3600)) as (_, record):
        await record.until_unknown("2a01:4f8::dead", "deprecated", "IPv4 is published instead")
        host.ip("addr add 2a01:4f8::2/64 dev eth0")
        await record.until_endpoint("[2a01:4f8::2]:8000")
        assert source_of(record.newest.ipv4) == INTERFACE
        host.ip("addr change 2a01:4f8::2/64 dev eth0 preferred_lft 0")
        await record.until_unknown("deprecated")


async def test_an_address_is_not_published_before_the_kernel_is_sure_of_it(lab: Lab) -> None:
    host, provider = public_host(lab)
    host.set("net/ipv6/conf/eth0/accept_dad", 1)
    host.set("net/ipv6/conf/eth0/dad_transmits", 60)
    host.ip("route add ::/0 via 2a01:4f8::1 dev eth0 onlink", "addr add 2a01:4f8::2/64 dev eth0")
    async with watching(host, Settings(prefer=IPV6, hold_s=3600)) as (_, record):
        await record.until_unknown("still checking that nobody else has 2a01:4f8::2")
        # somebody else has the next one, which the kernel finds out
        provider.ip("addr add 2a01:4f8::3/64 dev port0")
        host.ip("addr del 2a01:4f8::2/64 dev eth0", "addr add 2a01:4f8::3/64 dev eth0")
        await record.until_unknown("2a01:4f8::3", "duplicate address detection failed")


async def test_a_privacy_address_is_not_published(lab: Lab) -> None:
    host, _ = public_host(lab)
    host.set("net/ipv6/conf/eth0/use_tempaddr", 2)
    host.ip(
        "addr add 2a01:4f8::2/64 dev eth0 mngtmpaddr valid_lft 7200 preferred_lft 7200",
        "route add ::/0 via 2a01:4f8::1 dev eth0 onlink",
    )
    async with watching(host, Settings(prefer=IPV6)) as (_, record):
        await record.until_endpoint("[2a01:4f8::2]:8000")
        interfaces = record.newest.candidates
        assert len([c for c in interfaces if c.address.startswith("2a01:4f8:")]) == 2


async def test_private_and_shared_addresses_are_named(lab: Lab) -> None:
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    host.ip("addr add 192.168.1.2/24 dev eth0", "route add default via 192.168.1.1")
    async with watching(host) as (_, record):
        network = await record.until_unknown(
            "192.168.1.2 on eth0 is a private address", "forward the ports", "no validators"
        )
        assert network.behind_nat is True
        host.ip(
            "addr flush dev eth0",
            "addr add 100.72.3.4/10 dev eth0",
            "route add default via 100.64.0.1",
        )
        await record.until_unknown("100.72.3.4", "CGNAT", "ask your provider")


async def test_where_private_addresses_will_do_they_are_published(lab: Lab) -> None:
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    host.ip("addr add 10.1.2.3/24 dev eth0", "route add default via 10.1.2.1")
    settings = Settings(publishable=ON_A_LOCAL_NETWORK, port=9000)
    async with watching(host, settings) as (_, record):
        await record.until_endpoint("10.1.2.3:9000")


async def test_the_owners_word_overrides_all_and_counts_at_once(lab: Lab) -> None:
    host, _ = public_host(lab)
    async with watching(host) as (watch, record):
        await record.until_endpoint("5.9.10.2:8000")
        watch.settings = Settings(public_address="10.9.9.9", port=8001)
        assert record.newest.endpoint == "10.9.9.9:8001"
        assert source_of(record.newest.ipv4) == CONFIGURED
        assert any(c.kind == "private" for c in record.newest.candidates if c.source == CONFIGURED)
        watch.settings = Settings(port=8001)
        assert record.newest.endpoint == "5.9.10.2:8001"


async def test_nothing_is_read_while_nothing_changes(lab: Lab) -> None:
    host, _ = public_host(lab)
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        await trio.sleep(0.5)  # notices of the set-up may still be on their way
        reads, published = record.reads, len(record.published)
        await trio.sleep(1.5)
        assert (record.reads, len(record.published)) == (reads, published)
        host.ip("addr add 5.9.10.3/24 dev eth0")
        await record.until(lambda network: len(network.candidates) == 2)
        assert record.reads == reads + 1


async def test_a_storm_of_changes_ends_with_the_truth(lab: Lab) -> None:
    """More notices than the socket holds, so that the kernel drops some (ENOBUFS)."""
    host, _ = public_host(lab)
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        reads = record.reads
        bystander = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        bystander.bind((0, rtnl.GROUPS))
        for _ in range(3):
            host.ip(
                *(f"addr add 5.9.{i}.9/32 dev eth0" for i in range(100, 250)),
                *(f"addr del 5.9.{i}.9/32 dev eth0" for i in range(100, 250)),
            )
        host.ip(
            "addr add 5.9.10.44/24 dev eth0",
            "addr del 5.9.10.2/24 dev eth0",
            "addr replace 5.9.10.44/24 dev eth0",
            "route replace default via 5.9.10.1",
        )
        with bystander, pytest.raises(OSError, match="No buffer space"):
            bystander.recv(1)
        network = await record.until_endpoint("5.9.10.44:8000")
        assert [c.address for c in network.candidates] == ["5.9.10.44"]
        assert record.reads - reads < 20
        assert not isinstance(network.ipv4, Unknown)


async def test_a_long_storm_is_looked_at_now_and_then(lab: Lab) -> None:
    host, _ = public_host(lab)
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        reads = record.reads
        storm = [f"addr {change} 5.9.{n}.9/32 dev eth0" for n in range(250) for change in CHANGES]
        blowing = host.start_ip(*storm * 4, "addr add 5.9.10.3/24 dev eth0")
        await record.until(lambda n: any(c.address == "5.9.10.3" for c in n.candidates))
        blowing.wait()
        assert record.reads - reads < 20
