"""Many validators, wrong clocks, broken disks, lost states: what a miner does then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from polarisd.api.reading import Unknown
from polarisd.heartbeat.delivery import MAX_AT_ONCE
from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.peers import Target
from polarisd.heartbeat.sender import MAX_VALIDATORS
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_support import MINER, NOW, OTHER, beat, origin
from tests.unit.heartbeat_world import (
    INTERVAL_S,
    Answers,
    Lost,
    Said,
    World,
    view,
    world,
)  # fmt: skip

__all__ = ["patient_clock", "world"]


async def test_of_too_many_the_first_are_told_and_ourselves_never(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    ourselves = Target(MINER.ss58, "198.51.100.1:8000")
    many = [world.add(number) for number in range(11, 311)]
    async with world.miner(tmp_path, ourselves, *many) as beats:
        assert [t.hotkey for t in beats.targets] == [t.hotkey for t in many[:MAX_VALIDATORS]]


async def test_at_most_so_many_at_once_and_the_healthy_first(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    async def hang(_: Signed) -> Said:
        await trio.sleep_forever()
        raise AssertionError("it was not to be waited for")

    hanging = [world.add(number, hang) for number in range(11, 161)]
    good = [world.add(number) for number in range(200, 210)]
    async with world.miner(tmp_path, *hanging, *good) as beats:
        await trio.sleep(2.5 * INTERVAL_S)
        assert all(view(beats, target).state == "ok" for target in good)
    # In the first beat nobody could know; from then on the dead do not stand in their way.
    assert all(world.times(target)[-2:] == [INTERVAL_S, 2 * INTERVAL_S] for target in good)
    assert world.most_under_way == MAX_AT_ONCE


async def test_a_clock_that_is_off_is_told_by_the_median(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    stale = Lost(code="stale", text="dated wrongly", clock_offset_s=30.0, proven=True)
    targets = [world.add(11, stale), world.add(12, stale)]
    liar = world.add(13, Said(clock_offset_s=-9e9))
    async with world.miner(tmp_path, *targets, liar) as beats:
        await trio.sleep(2)
        seen = view(beats, targets[0])
        assert seen.state == "refused"
        assert "clock is 30 s behind that of 3 validators" in seen.detail
        assert "timedatectl" in seen.remedy
        assert seen.clock_ahead_s == -30.0


async def test_an_unproven_clock_counts_for_nothing(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target = world.add(11, Lost(code="stale", clock_offset_s=30.0, proven=False))
    async with world.miner(tmp_path, target) as beats:
        await trio.sleep(2)
        assert isinstance(view(beats, target).clock_ahead_s, Unknown)
        assert isinstance(view(beats, target).heard_at, Unknown)


@pytest.mark.logs_errors("cannot number heartbeats")
async def test_without_a_disk_nothing_is_sent_and_that_is_shown(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    target = world.add(11)
    directory = tmp_path / "gone"
    async with world.miner(directory, target) as beats:
        await trio.sleep(2)
        seen = view(beats, target)
        assert (seen.state, seen.code) == ("waiting", "unnumbered")
        assert "cannot number heartbeats" in seen.detail == beats.problem
        assert "disk" in seen.remedy
        assert world.published[-1] == beats.views()
        assert world.times(target) == []
        await trio.Path(directory).mkdir()
        await trio.sleep(INTERVAL_S)
        assert view(beats, target).state == "ok"
    assert world.problems == [(seen.detail, seen.remedy), ("", "")]


def old_number(latest: Signed) -> Said:
    return Said(
        status=409,
        document={"code": "sequence_old", "message": "higher", "latest": latest.envelope},
    )


async def test_after_a_lost_state_it_goes_on_above_what_validators_hold(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    def holds(number: int) -> Answers:
        async def answer(signed: Signed) -> Said:
            is_newer = signed.heartbeat.sequence > number
            return Said() if is_newer else old_number(beat(number, NOW - 60))

        return answer

    high = int(NOW * 1e3) + 10**9
    targets = [world.add(11, holds(high)), world.add(12, holds(high + 5))]
    async with world.miner(tmp_path, *targets) as beats:
        await trio.sleep(20)
        assert [view(beats, target).state for target in targets] == ["ok", "ok"]
    assert world.got[targets[0].endpoint][-1][1].heartbeat.sequence > high + 5


async def test_nobody_else_can_make_it_leap(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    high = int(NOW * 1e3) + 10**9
    ours = beat(high, NOW - 60)
    targets = [
        world.add(11, old_number(beat(high, NOW - 60, of=origin(OTHER)))),
        world.add(12, old_number(replace(ours, signature="0x" + "00" * 64))),
    ]
    async with world.miner(tmp_path, *targets) as beats:
        await trio.sleep(2 * INTERVAL_S)
        assert view(beats, targets[0]).code == "sequence_old"
    sent = [signed.heartbeat.sequence for _, signed in world.got[targets[0].endpoint]]
    assert max(sent) < high


async def test_another_machine_with_the_same_hotkey_is_told_of(
    world: World, tmp_path: Path, patient_clock: MockClock
) -> None:
    async def ahead(signed: Signed) -> Said:
        return old_number(beat(signed.heartbeat.sequence + 10**6, NOW + trio.current_time() + 1))

    target = world.add(11, ahead)
    async with world.miner(tmp_path, target) as beats:
        await trio.sleep(2)
        seen = view(beats, target)
        assert (seen.state, seen.code) == ("refused", "hotkey_elsewhere")
        assert "hotkey of its own" in seen.remedy
        await trio.sleep(10 * INTERVAL_S)
    sent = [signed.heartbeat.sequence for _, signed in world.got[target.endpoint]]
    assert max(sent) - min(sent) < 100
