"""What a node says, as our own values: right, or refused; never made up."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain import calls, reads, shapes
from polarisd.chain.values import Endpoint, parse_endpoint

PORTS = st.integers(1, 65535)
ADDRESSES = st.one_of(
    st.integers(1, 2**32 - 1).map(IPv4Address), st.integers(1, 2**128 - 1).map(IPv6Address)
)
ENDPOINTS = st.builds(lambda address, port: Endpoint(str(address), port), ADDRESSES, PORTS)


def raw_axon(**changes: Any) -> dict[str, Any]:
    usual = {
        "block": 8,
        "version": 1,
        "ip": int(IPv4Address("1.2.3.4")),
        "port": 8000,
        "ip_type": 4,
        "protocol": 4,
        "placeholder1": 0,
        "placeholder2": 0,
    }
    return {**usual, **changes}


@given(ENDPOINTS)
def test_what_is_published_is_what_is_read(endpoint: Endpoint) -> None:
    _, _, arguments = calls.serve(49, endpoint, None)
    axon = reads.as_axon({**raw_axon(), **{name: arguments[name] for name in arguments}})
    assert axon.endpoint == endpoint
    assert parse_endpoint(str(endpoint)) == endpoint


def test_small_ipv6_addresses_stay_what_they_are() -> None:
    axon = reads.as_axon(raw_axon(ip=1, ip_type=6))
    assert axon.endpoint == Endpoint("::1", 8000)


@pytest.mark.parametrize(
    "changes",
    [
        {"ip": 0, "port": 0, "ip_type": 0},
        {"ip": 0, "port": 1},
        {"port": 0},
        {"ip_type": 5},
        {"ip": 2**32},
        {"ip": 2**128, "ip_type": 6},
    ],
)
def test_what_is_no_endpoint_is_none(changes: dict[str, Any]) -> None:
    assert reads.as_axon(raw_axon(**changes)).endpoint is None


def test_withdrawn_is_no_endpoint() -> None:
    _, function, arguments = calls.withdraw(49)
    assert function == "serve_axon"
    assert reads.as_axon(raw_axon(**arguments)).endpoint is None


def test_a_certificate_goes_with_its_own_call() -> None:
    plain = calls.serve(49, Endpoint("1.2.3.4", 8000), None)
    sealed = calls.serve(49, Endpoint("1.2.3.4", 8000), b"\x01key")
    assert (plain[1], sealed[1]) == ("serve_axon", "serve_axon_tls")
    assert sealed[2] == {**plain[2], "certificate": [1, *b"key"]}


def test_the_price_is_for_the_chain_to_check_where_it_can() -> None:
    assert calls.register(49, "5F", 10**8)[1:] == (
        "register_limit",
        {"netuid": 49, "hotkey": "5F", "limit_price": 10**8},
    )
    assert calls.register(49, "5F", None)[1] == "burned_register"


def graph(neurons: int = 1, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "netuid": 49,
        "name": list(b"Polaris"),
        "block": 100,
        "tempo": 360,
        "max_uids": 256,
        "num_uids": neurons,
        "registration_allowed": True,
        "burn": 10**8,
        "immunity_period": 4096,
        "serving_rate_limit": 50,
        "weights_rate_limit": 100,
        "commit_reveal_weights_enabled": False,
        "owner_coldkey": "5Owner",
        "hotkeys": [f"5Hot{n}" for n in range(neurons)],
        "coldkeys": ["5Cold"] * neurons,
        "axons": [raw_axon()] * neurons,
        "active": [True] * neurons,
        "validator_permit": [False] * neurons,
        "block_at_registration": [7] * neurons,
        "last_update": [9] * neurons,
        "incentives": [65535] * neurons,
        "emission": [10**9] * neurons,
        "total_stake": [3 * 10**9] * neurons,
    }
    return {**usual, **changes}


def test_a_metagraph() -> None:
    subnet = reads.as_subnet(graph(2))
    assert (subnet.netuid, subnet.name, subnet.block) == (49, "Polaris", 100)
    neuron = subnet.by_hotkey("5Hot1")
    assert neuron is not None and subnet.by_hotkey("5Nobody") is None
    assert (neuron.uid, neuron.incentive, neuron.emission_rao) == (1, 1.0, 10**9)
    assert neuron.axon.endpoint == Endpoint("1.2.3.4", 8000)


def test_terms() -> None:
    terms = reads.as_terms(graph(3))
    assert (terms.price_rao, terms.num_uids, terms.serving_limit_blocks) == (10**8, 3, 50)
    assert terms.registration_open and not terms.commit_reveal


COLUMNS = sorted(name for name, value in graph().items() if isinstance(value, list))


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "name"])
def test_columns_of_different_length_are_no_metagraph(column: str) -> None:
    with pytest.raises(ValueError, match="zip"):
        reads.as_subnet(graph(2, **{column: graph(1)[column]}))


@given(
    st.sampled_from(sorted(graph())),
    st.sampled_from([None, "x", -1, 1.5, [], [None], {}, 2**200, b"\xff"]),
)
def test_rubbish_is_refused_or_bounded(name: str, rubbish: Any) -> None:
    """Whatever comes of it is a value of the right shape, or one of the usual errors."""
    try:
        subnet = reads.as_subnet(graph(1, **{name: rubbish}))
    except (ValueError, TypeError, LookupError, AttributeError):
        return
    assert all(0 <= neuron.incentive <= 1 for neuron in subnet.neurons)
    assert isinstance(subnet.block, int) and subnet.block >= 0


@given(st.binary(max_size=64))
def test_a_name_can_be_shown(raw: bytes) -> None:
    assert shapes.name(list(raw)).isprintable()


def test_an_address_is_parsed_as_python_does() -> None:
    assert parse_endpoint("[2001:db8::1]:80").address == ip_address("2001:db8::1")


NUMBERS = ("block_at_registration", "last_update", "incentives", "emission", "total_stake")


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_a_number_that_no_chain_can_have_is_no_metagraph(column: str, number: int) -> None:
    with pytest.raises(ValueError, match="not a number that can be there"):
        reads.as_subnet(graph(1, **{column: [number]}))


@pytest.mark.parametrize("name", ["block", "netuid", "tempo", "max_uids"])
def test_nor_is_one_of_the_whole_subnet(name: str) -> None:
    with pytest.raises(ValueError, match="not a number that can be there"):
        reads.as_subnet(graph(1, **{name: 2**64 - 1}))


@pytest.mark.parametrize("name", ["block", "burn", "num_uids", "immunity_period"])
def test_terms_that_no_chain_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="not a number that can be there"):
        reads.as_terms(graph(1, **{name: 2**64 - 1}))


def test_a_limit_of_never_is_a_very_long_one() -> None:
    """Which a subnet's owner may set."""
    assert reads.as_terms(graph(1, serving_rate_limit=2**64 - 1)).serving_limit_blocks == 2**53


