"""Kinds of addresses, held against the standard library's copy of IANA's registries."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.net import kinds
from polarisd.net.kinds import CATALOGUE, GLOBAL, described, family_of, kind_of, parse
from tests.unit.net_support import ips


@st.composite
def near_blocks(draw: st.DrawFn) -> IPv4Address | IPv6Address:
    """Where a block begins or ends, and one beside it."""
    networks: list[IPv4Network | IPv6Network] = [*kinds._IPV4, *kinds._IPV6]
    network = draw(st.sampled_from(networks))
    edge = int(draw(st.sampled_from([network[0], network[-1]]))) + draw(st.integers(-1, 1))
    most = 2**network.max_prefixlen - 1
    return type(network[0])(min(max(edge, 0), most))


@given(ips | near_blocks())
def test_every_address_has_a_kind_and_a_sentence(ip: IPv4Address | IPv6Address) -> None:
    assert kind_of(ip) in CATALOGUE
    assert described(ip).startswith(f"{ip} is ")


@given(ips | near_blocks())
def test_what_the_registry_keeps_from_the_internet_is_not_global(
    ip: IPv4Address | IPv6Address,
) -> None:
    if kind_of(ip) == GLOBAL:
        assert ip.is_global
        assert not (ip.is_multicast or ip.is_loopback or ip.is_link_local or ip.is_unspecified)


# Global to the registry, but nobody is to be published there; older Pythons do not know of
# all of them.
NOT_FOR_US = [
    IPv6Network(block)
    for block in ("64:ff9b::/96", "2001::/23", "2002::/16", "3fff::/20", "2001:db8::/32")
]


@given(ips | near_blocks())
def test_what_the_registry_calls_global_is_so_but_for_a_few(ip: IPv4Address | IPv6Address) -> None:
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return
    if isinstance(ip, IPv4Address):
        kept = int(ip) >> 8 in (int(ip_address(b)) >> 8 for b in ("192.88.99.0", "192.0.0.0"))
    else:
        kept = ip not in IPv6Network("2000::/3") or any(ip in block for block in NOT_FOR_US)
    assert kept or kind_of(ip) == GLOBAL


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("8.8.8.8", "global"),
        ("2a01:4f8::1", "global"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.32.0.1", "global"),
        ("192.168.255.255", "private"),
        ("100.64.0.0", "cgnat"),
        ("100.127.255.255", "cgnat"),
        ("100.128.0.0", "global"),
        ("127.0.0.53", "loopback"),
        ("::1", "loopback"),
        ("169.254.1.1", "link_local"),
        ("fe80::1", "link_local"),
        ("fd12::1", "unique_local"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("2001:db8::1", "documentation"),
        ("3fff:fff::1", "documentation"),
        ("198.19.255.255", "benchmarking"),
        ("2001:2::1", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("2002:808:808::1", "transition"),
        ("2001::1", "transition"),
        ("64:ff9b::808:808", "transition"),
        ("0.1.2.3", "reserved"),
        ("255.255.255.255", "reserved"),
        ("4000::1", "reserved"),
        ("::ffff:10.0.0.1", "private"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert kind_of(parse(text)) == kind
    assert kind_of(ip_address(text)) == kind


@given(st.builds(IPv4Address, st.integers(0, 2**32 - 1)))
def test_ipv4_inside_ipv6_is_ipv4(ip: IPv4Address) -> None:
    mapped = f"::ffff:{ip}"
    assert parse(mapped) == ip
    assert family_of(parse(mapped)) == "ipv4"


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "1.2.3.4:80", "fe80::1%eth0", "[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_whoever_must_act_is_told_what_to_do() -> None:
    for kind in CATALOGUE.values():
        assert (kind.remedy == "") == (kind.name == GLOBAL)
