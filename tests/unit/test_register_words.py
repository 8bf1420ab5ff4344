"""Amounts, networks and netuids, as people write them."""

from __future__ import annotations

import pytest
from bittensor.settings import FINNEY_GENESIS_HASH
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration.amounts import parse_tao, tao
from polarisctl.registration.networks import (
    Network,
    is_genesis_of,
    is_open_text,
    is_ours,
    named_by_genesis,
    parse_netuid,
    parse_network,
)

FINNEY, TEST = Network("finney"), Network("test")
TEST_GENESIS = "0x8f9cf856" + "0" * 52 + "3105"


@given(st.integers(0, 21_000_000 * 10**9))
def test_an_amount_is_read_as_it_is_shown(rao: int) -> None:
    assert parse_tao(tao(rao)) == rao


@pytest.mark.parametrize(
    ("text", "rao"),
    [
        ("1", 10**9),
        ("0.5", 5 * 10**8),
        ("τ0.0005", 500_000),
        ("2 TAO", 2 * 10**9),
        ("0.000000001", 1),
    ],
)
def test_an_amount(text: str, rao: int) -> None:
    assert parse_tao(text) == rao


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "0.0000000001", "1,5", ".5", "nan", "١", "1" * 10, "1 2"]
)
def test_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of TAO"):
        parse_tao(text)


@pytest.mark.parametrize(
    "text", ["finney", "test", "local", "ws://127.0.0.1:9944", "wss://node.example:443/x"]
)
def test_a_network(text: str) -> None:
    assert parse_network(f" {text} ") == Network(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("finey", "neither finney, test, local nor an address"),
        ("", "neither finney"),
        ("http://node.example", "does not begin with ws://"),
        ("ws://", "names no host"),
        ("ws://host:0", "no port that can be reached"),
        ("ws://host:99999", "not an address"),
        ("ws://user:secret@host", "a user or a password"),
        ("ws://ho st", "names no host"),
        ("wss://node.example/x?token=secret", "after \\? or # in it"),
        ("wss://node.example/#secret", "after \\? or # in it"),
        ("ws://[::1", "not an address"),
    ],
)
def test_no_network(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_network(text)
    assert "secret" not in str(caught.value)


def test_the_scheme_may_be_in_capitals() -> None:
    assert parse_network("WSS://Node.example:443") == Network("wss://Node.example:443")


@given(st.text())
def test_whatever_is_typed_as_a_network_is_taken_or_refused_in_words(text: str) -> None:
    try:
        said = parse_network(text).text
    except ValueError as problem:
        said = str(problem)
    assert said.isprintable()


@pytest.mark.parametrize("text", ["0", "-1", "65536", "", "4.9", "٤٩", "1" * 5000])
def test_no_netuid(text: str) -> None:
    with pytest.raises(ValueError, match="not a netuid"):
        parse_netuid(text)


def test_a_netuid() -> None:
    assert parse_netuid("49") == 49


def test_the_genesis_of_the_main_network_is_known_whole() -> None:
    assert is_genesis_of(FINNEY, FINNEY_GENESIS_HASH) is True
    assert is_genesis_of(FINNEY, FINNEY_GENESIS_HASH[:-1] + "0") is False
    assert named_by_genesis(FINNEY_GENESIS_HASH) == "finney"


def test_the_genesis_of_the_test_network_is_known_by_its_ends() -> None:
    assert is_genesis_of(TEST, TEST_GENESIS) is True
    assert is_genesis_of(TEST, FINNEY_GENESIS_HASH) is False
    assert named_by_genesis(TEST_GENESIS) == "test"


def test_of_other_networks_no_genesis_is_known() -> None:
    assert is_genesis_of(Network("local"), "0x" + "1" * 64) is None
    assert named_by_genesis("0x" + "1" * 64) == ""


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("finney", False),
        ("wss://node.example", False),
        ("ws://127.0.0.1:9944", False),
        ("ws://localhost:9944", False),
        ("ws://[::1]:9944", False),
        ("ws://node.example:9944", True),
        ("ws://10.0.0.7:9944", True),
    ],
)
def test_an_unencrypted_way_to_a_distant_node_is_noticed(text: str, is_open: bool) -> None:
    assert is_open_text(Network(text)) is is_open


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Polaris", True),
        ("  POLARIS ", True),
        ("polaris-v2", False),
        ("Not Polaris", False),
        ("", False),
    ],
)
def test_whose_subnet_it_is(name: str, ours: bool) -> None:
    assert is_ours(name) is ours
    assert not is_ours("Nepher Robotics")