def test_more_neurons_than_any_chain_lets_in() -> None:
    assert len(reads.as_subnet(graph(4096)).neurons) == 4096
    with pytest.raises(ValueError, match="not a number"):
        reads.as_subnet(graph(4097))


def test_more_or_fewer_neurons_than_are_said_to_be_there() -> None:
    for said in (1, 3):
        with pytest.raises(ValueError, match="each with a hotkey of its own"):
            reads.as_subnet(graph(2, num_uids=said))


def test_two_neurons_of_one_hotkey() -> None:
    with pytest.raises(ValueError, match="each with a hotkey of its own"):
        reads.as_subnet(graph(2, hotkeys=["5Hot0", "5Hot0"]))


@pytest.mark.parametrize("rubbish", ["5" * 65, "", "5Hot\n", None, 7, b"5Hot"])
def test_what_is_no_address(rubbish: Any) -> None:
    with pytest.raises(ValueError, match="no address"):
        reads.as_subnet(graph(1, coldkeys=[rubbish]))


@pytest.mark.parametrize("seconds", [-1.0, 1e9, float("nan"), float("inf")])
def test_a_block_time_that_cannot_be(seconds: float) -> None:
    with pytest.raises(ValueError, match="none that can be"):
        shapes.block_time_s(seconds)


@pytest.mark.parametrize("rubbish", [None, "0x12", "0x" + "1" * 66, "0x" + "g" * 64])
def test_what_is_no_hash(rubbish: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whichever of hex's it is
        shapes.block_hash(rubbish)
