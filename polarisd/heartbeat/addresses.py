"""Endpoints and addresses as a heartbeat spells them: one way each, so that texts can be compared.

Pure; for both sides.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_MAX_CHARACTERS = 64


def read_address(text: str) -> Address | None:
    """None if it is not an address.  One of IPv4 in IPv6's clothes becomes plain."""
    if len(text) > _MAX_CHARACTERS or "%" in text:  # a scope means nothing elsewhere
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_endpoint(text: str) -> tuple[Address, int] | None:
    """None unless it is `1.2.3.4:8000` or `[2001:db8::1]:8000`, spelt as `endpoint` spells it."""
    host, _, port = text[:_MAX_CHARACTERS].rpartition(":")
    address = read_address(host.removeprefix("[").removesuffix("]"))
    if address is None or not port.isascii() or not port.isdigit():
        return None
    number = int(port)
    if not 0 < number < 65536 or endpoint(address, number) != text:
        return None
    return address, number


def owner_of(text: str) -> str:
    """Whom addresses are to be counted for: an IPv4 address; of IPv6 the /64, which is the least
    that anybody is given.  What is no address stands for itself."""
    address = read_address(text)
    if address is None or address.version == 4:
        return str(address or text)
    return str(ip_network((address, 64), strict=False))


def endpoint(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
