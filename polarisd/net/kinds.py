"""What kind of address an IP address is, and what its owner can do about that kind.  Pure.

`public` and `interfaces` name every address by it; only a global one can be published.
The blocks are those of IANA's special-purpose registries, RFC 6890 and its successors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Union

Ip = Union[IPv4Address, IPv6Address]

GLOBAL = "global"
PRIVATE = "private"
CGNAT = "cgnat"
LOOPBACK = "loopback"
LINK_LOCAL = "link_local"
UNIQUE_LOCAL = "unique_local"
DOCUMENTATION = "documentation"
BENCHMARKING = "benchmarking"
MULTICAST = "multicast"
UNSPECIFIED = "unspecified"
TRANSITION = "transition"
RESERVED = "reserved"

# What can be published: to anybody, and where all who ask are on the owner's own network.
ON_THE_INTERNET = frozenset({GLOBAL})
ON_A_LOCAL_NETWORK = frozenset({GLOBAL, PRIVATE, CGNAT, UNIQUE_LOCAL})

IPV4 = "ipv4"
IPV6 = "ipv6"
FAMILIES = (IPV4, IPV6)


@dataclass(frozen=True, slots=True)
class Kind:
    """`text` completes "1.2.3.4 is …"; `remedy` is empty where nothing needs doing."""

    name: str
    text: str
    remedy: str


_GET_A_PUBLIC_ONE = "use an address that the Internet routes to this machine"
_ONLY_A_FACT = ""

CATALOGUE = {
    kind.name: kind
    for kind in (
        Kind(GLOBAL, "a public address", _ONLY_A_FACT),
        Kind(
            PRIVATE,
            "a private address, known only inside your own network",
            "forward the ports of Polaris on your router to this machine; if the router has "
            "several public addresses, set network.public_address",
        ),
        Kind(
            CGNAT,
            "an address that your provider shares among customers (CGNAT)",
            "ask your provider for a public IPv4 address, or use IPv6: "
            "nobody can reach this machine through a shared one",
        ),
        Kind(LOOPBACK, "a loopback address: this machine itself", _GET_A_PUBLIC_ONE),
        Kind(
            LINK_LOCAL,
            "a link-local address: no DHCP server or router gave this machine a better one",
            "check the cable and the DHCP server, or set an address by hand",
        ),
        Kind(
            UNIQUE_LOCAL,
            "a unique local address: private IPv6",
            "ask your provider for global IPv6 addresses, or use IPv4",
        ),
        Kind(DOCUMENTATION, "from a block that is reserved for examples", _GET_A_PUBLIC_ONE),
        Kind(BENCHMARKING, "from the block for testing network devices", _GET_A_PUBLIC_ONE),
        Kind(MULTICAST, "a multicast address: a group, no machine", _GET_A_PUBLIC_ONE),
        Kind(UNSPECIFIED, "no address at all", _GET_A_PUBLIC_ONE),
        Kind(
            TRANSITION,
            "from a tunnel between IPv4 and IPv6 (6to4, Teredo, NAT64)",
            "use native IPv6, or IPv4: such tunnels are unreliable from outside",
        ),
        Kind(RESERVED, "from a block that nobody may use", _GET_A_PUBLIC_ONE),
    )
}

# The longest that matches counts; what none matches is global in IPv4, reserved in IPv6.
_IPV4: dict[IPv4Network, str] = {
    IPv4Network(block): kind
    for block, kind in {
        "0.0.0.0/8": RESERVED,
        "0.0.0.0/32": UNSPECIFIED,
        "10.0.0.0/8": PRIVATE,
        "100.64.0.0/10": CGNAT,
        "127.0.0.0/8": LOOPBACK,
        "169.254.0.0/16": LINK_LOCAL,
        "172.16.0.0/12": PRIVATE,
        "192.0.0.0/24": RESERVED,
        "192.0.2.0/24": DOCUMENTATION,
        "192.88.99.0/24": RESERVED,
        "192.168.0.0/16": PRIVATE,
        "198.18.0.0/15": BENCHMARKING,
        "198.51.100.0/24": DOCUMENTATION,
        "203.0.113.0/24": DOCUMENTATION,
        "224.0.0.0/4": MULTICAST,
        "240.0.0.0/4": RESERVED,
    }.items()
}
_IPV6: dict[IPv6Network, str] = {
    IPv6Network(block): kind
    for block, kind in {
        "::/128": UNSPECIFIED,
        "::1/128": LOOPBACK,
        "64:ff9b::/96": TRANSITION,
        "64:ff9b:1::/48": TRANSITION,
        "2000::/3": GLOBAL,
        "2001::/23": RESERVED,
        "2001::/32": TRANSITION,
        "2001:2::/48": BENCHMARKING,
        "2001:db8::/32": DOCUMENTATION,
        "2002::/16": TRANSITION,
        "3fff::/20": DOCUMENTATION,
        "fc00::/7": UNIQUE_LOCAL,
        "fe80::/10": LINK_LOCAL,
        "ff00::/8": MULTICAST,
    }.items()
}


def parse(text: str) -> Ip:
    """ValueError if `text` is no IP address.  An IPv4 address inside IPv6 comes out as IPv4."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        raise ValueError(f"{text!r} holds for one interface only")
    return address.ipv4_mapped or address


def family_of(address: Ip) -> str:
    return IPV4 if isinstance(address, IPv4Address) else IPV6


@lru_cache(maxsize=1024)  # it is asked of the same few on every word of a validator's
def kind_of(address: Ip) -> str:
    """The name of the kind, a key of CATALOGUE."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return max(
            ((n.prefixlen, kind) for n, kind in _IPV4.items() if address in n),
            default=(0, GLOBAL),
        )[1]
    return max(
        ((n.prefixlen, kind) for n, kind in _IPV6.items() if address in n),
        default=(0, RESERVED),
    )[1]


def described(address: Ip) -> str:
    """For humans: "10.0.0.5 is a private address, …"."""
    return f"{address} is {CATALOGUE[kind_of(address)].text}"
