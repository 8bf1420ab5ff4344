"""When the endpoint is published: a chain in miniature, and whatever may befall it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.reading import NOT_KNOWN, Reading, Unknown
from polarisd.chain import serving
from polarisd.chain.outcomes import Failed, Landed, Submission, Unsure
from polarisd.chain.serving import Attempts, Leave, Publish, decide
from polarisd.chain.values import Axon, Endpoint

HERE = Endpoint("198.51.100.7", 8000)
THERE = Endpoint("198.51.100.8", 8000)
LIMIT = 50


def axon(endpoint: Endpoint | None, block: int) -> Axon:
    return Axon(endpoint=endpoint, block=block, version=1, protocol=4)


def failed(*, passing: bool) -> Failed:
    return Failed(code="x", text="the node said no", remedy="wait", passing=passing)


LANDED = Landed(block=100, block_hash="0x", extrinsic="100-1", fee_rao=None)
UNSURE = Unsure(why=failed(passing=True), expires_block=None)


def decision(
    wanted: Reading[Endpoint] = HERE,
    *,
    uid: int | None = 7,
    published: Axon | None = None,
    block: int = 1000,
    limit: int = LIMIT,
    attempts: Attempts | None = None,
    first_block: int = 0,
) -> serving.Decision:
    return decide(
        wanted=wanted,
        uid=uid,
        axon=published,
        block=block,
        limit_blocks=limit,
        attempts=attempts or Attempts(),
        first_block=first_block,
    )


@pytest.mark.parametrize("published", [None, axon(None, 0), axon(THERE, 900), axon(None, 900)])
def test_what_differs_is_published(published: Axon | None) -> None:
    assert decision(published=published) == Publish(HERE)


def test_what_is_right_is_left_alone() -> None:
    assert decision(published=axon(HERE, 1)) == Leave()


def test_nothing_is_published_without_a_uid() -> None:
    assert decision(uid=None) == Leave("the hotkey has no UID on this subnet")


def test_nothing_is_published_that_is_not_known() -> None:
    left = decision(Unknown(NOT_KNOWN, "two sources disagree"), published=axon(THERE, 1))
    assert isinstance(left, Leave)
    assert left.why.endswith("this machine: two sources disagree")


@pytest.mark.parametrize("block", [949, 950])
def test_the_rate_limit_is_kept_to_the_block(block: int) -> None:
    """A transaction sent at block 999 lands in 1,000 at the earliest."""
    made = decision(published=axon(THERE, block + 1), block=999)
    if block + 1 + LIMIT <= 1000:
        assert made == Publish(HERE)
    else:
        assert isinstance(made, Leave)
        assert f"at block {block + 1 + LIMIT}" in made.why


def test_a_subnet_without_a_limit_never_waits() -> None:
    assert decision(published=axon(THERE, 1000), limit=0) == Publish(HERE)


def test_what_a_daemon_that_was_killed_has_sent_is_waited_for() -> None:
    assert isinstance(decision(block=1000, first_block=1000), Leave)
    assert isinstance(decision(block=1001, first_block=1000), Leave)
    assert decision(block=1002, first_block=1000) == Publish(HERE)


def test_what_landed_is_waited_for_until_it_shows() -> None:
    attempts = serving.after(Attempts(), HERE, LANDED, 1000)
    assert isinstance(decision(block=1001, attempts=attempts), Leave)
    assert decision(block=1002, attempts=attempts) == Publish(HERE)


@pytest.mark.parametrize("ending", [UNSURE, failed(passing=True), failed(passing=False)])
def test_failures_back_off_for_that_endpoint_only(ending: Submission) -> None:
    attempts, block, pauses = Attempts(), 1000, []
    for _ in range(9):
        attempts = serving.after(attempts, HERE, ending, block)
        left = decision(block=block, attempts=attempts)
        assert isinstance(left, Leave)
        assert "the node said no" in left.why
        assert decision(THERE, block=block, attempts=attempts) == Publish(THERE)
        pauses.append(attempts.not_before_block - block)
        block = attempts.not_before_block
        assert decision(block=block, attempts=attempts) == Publish(HERE)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 50
    assert (pauses[0] == 50) == (ending == failed(passing=False))


def test_a_chain_that_has_begun_anew_knows_nothing_of_what_failed_before() -> None:
    attempts = serving.after(Attempts(), HERE, failed(passing=False), 1000)
    assert decision(block=3, attempts=attempts) == Publish(HERE)
    # not so after a reorganisation, where the same would only fail again
    assert isinstance(decision(block=995, attempts=attempts), Leave)


ENDPOINTS = st.sampled_from([HERE, THERE, Endpoint("2001:db8::7", 8000)])
ENDINGS = st.sampled_from([LANDED, UNSURE, failed(passing=True), failed(passing=False)])
EVENTS = st.lists(st.tuples(ENDPOINTS | st.none(), ENDINGS, st.booleans()), max_size=40)


@given(EVENTS, st.integers(0, 60))
def test_a_chain_that_keeps_its_rule_never_refuses_and_ends_up_right(
    events: list[tuple[Endpoint | None, Submission, bool]], limit: int
) -> None:
    """Each event is a block: which address is true by then, how a transaction that is sent
    in it ends, and whether it landed where that was not seen."""
    chain, attempts, block = axon(None, 0), Attempts(), 1000
    wanted: Reading[Endpoint] = Unknown(NOT_KNOWN)
    calm = [(None, LANDED, True)] * (max(limit, 50) + 60)
    for truth, ending, landed in [*events, *calm]:
        block += 1
        wanted = wanted if truth is None else truth
        made = decision(wanted, published=chain, block=block, limit=limit, attempts=attempts)
        if isinstance(made, Leave):
            continue
        assert made.endpoint == wanted != chain.endpoint
        assert not chain.block or block + 1 - chain.block >= limit
        attempts = serving.after(attempts, made.endpoint, ending, block)
        if isinstance(ending, Landed) or (isinstance(ending, Unsure) and landed):
            chain = replace(chain, endpoint=made.endpoint, block=block + 1)
    assert isinstance(wanted, Unknown) or chain.endpoint == wanted
