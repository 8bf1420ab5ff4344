"""Heartbeats that are stopped and begun again, at the worst time: nothing is lost or stuck."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd.heartbeat.delivery import DEADLINE_S, MAX_AT_ONCE, TURN_S
from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.pacing import MIN_GAP_S
from polarisd.heartbeat.sender import Beats
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_world import INTERVAL_S, Answers, Lost, Said, World, view, world

__all__ = ["patient_clock", "world"]


async def hang(_: Signed) -> Said:
    await trio.sleep_forever()
    raise AssertionError("it was not to be waited for")


def after(seconds: float) -> Answers:
    async def answer(_: Signed) -> Said:
        await trio.sleep(seconds)
        return Said()

    return answer


async def run_for(beats: Beats, seconds: float) -> None:
    """From `start` to `stop`, as the owner says it."""
    with trio.move_on_after(seconds):
        await beats.run()


async def test_nobody_stays_busy_when_a_run_ends_while_some_wait_for_their_turn(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    targets = [world.add(number, hang) for number in range(11, 11 + MAX_AT_ONCE + 36)]
    async with world.miner(tmp_path, *targets) as beats:
        await trio.sleep(3)
    assert sum(bool(world.times(target)) for target in targets) == MAX_AT_ONCE
    for target in targets:
        world.got[target.endpoint].clear()
    await run_for(beats, MIN_GAP_S + 2 * (TURN_S + DEADLINE_S))
    assert all(world.times(target) for target in targets)


async def test_who_missed_the_end_of_a_run_is_told_when_the_next_begins(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target = world.add(11)
    async with world.miner(tmp_path, target) as beats:
        await trio.sleep(10)
        world.answers[target.endpoint] = hang
        beats.hurry()
        await trio.sleep(1)
        assert len(world.times(target)) == 2  # and it has answered only the first
    world.answers[target.endpoint] = after(0)
    await run_for(beats, MIN_GAP_S)
    assert len(world.times(target)) == 3


async def test_to_stop_and_start_all_the_time_sends_no_more(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target = world.add(11)
    async with world.miner(tmp_path, target) as beats:
        await trio.sleep(0.1)
    for _ in range(100):
        beats.hurry()
        await run_for(beats, 0.1)
    times = world.times(target)
    assert len(times) > 1
    assert all(b - a >= MIN_GAP_S for a, b in itertools.pairwise(times))


async def test_a_validator_that_is_busy_gets_what_was_urgent_as_soon_as_it_is_free(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target, other = world.add(11, after(8)), world.add(12)
    async with world.miner(tmp_path, target, other) as beats:
        await trio.sleep(6)
        beats.hurry()
        await trio.sleep(10)
    assert world.times(target) == [0, pytest.approx(11)]  # 5 s after the one at 6
    assert world.times(other) == [0, 6]


async def test_one_that_got_no_turn_gets_what_was_urgent_as_soon_as_there_is_one(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    hanging = [world.add(number, hang) for number in range(11, 11 + 2 * MAX_AT_ONCE)]
    last = world.add(200)
    async with world.miner(tmp_path, *hanging, last) as beats:
        await trio.sleep(6)
        beats.hurry()
        await trio.sleep(2 * DEADLINE_S)
    assert world.times(last) == [2 * DEADLINE_S]


async def test_one_that_asked_for_time_gets_it_even_when_it_is_owed_something(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    async def limited(_: Signed) -> Lost:
        await trio.sleep(8)
        return Lost(code="rate_limited", text="wait", retry_after_s=300.0)

    target, other = world.add(11, limited), world.add(12)
    async with world.miner(tmp_path, target, other) as beats:
        await trio.sleep(6)
        beats.hurry()
        await trio.sleep(4 * INTERVAL_S)
        assert view(beats, target).code == "rate_limited"
    assert world.times(target) == [0]
    assert all(
        b - a <= INTERVAL_S
        for a, b in zip(world.times(other), world.times(other)[1:], strict=False)
    )


@pytest.mark.logs_errors("cannot number heartbeats")
async def test_each_run_tells_its_trouble_anew(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    """For whoever is told forgets it when a run ends."""
    async with world.miner(tmp_path / "gone", world.add(11)) as beats:
        await trio.sleep(2)
    assert [bool(problem) for problem, _ in world.problems] == [True]
    await run_for(beats, 2 * MIN_GAP_S)
    assert [bool(problem) for problem, _ in world.problems] == [True, False, True]
