"""Whether the Internet has an address for this machine.  Pure; made by `gather.addresses`.

From the daemon where it knows one; else by what kind of addresses the interfaces have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from polarisctl import values
from polarisctl.doctor.config import Settings
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, unknown, warning
from polarisd.api.reading import READ_ERROR, Reading, Unknown

_CGNAT = ip_network("100.64.0.0/10")
# What containers and virtual machines on this host are joined by leads nowhere else.
_BRIDGES = ("docker", "br-", "virbr", "veth", "podman", "cni", "lxc", "tailscale", "wg")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Own:
    """An address of an interface, loopback and link-local ones left out."""

    interface: str
    address: str


def parse_addresses(text: str) -> Reading[tuple[Own, ...]]:
    """The output of `ip -json address`."""
    try:
        links = json.loads(text)
    except (ValueError, RecursionError):
        return Unknown(READ_ERROR, "ip -json address printed something else")
    found = []
    for link in links if isinstance(links, list) else ():
        name = str(link.get("ifname", "")) if isinstance(link, dict) else ""
        for info in values.maps(link, "addr_info"):
            address = _address(values.text(info, "local") or "")
            if address and not (address.is_loopback or address.is_link_local):
                found.append(Own(name, str(address)))
    return tuple(found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def public_address(
    own: Reading[tuple[Own, ...] | None], settings: Settings, daemon: Daemon
) -> Finding:
    needed = "an address that the Internet can reach"
    configured = settings.text("network", "public_address")
    set_one = _address(configured)
    if configured and (set_one is None or not set_one.is_global):
        return warning(
            f"network.public_address is {configured}, which is not public",
            needed,
            "Correct it in the configuration, or leave it empty to have it found out.",
        )
    if configured:
        return ok(f"{configured}, as configured")
    if known := _known_to(daemon):
        return ok(known)
    if own is None:
        return unknown(
            "ip is not installed to list them",
            needed,
            "Install it:",
            "sudo apt-get install iproute2",
        )
    if isinstance(own, Unknown):
        return cannot_tell("the addresses of the interfaces", own, needed)
    return _by_interfaces(own, settings, needed)


def _known_to(daemon: Daemon) -> str:
    """What the running daemon has found out, empty if it has not."""
    found = [
        f"{address} ({values.text(daemon.snapshot, 'network', family, 'source')})"
        for family in ("ipv4", "ipv6")
        if (address := values.text(daemon.snapshot, "network", family, "address"))
    ]
    return ", ".join(found)


def _by_interfaces(own: tuple[Own, ...], settings: Settings, needed: str) -> Finding:
    outward = [each for each in own if not each.interface.startswith(_BRIDGES)]
    public = [each for each in outward if ip_address(each.address).is_global]
    shown = ", ".join(
        f"{each.address} on {each.interface}" for each in (public or outward)[:_SHOWN]
    )
    if public:
        return ok(shown)
    if not outward:
        return failure("no interface has an address", needed, "See:", "ip address")
    if all(_is_shared(each.address) for each in outward):
        return failure(
            f"{shown}: an address that the provider shares among customers (CGNAT)",
            needed,
            "Ask the provider for a public IPv4 address of your own, or for IPv6.",
        )
    span = f"{settings.ssh_ports[0]}-{settings.ssh_ports[-1]}" if settings.ssh_ports else ""
    ports = " and ".join(filter(None, (str(settings.api_port), span)))
    return warning(
        f"none is public: {shown}",
        needed,
        f"It is behind a router: have that forward TCP {ports} to this machine. If polarisd does"
        " not find out the router's address, set network.public_address in the configuration.",
    )


def _is_shared(text: str) -> bool:
    address = ip_address(text)
    return address.version == 4 and address in _CGNAT
