"""The config in the words of the rooms: whom a validator may look at, and where it is a lab."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain import networks
from polarisd.config import Config
from polarisd.heartbeat.addresses import Address
from polarisd.net.kinds import GLOBAL, kind_of
from polarisd.netparts import is_lab, may_connect
from polarisd.sections import Chain, Node
from polarisd.whereabouts import read_ip

FINNEY = Config(node=Node(mode="bittensor"), chain=Chain(network="finney"))
OURS = ip_address("5.9.10.2")


def of_others(address: Address) -> bool:
    return False


def ours(address: Address) -> bool:
    return address == OURS


@pytest.mark.parametrize(
    ("network", "lab"),
    [
        ("finney", False),
        ("local", True),
        ("ws://127.0.0.1:9944", True),
        ("ws://[::1]:9944", True),
        ("ws://[::ffff:127.0.0.1]:9944", True),
        ("ws://localhost:9944/", True),
        ("wss://node.example.net", False),
        ("ws://[:::]:1", False),
    ],
)
def test_a_chain_on_this_machine_is_a_lab(network: str, lab: bool) -> None:
    config = Config(node=Node(mode="bittensor"), chain=Chain(network=network))
    assert is_lab(config) is lab
    assert may_connect(config, ip_address("127.0.0.1")) is lab
    assert is_lab(Config()) is True


def test_a_node_of_a_public_network_on_this_machine_makes_no_lab() -> None:
    genesis_hash = networks.NETWORKS["finney"].genesis_hash
    assert genesis_hash is not None
    chain = Chain(network="local", netuid=3, genesis_hash=genesis_hash)
    config = Config(node=Node(mode="bittensor"), chain=chain)
    assert is_lab(config) is False
    assert may_connect(config, ip_address("127.0.0.1")) is False


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fec0::1",
        "3fff::1",
        "::5.9.10.9",
        "::ffff:0:5.9.10.9",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
        "fd00::2",
        "fe80::1",
        "224.0.0.1",
        "ff0e::1",
    ],
)
def test_what_is_not_of_the_internet_is_not_looked_at(text: str) -> None:
    assert not may_connect(FINNEY, ip_address(text), is_ours=of_others)


@pytest.mark.parametrize("text", ["5.9.10.9", "2a01:4f8::2", "::ffff:5.9.10.9"])
def test_others_on_the_internet_are(text: str) -> None:
    assert may_connect(FINNEY, ip_address(text), is_ours=ours)


@pytest.mark.parametrize("text", ["5.9.10.2", "::ffff:5.9.10.2"])
def test_a_validator_never_looks_at_itself(text: str) -> None:
    assert may_connect(FINNEY, ip_address(text), is_ours=of_others)
    assert not may_connect(FINNEY, ip_address(text), is_ours=ours)


@given(st.ip_addresses())
def test_only_global_ones_are_ever_looked_at(address: Address) -> None:
    if may_connect(FINNEY, address, is_ours=of_others):
        plain = read_ip(str(address))
        assert plain is not None
        assert kind_of(plain) == GLOBAL
