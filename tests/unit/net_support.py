"""Machines, witnesses and settings for the tests of `polarisd.net`."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from polarisd.net.evidence import Witness
from polarisd.net.interfaces import Address, Interface, Interfaces, Way
from polarisd.net.kinds import parse

NOW = 1_000_000.0
PUBLIC, OTHER, PRIVATE, SHARED = "5.9.10.2", "5.9.20.2", "192.168.1.2", "100.64.7.2"
PUBLIC6, UNIQUE6 = "2a01:4f8::2", "fd00::2"


@dataclass(frozen=True)
class NoBody:
    """Why a request got no answer, as an HTTP client says it."""

    text: str


def address(ip: str, **flags: bool) -> Address:
    return Address(ip=parse(ip), prefix=24, scope="global", **flags)


def machine(
    *held: Address | str, source: str = "", up: bool = True, carrier: bool = True
) -> Interfaces:
    """One interface, eth0, that carries the default route of each family that it has."""
    addresses = tuple(address(a) if isinstance(a, str) else a for a in held)
    way = Way(2, parse(source) if source else None)
    versions = {a.ip.version for a in addresses}
    return Interfaces(
        all=(Interface(index=2, name="eth0", up=up, carrier=carrier, addresses=addresses),),
        ipv4_way=way if 4 in versions else None,
        ipv6_way=Way(2, None) if 6 in versions else None,
    )


def witness(origin: str, ip: str, at: float = NOW, since_at: float | None = None) -> Witness:
    return Witness(
        origin=origin, ip=parse(ip), at=at, since_at=at if since_at is None else since_at
    )


ips = st.one_of(
    st.sampled_from([PUBLIC, OTHER, PRIVATE, SHARED, PUBLIC6, UNIQUE6]).map(parse),
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)),
    st.builds(IPv6Address, st.integers(0, 2**128 - 1)).map(lambda ip: ip.ipv4_mapped or ip),
)
times = st.integers(-4000, 100).map(lambda s: NOW + s)
witnesses = st.lists(
    st.builds(
        lambda origin, ip, at, before: Witness(origin=origin, ip=ip, at=at, since_at=at - before),
        st.sampled_from(["alice", "bob", "carol", "dave"]),
        ips,
        times,
        st.integers(0, 500),
    ),
    max_size=6,
    unique_by=lambda w: (w.origin, w.ip.version),
).map(tuple)
addresses = st.builds(
    Address,
    ip=ips,
    prefix=st.just(24),
    scope=st.sampled_from(["global", "link", "host"]),
    temporary=st.booleans(),
    deprecated=st.booleans(),
    tentative=st.booleans(),
    dad_failed=st.booleans(),
)
ways = st.none() | st.builds(Way, st.integers(1, 3), st.none() | ips)
interfaces = st.builds(
    lambda held, v4, v6: Interfaces(all=tuple(held), ipv4_way=v4, ipv6_way=v6),
    st.lists(
        st.builds(
            lambda index, up, carrier, held: Interface(
                index=index, name=f"eth{index}", up=up, carrier=carrier, addresses=tuple(held)
            ),
            st.integers(1, 3),
            st.sampled_from([True, True, False]),
            st.sampled_from([True, True, False]),
            st.lists(addresses, max_size=4),
        ),
        max_size=3,
        unique_by=lambda interface: interface.index,
    ),
    ways,
    ways,
)
