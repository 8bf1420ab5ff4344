"""What the check of the config lets pass is what the daemon can use."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polarisd.checking import CheckFailed
from polarisd.config import Config, parse
from polarisd.net.echo import host_of
from polarisd.net.given import Settings
from polarisd.netparts import address_settings, is_lab
from polarisd.sections import Chain, Network, Node
from polarisd.whereabouts import host_in, machine_address, read_ip

WEB = ("http", "https")
# What no connection could ever be opened to.
NO_HOSTS = (
    "[:::]",
    "[1:2]",
    "[1::2::3]",
    "[.]",
    "[1.2.3.4]",
    "a..b",
    ".",
    ".a",
    "-",
    "-a",
    "a-",
    "xn--",
    "xn--a",
    "999.1.1.1",
    "1.2.3.4.5",
    "127.1",
    "0",
    "0x7f000001",
    "a" * 64,
    ".".join(["a" * 60] * 5),
    "a:0",
    "a:65536",
    "a:99999",
    "u@a",
    "",
)
HOSTS = {
    "a.example": "a.example",
    "A.Example.": "a.example",
    "node_1:9944": "node_1",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "5.9.10.2:80": "5.9.10.2",
    "[2A01:4f8:0::2]:1": "2a01:4f8::2",
    "[::ffff:5.9.10.2]": "5.9.10.2",
    "4chan.example": "4chan.example",
}


def problems_of(text: str) -> list[str]:
    try:
        parse(text)
    except CheckFailed as failed:
        return [problem.path for problem in failed.problems]
    return []


def network(**keys: object) -> str:
    return "[network]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items())


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_cannot_be_a_url_is_refused_by_the_check(host: str) -> None:
    web, node = f"http://{host}/", f"ws://{host}"
    assert host_in(web, *WEB) is None
    told = problems_of(network(echo_services=[web, "http://two.example/"]))
    assert [path.split("[")[0] for path in told] == ["network.echo_services"]
    assert problems_of(f'[chain]\nnetuid = 1\nnetwork = "{node}"') == ["chain.network"]
    told = problems_of(f'[chain]\nfallback_endpoints = ["{node}"]')
    assert [path.split("[")[0] for path in told] == ["chain.fallback_endpoints"]


@pytest.mark.parametrize(("host", "plain"), HOSTS.items())
def test_a_host_has_one_spelling(host: str, plain: str) -> None:
    assert host_in(f"http://{host}/ip", *WEB) == plain
    assert problems_of(network(echo_services=[f"http://{host}", "http://two.example/"])) == []
    assert problems_of(f'[chain]\nnetuid = 1\nnetwork = "ws://{host}"') == []


def test_two_services_on_one_host_are_refused() -> None:
    both = ["http://a.example/", "http://b.example/", "https://A.example.:8443/ip"]
    with pytest.raises(CheckFailed, match=r"echo_services\[2\]: is on a.example, as echo_s"):
        parse(network(echo_services=both))
    mapped = ["http://5.9.10.2/", "http://[::ffff:5.9.10.2]/"]
    assert problems_of(network(echo_services=mapped)) == ["network.echo_services[1]"]


hosts = st.text("0123456789abcdefx.:[]-_%@", max_size=30)
urls = st.builds(
    "{}://{}{}".format, st.sampled_from(["http", "https", "ws", "ftp"]), hosts, st.text(max_size=9)
)


@given(st.text() | urls | hosts.map("http://{}/".format))
@example("http://[:::]/")
@example("http://[1::2::3]/")
def test_no_url_makes_it_raise(url: str) -> None:
    host = host_in(url, *WEB)
    assert host_of(url) == (host or url)
    config = Config(node=Node(mode="bittensor"), chain=Chain(network=f"ws://{url}"))
    assert is_lab(config) in (True, False)
    if host is not None:
        assert urlsplit(url).hostname is not None
        _ = urlsplit(url).port
        assert host_in(f"http://[{host}]/" if ":" in host else f"http://{host}/", *WEB) == host


addresses = st.one_of(
    st.ip_addresses(),
    st.builds(IPv4Address, st.sampled_from([0, 0xE0000001, 0xFFFFFFFF, 0x05090A02])),
    st.builds(lambda v4: IPv6Address((0xFFFF << 32) | int(v4)), st.ip_addresses(v=4)),
).map(str)


@given(addresses | st.text("0123456789abcdef.:%", max_size=20))
@example("::ffff:0.0.0.0")
@example("::ffff:224.0.0.1")
@example("fe80::1%eth0")
def test_the_daemon_takes_every_address_that_the_check_takes(text: str) -> None:
    refused = bool(problems_of(network(public_address=text)))
    settings = address_settings(replace(Config(), network=Network(public_address=text)))
    assert settings.configured == Settings(public_address=text).configured == machine_address(text)
    assert refused == (settings.configured is None and text != "")


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:0.0.0.0", "1.2"])
def test_some_are_the_address_of_no_machine(text: str) -> None:
    assert machine_address(text) is None
    assert problems_of(network(public_address=text)) == ["network.public_address"]


def test_ipv4_inside_ipv6_is_ipv4() -> None:
    assert machine_address("::ffff:5.9.10.2") == IPv4Address("5.9.10.2")
    assert read_ip("fe80::1%eth0") is None
