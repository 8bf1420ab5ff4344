"""What the chain says of this machine, and what stays unknown until it has."""

from __future__ import annotations

from polarisd.api.chain import Chain, Published
from polarisd.api.reading import NOT_PUBLISHED, NOT_REGISTERED, Unknown
from polarisd.chain import standing
from polarisd.chain.standing import Membership
from polarisd.chain.values import Axon, Endpoint, Head, Neuron, Subnet, Terms

HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
COLDKEY = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
HERE = Axon(endpoint=Endpoint("198.51.100.7", 8000), block=90, version=1, protocol=4)
NEURON = Neuron(
    uid=7,
    hotkey=HOTKEY,
    coldkey=COLDKEY,
    axon=HERE,
    active=True,
    validator_permit=False,
    registered_block=50,
    last_update_block=50,
    incentive=0.25,
    emission_rao=10**6,
    stake_rao=0,
)
SUBNET = Subnet(netuid=3, name="polaris", block=100, tempo=360, max_uids=256, neurons=(NEURON,))
TERMS = Terms(
    netuid=3,
    name="polaris",
    block=100,
    registration_open=True,
    price_rao=5 * 10**8,
    num_uids=1,
    max_uids=256,
    immunity_blocks=5000,
    serving_limit_blocks=50,
    weights_limit_blocks=100,
    commit_reveal=False,
    owner_coldkey=COLDKEY,
)
FIRST = standing.before_any_look(
    Membership(
        network="local", endpoint="ws://127.0.0.1:9944", netuid=3, genesis_hash="0x", hotkey=HOTKEY
    )
)


def test_before_any_look_nothing_is_claimed() -> None:
    assert isinstance(FIRST.uid, Unknown)
    assert isinstance(FIRST.published, Unknown)
    assert FIRST.hotkey == HOTKEY


def test_a_head_is_a_block_and_when_it_came() -> None:
    seen = standing.with_head(FIRST, Head(number=100, parent_hash="0x1"), 5.0)
    assert (seen.block, seen.block_at) == (100, 5.0)


def test_registered_and_published() -> None:
    seen = standing.with_subnet(standing.with_place(FIRST, 7, HERE, 5.0), SUBNET, TERMS)
    assert (seen.uid, seen.subnet_name, seen.read_at) == (7, "polaris", 5.0)
    assert seen.published == Published(endpoint="198.51.100.7:8000", block=90)
    assert (seen.registered_block, seen.immune_until_block) == (50, 5050)
    assert (seen.incentive, seen.emission_rao, seen.owner_coldkey) == (0.25, 10**6, COLDKEY)


def test_the_slot_lost_takes_with_it_what_was_known_of_it() -> None:
    held = standing.with_subnet(standing.with_place(FIRST, 7, HERE, 5.0), SUBNET, TERMS)
    lost = standing.with_place(held, None, HERE, 6.0)
    assert lost.uid == lost.incentive == lost.immune_until_block == Unknown(NOT_REGISTERED)
    assert lost.published == held.published
    assert lost.owner_coldkey == COLDKEY


def test_an_endpoint_that_was_reset_is_none() -> None:
    reset = Axon(endpoint=None, block=99, version=0, protocol=0)
    assert standing.with_place(FIRST, 7, reset, 5.0).published == Unknown(NOT_PUBLISHED)
    assert standing.with_place(FIRST, 7, None, 5.0).published == Unknown(NOT_PUBLISHED)


def test_without_terms_immunity_stays_unknown() -> None:
    seen = standing.with_subnet(standing.with_place(FIRST, 7, HERE, 5.0), SUBNET, None)
    assert isinstance(seen.immune_until_block, Unknown)


def test_a_metagraph_without_us_leaves_our_place_alone() -> None:
    held = standing.with_place(FIRST, 7, HERE, 5.0)
    empty = Subnet(netuid=3, name="polaris", block=1, tempo=360, max_uids=256, neurons=())
    seen = standing.with_subnet(held, empty, TERMS)
    assert (seen.uid, seen.subnet_name) == (7, "polaris")
    assert isinstance(seen.incentive, Unknown)


def test_what_keeps_a_machine_from_being_offered() -> None:
    assert "it has no hotkey" in standing.why_not_offered(Chain())
    assert "no UID on subnet 3" in standing.why_not_offered(
        standing.with_place(FIRST, None, None, 5.0)
    )
    assert standing.why_not_offered(FIRST) == ""
    assert standing.why_not_offered(standing.with_place(FIRST, 7, HERE, 5.0)) == ""
