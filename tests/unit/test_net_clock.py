"""However the clock is set, the address is known again as soon as what it takes is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.network import Network
from polarisd.api.reading import Reading, Unknown
from polarisd.net.evidence import heard, not_ahead
from polarisd.net.given import Settings, Told
from polarisd.net.interfaces import Interfaces
from polarisd.net.kinds import parse
from polarisd.net.public import Decision, decide
from polarisd.net.watch import AddressWatch
from tests.unit.net_support import NOW, OTHER, PRIVATE, PUBLIC, PUBLIC6, NoBody, machine, witness

BEAT_S = 30
VALIDATORS = ("alice", "bob", "carol")
# Until the last step of the clock has cost all that it may: the hold, and a beat.
COST_S = 60 + BEAT_S

steps = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.one_of(st.integers(-10, 10), st.integers(-(10**5), 10**5), st.integers(-(10**9), 10**9)),
    ),
    min_size=1,
    max_size=4,
)


def offset_at(second: int, turns: list[tuple[int, int]]) -> int:
    at = 0
    offset = 0
    for wait_s, by in turns:
        at += wait_s
        if second >= at:
            offset += by
    return offset


@given(steps, st.integers(0, 200))
def test_behind_a_router_it_is_known_again_within_a_beat(
    turns: list[tuple[int, int]], route_at: int
) -> None:
    """The way out comes up at any moment of it."""
    told, decision = Told(interfaces=machine()), Decision()
    rest_at = max(sum(wait_s for wait_s, _ in turns), route_at)
    for second in range(rest_at + COST_S + 2 * BEAT_S):
        now = 2 * 10**9 + second + offset_at(second, turns)
        if second == route_at:
            told = replace(told, interfaces=machine(PRIVATE))
        told = replace(told, sightings=not_ahead(told.sightings, now))
        for number, validator in enumerate(VALIDATORS):
            if second % BEAT_S == number:
                saw = heard(told.sightings, origin=validator, ip=parse(PUBLIC), at=now, most=9)
                told = replace(told, sightings=saw)
        decision = decide(Settings(), told, now, decision)
        if second > rest_at + COST_S:
            assert decision.network.endpoint == f"{PUBLIC}:8000", second - rest_at


@given(steps, st.integers(0, 200), st.integers(61, 200), st.booleans())
def test_a_change_of_family_is_held_up_by_no_more_than_the_hold(
    turns: list[tuple[int, int]], lost_at: int, away_s: int, comes_back: bool
) -> None:
    both, six = machine(PUBLIC, PUBLIC6), machine(PUBLIC6)
    decision = Decision()
    changes = {0: both, lost_at: six}
    if comes_back:
        changes[lost_at + away_s] = both
    rest_at = max(sum(wait_s for wait_s, _ in turns), *changes)
    told = Told()
    for second in range(rest_at + 62):
        now = 2 * 10**9 + second + offset_at(second, turns)
        told = replace(told, interfaces=changes.get(second, told.interfaces))
        decision = decide(Settings(), told, now, decision)
        assert not isinstance(decision.network.ipv6, Unknown)
        assert decision.network.ipv6.since_at <= now
    assert decision.network.endpoint == (f"{PUBLIC}:8000" if comes_back else f"[{PUBLIC6}]:8000")


def test_the_word_of_a_clock_that_was_ahead_does_not_come_back() -> None:
    ahead, now = witness("alice", OTHER, at=NOW + 7200), witness("bob", PUBLIC, at=NOW + 4)
    assert not_ahead((ahead, now), NOW) == (now,)


@pytest.mark.parametrize("step_s", [-7200.0, -3.0, 7200.0])
async def test_the_watch_forgets_it(step_s: float, autojump_clock: trio.testing.MockClock) -> None:
    offset_s = 0.0
    published: list[Network] = []

    async def follow(publish: object) -> None:
        assert callable(publish)
        found: Reading[Interfaces] = machine(PRIVATE)
        publish(found)
        await trio.sleep_forever()

    async def get(
        url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
    ) -> NoBody:
        return NoBody("not asked")

    def clock() -> float:
        return NOW + trio.current_time() + offset_s

    watch = AddressWatch(Settings(), published.append, get, clock, follow=follow)
    async with trio.open_nursery() as nursery:
        await nursery.start(watch.run)
        for validator in ("alice", "bob"):
            watch.take_sighting(validator, OTHER, clock())
        assert published[-1].endpoint == f"{OTHER}:8000"
        offset_s = step_s
        await trio.sleep(30)
        for validator in ("carol", "dave", "erin"):
            watch.take_sighting(validator, PUBLIC, clock())
        assert f"{PUBLIC}:8000" == published[-1].endpoint
        published.clear()
        # Until the clock says again what it said when they spoke, and all others are silent.
        await trio.sleep(7200)
        assert published
        assert f"{OTHER}:8000" not in [network.endpoint for network in published]
        assert all(isinstance(network.endpoint, Unknown) for network in published[-1:])
        nursery.cancel_scope.cancel()
