"""When each validator gets its heartbeat, and what of its answer is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd.heartbeat.document import Signed
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_support import NOW
from tests.unit.heartbeat_world import (
    INTERVAL_S,
    Lost,
    Said,
    World,
    view,
    world,
)  # fmt: skip

__all__ = ["patient_clock", "world"]


async def test_every_validator_gets_the_same_bytes_each_beat(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    targets = [world.add(number) for number in (11, 12, 13)]
    async with world.miner(tmp_path, *targets):
        await trio.sleep(4.5 * INTERVAL_S)
    documents = {t.endpoint: [s.document for _, s in world.got[t.endpoint]] for t in targets}
    first = documents[targets[0].endpoint]
    assert len(first) == 5
    assert all(each == first for each in documents.values())
    numbers = [s.heartbeat.sequence for _, s in world.got[targets[0].endpoint]]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_what_a_validator_says_is_published(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    said = Said(
        document={
            "seen": {"address": "203.0.113.7", "port": 4},
            "look": {"age_ms": 2000, "ports": [{"port": 11000, "answer": "ssh"}]},
            "verdict": {"text": "proven\x1b[2J", "at_ms": 1e12},
        },
        clock_offset_s=0.5,
    )
    target = world.add(11, said)
    async with world.miner(tmp_path, target):
        await trio.sleep(2)
    (seen,) = world.published[-1]
    assert (seen.state, seen.code, seen.beats_sent, seen.beats_answered) == ("ok", "", 1, 1)
    assert (seen.sees_us_as, seen.verdict, seen.verdict_at) == ("203.0.113.7", "proven [2J", 1e9)
    assert [(p.port, p.answer) for p in seen.ports] == [(11000, "ssh")]
    assert seen.looked_at == pytest.approx(NOW - 2, abs=1)
    assert seen.next_at == pytest.approx(NOW + INTERVAL_S, abs=1)
    assert seen.clock_ahead_s == -0.5
    assert world.sightings == [(target.hotkey, "203.0.113.7")]


async def test_one_that_is_dead_or_slow_delays_nobody_and_is_asked_less_often(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    async def hang(_: Signed) -> Said:
        await trio.sleep_forever()
        raise AssertionError("it was not to be waited for")

    dead, slow, good = world.add(11, Lost()), world.add(12, hang), world.add(13)
    async with world.miner(tmp_path, dead, slow, good) as beats:
        await trio.sleep(100.5 * INTERVAL_S)
        states = [view(beats, target).state for target in (dead, slow, good)]
        detail = view(beats, dead).detail, view(beats, dead).remedy
        due = view(beats, dead).next_at
    assert states == ["unreachable", "unreachable", "ok"]
    assert detail[0] == "no route"
    assert "polarisctl doctor" in detail[1]
    assert isinstance(due, float)
    assert len(world.times(good)) == 101
    assert all(at % INTERVAL_S == 0 for at in world.times(good))
    for target in (dead, slow):
        assert 5 < len(world.times(target)) < 15


async def test_time_that_is_asked_for_is_given_even_in_a_hurry(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    limited = world.add(11, Lost(code="rate_limited", text="wait", retry_after_s=300.0))
    unwell = world.add(12, Lost())
    async with world.miner(tmp_path, limited, unwell) as beats:
        await trio.sleep(10)
        beats.hurry()
        await trio.sleep(5)
        assert view(beats, limited).state == "muted"
    assert len(world.times(limited)) == 1
    assert len(world.times(unwell)) == 2


async def test_a_hurry_is_told_at_once_but_not_without_end(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target = world.add(11)
    async with world.miner(tmp_path, target) as beats:
        await trio.sleep(7)
        beats.hurry()
        await trio.sleep(0.5)
        assert world.times(target)[-1] == pytest.approx(7)
        for _ in range(200):
            beats.hurry()
            await trio.sleep(0.1)
    assert len(world.times(target)) <= 2 + 20 / 5


async def test_a_new_validator_is_told_at_once_and_alone(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    first, second = world.add(11), world.add(12)
    async with world.miner(tmp_path, first) as beats:
        await trio.sleep(9)
        beats.targets = (first, second)
        await trio.sleep(1)
    assert len(world.times(first)) == 1
    assert len(world.times(second)) == 1


async def test_one_that_moves_is_asked_there_and_one_that_goes_no_more(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    stays, moves, goes = world.add(11), world.add(12, Lost()), world.add(13)
    async with world.miner(tmp_path, stays, moves, goes) as beats:
        await trio.sleep(200)
        count = len(world.times(goes))
        elsewhere = replace(world.add(14), hotkey=moves.hotkey)
        beats.targets = (stays, elsewhere)
        await trio.sleep(40)
        assert [v.hotkey for v in beats.views()] == [stays.hotkey, moves.hotkey]
        assert view(beats, moves).state == "ok"
        assert view(beats, moves).beats_sent > 2
    assert len(world.times(goes)) == count
    assert world.times(elsewhere)
