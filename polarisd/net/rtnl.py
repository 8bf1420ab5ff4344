"""The kernel's rtnetlink messages: questions to bytes, answers to `interfaces` values.

`netlink` sends and receives them.  The only importer of pyroute2, and of that only of
the message classes: no socket, loop or thread of its.
"""

# ruff: noqa: E402 - what imports pyroute2 follows what prepares it

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from socket import AF_INET, AF_INET6
from typing import Any, ClassVar

from polarisd.net.interfaces import Address, Interface, Interfaces, Way
from polarisd.net.kinds import IPV4, IPV6, parse


def _package_without_its_contents(name: str) -> None:
    """`pyroute2/__init__` imports all of the library, asyncio and multiprocessing with it,
    for 16 MB; its message classes alone take 4.  A package need not be run to be searched."""
    if name not in sys.modules and (spec := find_spec(name)) is not None:
        sys.modules[name] = module_from_spec(spec)


_package_without_its_contents("pyroute2")

from pyroute2.netlink import (
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
)
from pyroute2.netlink.marshal import Marshal
from pyroute2.netlink.rtnl import (
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETROUTE,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV4_ROUTE,
    RTMGRP_IPV4_RULE,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_IPV6_ROUTE,
    RTMGRP_IPV6_RULE,
    RTMGRP_LINK,
)
from pyroute2.netlink.rtnl.ifaddrmsg import (
    IFA_F_DADFAILED,
    IFA_F_DEPRECATED,
    IFA_F_TEMPORARY,
    IFA_F_TENTATIVE,
    ifaddrmsg,
)
from pyroute2.netlink.rtnl.ifinfmsg import IFF_LOWER_UP, IFF_UP, ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

# What may change an answer.
GROUPS = (
    RTMGRP_LINK
    | RTMGRP_IPV4_IFADDR
    | RTMGRP_IPV6_IFADDR
    | RTMGRP_IPV4_ROUTE
    | RTMGRP_IPV6_ROUTE
    | RTMGRP_IPV4_RULE
    | RTMGRP_IPV6_RULE
)
# The kernel is asked how it would send there, which heeds policy rules, VPNs and metrics as
# no reading of tables does; nothing is sent.  Root name servers: no host has a route of its
# own to them, as it may have to a resolver.
_FAR_AWAY = {IPV4: (AF_INET, 32, "198.41.0.4"), IPV6: (AF_INET6, 128, "2001:503:ba3e::2:30")}
_NUMBER = struct.Struct("=i")
_SKIP_STATISTICS = 8  # RTEXT_FILTER_SKIP_STATS
_UNICAST = 1  # RTN_UNICAST; others lead nowhere, or back to this machine
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}


class _Messages(Marshal):  # type: ignore[misc]  # pyroute2 comes without types
    msg_map: ClassVar = {RTM_NEWLINK: ifinfmsg, RTM_NEWADDR: ifaddrmsg, RTM_NEWROUTE: rtmsg}


@dataclass(frozen=True, slots=True)
class Question:
    """`data` goes to the kernel as it is; `many` is whether the answer ends with a DONE."""

    data: bytes
    many: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What one read brought.  `error` is an errno; `torn` means that the tables changed
    meanwhile and that the question is to be asked again."""

    messages: tuple[Any, ...]
    ended: bool
    error: int
    torn: bool


def _question(message: Any, kind: int, flags: int) -> Question:
    message["header"]["type"] = kind
    message["header"]["flags"] = NLM_F_REQUEST | flags
    message["header"]["sequence_number"] = 1
    message.encode()
    return Question(bytes(message.data), bool(flags & NLM_F_DUMP))


def links_question() -> Question:
    message = ifinfmsg()
    message["attrs"] = [("IFLA_EXT_MASK", _SKIP_STATISTICS)]
    return _question(message, RTM_GETLINK, NLM_F_DUMP)


def addresses_question() -> Question:
    return _question(ifaddrmsg(), RTM_GETADDR, NLM_F_DUMP)


def way_question(family: str) -> Question:
    message = rtmsg()
    message["family"], message["dst_len"], far_away = _FAR_AWAY[family]
    message["attrs"] = [("RTA_DST", far_away)]
    return _question(message, RTM_GETROUTE, 0)


def answer_in(data: bytes) -> Answer:
    """One datagram of the kernel's."""
    messages, ended, error, torn = [], False, 0, False
    for message in _Messages().parse(data):
        header = message["header"]
        torn = torn or bool(header["flags"] & NLM_F_DUMP_INTR)
        if header["type"] == NLMSG_ERROR:
            ended, error = True, abs(message["error"])
        elif header["type"] == NLMSG_DONE:
            # what ends a dump too early is in there
            ended, error = True, abs(_NUMBER.unpack_from(message.data, message.offset + 16)[0])
        else:
            messages.append(message)
    return Answer(tuple(messages), ended, error, torn)


def interfaces_in(
    links: Iterable[Any], addresses: Iterable[Any], ipv4: Iterable[Any], ipv6: Iterable[Any]
) -> Interfaces:
    """All interfaces, of the messages that answer the four questions."""
    held: dict[int, list[Address]] = {}
    for message in addresses:
        held.setdefault(message["index"], []).append(_address(message))
    return Interfaces(
        all=tuple(
            Interface(
                index=message["index"],
                name=message.get_attr("IFLA_IFNAME") or f"interface {message['index']}",
                up=bool(message["flags"] & IFF_UP),
                carrier=bool(message["flags"] & IFF_LOWER_UP),
                addresses=tuple(held.get(message["index"], ())),
            )
            for message in sorted(links, key=lambda message: int(message["index"]))
        ),
        ipv4_way=_way(ipv4),
        ipv6_way=_way(ipv6),
    )


def _address(message: Any) -> Address:
    # Between two ends IFA_ADDRESS is the other one's.
    ip = parse(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    return Address(
        ip=ip,
        prefix=message["prefixlen"],
        scope=_SCOPES.get(message["scope"], str(message["scope"])),
        # in IPv4 the same bit says that the address is a second one, as lasting as the first
        temporary=ip.version == 6 and bool(flags & IFA_F_TEMPORARY),
        deprecated=bool(flags & IFA_F_DEPRECATED),
        tentative=bool(flags & IFA_F_TENTATIVE),
        dad_failed=bool(flags & IFA_F_DADFAILED),
    )


def _way(messages: Iterable[Any]) -> Way | None:
    for message in messages:
        interface = message.get_attr("RTA_OIF")
        if message["type"] == _UNICAST and interface:
            source = message.get_attr("RTA_PREFSRC")
            return Way(interface, parse(source) if source else None)
    return None
