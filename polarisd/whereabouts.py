"""Addresses and URLs as an operator writes them: what they mean, or that they mean nothing.

Pure.  `sections` checks the file by it, and the rooms that use what passed read it by the same
functions, so that nothing can pass here and fail there.  Imports the standard library only.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Union

Ip = Union[IPv4Address, IPv6Address]

_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z._-]+))"
    r"(:(?P<port>[0-9]{1,5}))?(/[!-~]*)?"
)
_LABEL = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?")
# The last label of an IPv4 address, in any notation that some program takes for one.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_NAME = 253
_FOREIGN = "xn--"


def read_ip(text: str) -> Ip | None:
    """None if it is no IP address, or one that holds for one interface only.  An IPv4 address
    inside IPv6 comes out as IPv4."""
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    if isinstance(ip, IPv4Address):
        return ip
    return None if ip.scope_id is not None else ip.ipv4_mapped or ip


def machine_address(text: str) -> Ip | None:
    """An IP address that some machine may have; None for all else."""
    ip = read_ip(text)
    return None if ip is None or ip.is_unspecified or ip.is_multicast else ip


def host_in(url: str, *schemes: str) -> str | None:
    """The host of a URL in its one usual spelling, so that hosts can be compared; None if that is
    no URL of these schemes, as `scheme://HOST[:PORT][/PATH]`."""
    parts = _URL.fullmatch(url)
    if parts is None or parts["scheme"] not in schemes:
        return None
    if parts["port"] is not None and not 0 < int(parts["port"]) < 65536:
        return None
    if parts["ipv6"] is not None:
        ip = read_ip(parts["ipv6"]) if ":" in parts["ipv6"] else None
        return None if ip is None else str(ip)
    name = parts["name"].lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return None if (ip := read_ip(name)) is None else str(ip)
    fit = len(name) <= _MAX_NAME and all(map(_is_label, labels))
    return name if fit else None


def _is_label(label: str) -> bool:
    if _LABEL.fullmatch(label) is None:
        return False
    if not label.startswith(_FOREIGN):
        return True
    try:  # what it stands for has to be something, and to be spelt like this
        return bool(label.encode("ascii").decode("idna"))
    except UnicodeError:
        return False
