"""Who gets heartbeats, and who may send them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polarisd.api.reading import Unknown
from polarisd.chain.values import Axon, Endpoint, Neuron, Subnet
from polarisd.keys import from_seed
from polarisd.members import MAX_PER_ADDRESS, Members

HOTKEYS = [from_seed(bytes([number]) * 32).ss58 for number in range(6)]
NOWHERE = Axon(endpoint=None, block=0, version=0, protocol=0)


def axon(number: int) -> Axon:
    endpoint = Endpoint(f"5.9.10.{number}", 8000)
    return Axon(endpoint=endpoint, block=5, version=1, protocol=4)


def neuron(number: int, *, permit: bool = True, stake_rao: int = 0) -> Neuron:
    return Neuron(
        uid=number,
        hotkey=HOTKEYS[number],
        coldkey=HOTKEYS[number],
        axon=axon(number),
        active=True,
        validator_permit=permit,
        registered_block=1,
        last_update_block=1,
        incentive=0.0,
        emission_rao=0,
        stake_rao=stake_rao,
    )


def subnet(*neurons: Neuron) -> Subnet:
    return Subnet(netuid=3, name="polaris", block=9, tempo=360, max_uids=256, neurons=neurons)


def test_those_with_a_permit_and_an_endpoint_get_heartbeats_the_largest_stake_first() -> None:
    hidden = replace(neuron(3, stake_rao=9), axon=NOWHERE)
    members = Members(
        subnet=subnet(
            neuron(0, stake_rao=1), neuron(1, stake_rao=5), neuron(2, permit=False), hidden
        )
    )
    targets = members.validators()
    assert [(target.uid, target.endpoint) for target in targets] == [
        (1, "5.9.10.1:8000"),
        (0, "5.9.10.0:8000"),
    ]


def test_those_that_the_owner_names_come_first_and_as_he_names_them() -> None:
    members = Members(
        named=(f"{HOTKEYS[1]}@[2001:db8::1]:8001", f"{HOTKEYS[5]}@203.0.113.9:8000"),
        subnet=subnet(neuron(0), neuron(1)),
    )
    targets = members.validators()
    assert [target.hotkey for target in targets] == [HOTKEYS[1], HOTKEYS[5], HOTKEYS[0]]
    assert targets[0].endpoint == "[2001:db8::1]:8001"
    assert isinstance(targets[0].uid, Unknown)


def at(number: int, ip: str, port: int = 8000) -> Neuron:
    found = neuron(number, stake_rao=99 - number)
    return replace(found, axon=replace(found.axon, endpoint=Endpoint(ip, port)))


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "192.168.1.1",
        "10.0.0.1",
        "100.64.3.4",
        "169.254.169.254",
        "224.0.0.1",
        "0.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_nobody_can_aim_heartbeats_into_a_network_by_publishing_an_address(ip: str) -> None:
    aimed = subnet(neuron(0), at(1, ip))
    assert [target.uid for target in Members(subnet=aimed).validators()] == [0]
    # In a lab, where there are no others; nor is what the owner himself names anybody's aim.
    if ip != "nonsense":
        lab = Members(subnet=aimed, may_send=lambda _: True)
        assert len(lab.validators()) == 2
        mine = Members(subnet=aimed, named=(f"{HOTKEYS[1]}@192.168.1.1:8000",))
        assert mine.validators()[0].endpoint == "192.168.1.1:8000"


@pytest.mark.parametrize("ip", ["5.9.10.77", "2a01:4f8::{}"])
def test_a_crowd_cannot_be_sent_to_one_victim(ip: str) -> None:
    crowd = [at(number, ip.format(number + 1), 8000 + number) for number in range(5)]
    apart = at(5, "2a01:4f8:0:1::1")
    uids = [target.uid for target in Members(subnet=subnet(*crowd, apart)).validators()]
    assert uids == [*range(MAX_PER_ADDRESS), 5]  # the largest stakes


def test_members_are_those_of_the_metagraph() -> None:
    members = Members(subnet=subnet(neuron(0, permit=False), replace(neuron(1), axon=NOWHERE)))
    assert members.is_member(HOTKEYS[0]) is True
    assert members.is_member(HOTKEYS[5]) is False
    assert members.endpoint_of(HOTKEYS[0]) == "5.9.10.0:8000"
    assert members.endpoint_of(HOTKEYS[1]) is None
    assert members.endpoint_of(HOTKEYS[5]) is None


def test_before_a_metagraph_was_read_nobody_can_tell_who_is_a_member() -> None:
    assert Members().is_member(HOTKEYS[0]) is None
    assert Members().validators() == ()
    assert Members().endpoint_of(HOTKEYS[0]) is None


def test_without_a_chain_all_are_welcome() -> None:
    assert Members(open_to_all=True).is_member(HOTKEYS[0])
