"""The kernel's messages: against this machine's own kernel, and as bytes that it could send."""

from __future__ import annotations

import errno
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

from polarisd.net import netlink, rtnl
from polarisd.net.interfaces import Interfaces
from polarisd.net.kinds import parse

ROOT = Path(__file__).parents[2]


def message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


async def test_it_reads_the_interfaces_of_this_machine() -> None:
    interfaces = await netlink.read()
    assert isinstance(interfaces, Interfaces)
    assert {(i.index, i.name) for i in interfaces.all} == set(socket.if_nameindex())
    loopback = next(i for i in interfaces.all if i.name == "lo")
    if loopback.up:
        assert interfaces.holder_of(parse("127.0.0.1")) is not None


def test_an_answer_ends_with_done_or_an_error() -> None:
    assert rtnl.answer_in(message(3, 2, bytes(4))).ended
    cut = rtnl.answer_in(message(3, 2, struct.pack("=i", -errno.ENOMEM)))
    assert (cut.ended, cut.error) == (True, errno.ENOMEM)
    refused = rtnl.answer_in(message(2, 0, struct.pack("=i", -errno.EPERM) + bytes(16)))
    assert (refused.ended, refused.error) == (True, errno.EPERM)


def test_tables_that_changed_under_the_reader_are_known_by_it() -> None:
    torn = rtnl.answer_in(message(3, 0x12, bytes(4)))
    assert torn.torn
    assert not rtnl.answer_in(message(3, 0x02, bytes(4))).torn


def test_between_two_ends_the_own_address_is_the_local_one() -> None:
    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0x80, 0, 5)
    body += attribute(1, bytes([10, 0, 0, 1])) + attribute(2, bytes([5, 9, 1, 1]))
    answer = rtnl.answer_in(message(20, 2, body))
    links = rtnl.answer_in(message(16, 2, struct.pack("=BxHiII", 0, 512, 5, 0x10041, 0)))
    interfaces = rtnl.interfaces_in(links.messages, answer.messages, (), ())
    [interface] = interfaces.all
    assert (interface.name, interface.up, interface.carrier) == ("interface 5", True, True)
    assert [address.ip for address in interface.addresses] == [parse("5.9.1.1")]


def test_a_second_address_of_ipv4_is_not_temporary_but_one_of_ipv6_is() -> None:
    for family, size, temporary in ((socket.AF_INET, 4, False), (socket.AF_INET6, 16, True)):
        body = struct.pack("=BBBBI", family, 24, 0x01, 0, 5) + attribute(1, bytes(range(size)))
        links = rtnl.answer_in(message(16, 2, struct.pack("=BxHiII", 0, 1, 5, 1, 0))).messages
        found = rtnl.interfaces_in(links, rtnl.answer_in(message(20, 2, body)).messages, (), ())
        assert found.all[0].addresses[0].temporary is temporary


def test_a_route_that_leads_nowhere_is_no_way() -> None:
    for kind, leads in ((1, True), (6, False), (7, False), (2, False)):
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 254, 0, 0, kind, 0)
        body += attribute(4, struct.pack("=I", 3)) + attribute(7, bytes([5, 9, 1, 1]))
        answer = rtnl.answer_in(message(24, 0, body))
        way = rtnl.interfaces_in((), (), answer.messages, ()).ipv4_way
        assert (way is not None) is leads
        if way is not None:
            assert (way.interface, way.source) == (3, parse("5.9.1.1"))


def test_of_pyroute2_only_the_messages_are_loaded() -> None:
    """All of it would take four times the memory, and bring asyncio along."""
    script = (
        "import json, sys, polarisd.net.watch;"
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in ('pyroute2', 'asyncio')]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert "pyroute2.netlink.rtnl.ifaddrmsg" in loaded
    assert not loaded & {"asyncio", "pyroute2.iproute", "pyroute2.ndb", "pyroute2.netlink.core"}
