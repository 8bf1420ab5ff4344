"""Why there is no public address, in words that an owner can act on.  Pure; for `public`."""

from __future__ import annotations

from collections.abc import Iterable

from polarisd.net.evidence import Agreement, Disagreement, Nobody, TooFew
from polarisd.net.interfaces import Address, Interface
from polarisd.net.kinds import CATALOGUE, GLOBAL, IPV6, LINK_LOCAL, kind_of

_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}
# Sources that are named one by one; of more, the first few stand for all.
_NAMED = 3
_HOTKEY_LENGTH = 48


def name_of(family: str) -> str:
    return _NAMES[family]


def no_way(family: str) -> str:
    return f"this machine has no route to the Internet over {name_of(family)}"


def no_carrier(interface: Interface) -> str:
    if not interface.up:
        return f"{interface.name}, which leads to the Internet, is switched off"
    return f"{interface.name}, which leads to the Internet, has no link: check cable and switch"


def not_yet(interface: Interface, address: Address) -> str:
    return f"{interface.name} is still checking that nobody else has {address.ip}"


def unusable(held: Iterable[tuple[Interface, Address]], family: str) -> tuple[str, str]:
    """Of the addresses on the way out, none of which can be published: what they are, and
    what to do."""
    for interface, address in held:
        kind = CATALOGUE[kind_of(address.ip)]
        if kind.name == LINK_LOCAL and family == IPV6:
            continue  # every interface has one
        flaw = _flaw(address)
        if kind.name != GLOBAL or flaw:
            text = f"{address.ip} on {interface.name} is {flaw or kind.text}"
            return text, _remedy(address, flaw, kind.remedy)
    return f"the way out has no {name_of(family)} address", ""


def _flaw(address: Address) -> str:
    if address.dad_failed:
        return "in use by another machine too (duplicate address detection failed)"
    if kind_of(address.ip) != GLOBAL:
        return ""
    if address.temporary:
        return "a temporary address (privacy extensions), which changes daily"
    if address.deprecated:
        return "deprecated: its prefix is being withdrawn"
    return ""


def _remedy(address: Address, flaw: str, remedy: str) -> str:
    if address.dad_failed:
        return "find the other machine, or set another address"
    if flaw:
        return "set a lasting address by hand, or let SLAAC or DHCPv6 make one"
    return remedy


def not_the_worlds(configured: str, kind: str) -> str:
    return f"network.public_address is {configured}, {CATALOGUE[kind].text}: no router is meant"


def not_agreed(agreement: Agreement, who: str) -> str:
    """`who` are "validators" or "echo services"; nothing if they agree."""
    if isinstance(agreement, Nobody):
        return f"no {who} have said lately from where they see this machine"
    if isinstance(agreement, Disagreement):
        said = ", ".join(f"{_some(origins)} says {ip}" for ip, origins in agreement.said[:_NAMED])
        return f"the {who} disagree: {said}"
    if isinstance(agreement, TooFew):
        said = f"of the {who} only {_some(agreement.origins)} has spoken, for {agreement.ip}"
        if agreement.until_at is not None:
            return f"{said}; it is believed if no other speaks for a minute"
        return f"{said}, and {agreement.needed} must agree"
    return ""


def _some(origins: tuple[str, ...]) -> str:
    shown = ", ".join(_short(origin) for origin in origins[:_NAMED])
    more = len(origins) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _short(origin: str) -> str:
    """A hotkey is known by its ends; a host is shown whole."""
    return f"{origin[:6]}…{origin[-4:]}" if len(origin) == _HOTKEY_LENGTH else origin
