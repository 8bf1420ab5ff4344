"""The machine's interfaces as the kernel tells of them, in frozen values.  Pure.

`rtnl` makes them of the kernel's messages, `public` decides by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from polarisd.net.kinds import IPV4, Ip, family_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of an interface.  The flags are the kernel's: `temporary` is a privacy
    address that changes daily, `tentative` one that is still checked for duplicates."""

    ip: Ip
    prefix: int
    scope: str
    temporary: bool = False
    deprecated: bool = False
    tentative: bool = False
    dad_failed: bool = False

    @property
    def lasting(self) -> bool:
        """Whether others may be told of it: it works now and is meant to stay."""
        passing = self.temporary or self.deprecated or self.tentative or self.dad_failed
        return not passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """`up` is whether its owner switched it on, `carrier` whether the link is there."""

    index: int
    name: str
    up: bool
    carrier: bool
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """The way out to the Internet in one family: through which interface, and from which
    address the kernel would send (None: it does not say)."""

    interface: int
    source: Ip | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interfaces:
    """All of them, by index; a way is None where the kernel knows no route."""

    all: tuple[Interface, ...] = field(default=())
    ipv4_way: Way | None = None
    ipv6_way: Way | None = None

    def way(self, family: str) -> Way | None:
        return self.ipv4_way if family == IPV4 else self.ipv6_way

    def by_index(self, index: int) -> Interface | None:
        return next((interface for interface in self.all if interface.index == index), None)

    def holder_of(self, ip: Ip) -> tuple[Interface, Address] | None:
        """The interface that has this address, and the address with its flags."""
        for interface in self.all:
            for address in interface.addresses:
                if address.ip == ip:
                    return interface, address
        return None

    def on_the_way(self, family: str) -> tuple[tuple[Interface, Address], ...]:
        """The addresses of a family from which this machine goes out: those of the interface
        on the way, and the one that the kernel sends from, which may be on another (such as a
        loopback that carries the machine's own address; but for want of any, it names ::1)."""
        way = self.way(family)
        if way is None:
            return ()
        return tuple(
            (interface, address)
            for interface in self.all
            for address in interface.addresses
            if family_of(address.ip) == family
            and (
                interface.index == way.interface
                or (address.ip == way.source and address.scope == "global")
            )
        )
