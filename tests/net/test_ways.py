"""How the kernel says that there is no way out, in each of its ways."""

from __future__ import annotations

import pytest

from polarisd.net import netlink
from polarisd.net.interfaces import Interfaces
from tests.net.lab import Lab, Namespace, needs_root

pytestmark = needs_root()


async def read(namespace: Namespace) -> Interfaces:
    with namespace:
        interfaces = await netlink.read()
    assert isinstance(interfaces, Interfaces)
    return interfaces


async def test_a_machine_with_nothing_but_itself(lab: Lab) -> None:
    interfaces = await read(lab.namespace())
    assert [interface.name for interface in interfaces.all] == ["lo"]
    assert interfaces.ipv4_way is None
    assert interfaces.ipv6_way is None


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit", "throw"])
@pytest.mark.parametrize("everywhere", ["0.0.0.0/0", "::/0"])
async def test_a_route_that_leads_nowhere(lab: Lab, kind: str, everywhere: str) -> None:
    host = lab.namespace()
    host.ip(f"route add {kind} {everywhere}")
    interfaces = await read(host)
    assert interfaces.ipv4_way is None
    assert interfaces.ipv6_way is None


async def test_a_machine_without_ipv6(lab: Lab) -> None:
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    host.set("net/ipv6/conf/all/disable_ipv6", 1)
    host.ip("addr add 5.9.10.2/24 dev eth0", "route add default via 5.9.10.1")
    interfaces = await read(host)
    assert interfaces.ipv4_way is not None
    assert str(interfaces.ipv4_way.source) == "5.9.10.2"
    assert interfaces.ipv6_way is None


async def test_two_halves_of_the_internet_are_a_way_too(lab: Lab) -> None:
    """As VPNs route it, to leave the default route as it is."""
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    lab.cable(host, "wg0", provider, "port1")
    host.ip(
        "addr add 192.168.1.2/24 dev eth0",
        "addr add 10.8.0.2/24 dev wg0",
        "route add default via 192.168.1.1",
        "route add 0.0.0.0/1 via 10.8.0.1",
        "route add 128.0.0.0/1 via 10.8.0.1",
    )
    interfaces = await read(host)
    assert interfaces.ipv4_way is not None
    way = interfaces.by_index(interfaces.ipv4_way.interface)
    assert way is not None
    assert way.name == "wg0"


async def test_hundreds_of_interfaces_are_read_whole(lab: Lab) -> None:
    """More than one datagram of the kernel's holds."""
    host = lab.namespace()
    host.ip(*(f"link add veth{n} type veth peer name peer{n}" for n in range(60)))
    host.ip(*(f"addr add 10.{n // 250}.{n % 250}.1/32 dev lo" for n in range(1000)))
    interfaces = await read(host)
    assert len(interfaces.all) == 121
    assert len(interfaces.all[0].addresses) == 1002
