"""The watchdog is fed while everybody shows signs of life, and only then."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from polarisd.canary import Canary
from polarisd.logtext import fields_of


class Dog:
    """Remembers when it was fed."""

    def __init__(self) -> None:
        self.fed_at: list[float] = []
        self._begun = trio.current_time()

    def __call__(self) -> None:
        self.fed_at.append(round(trio.current_time() - self._begun, 3))


async def test_it_is_fed_at_its_interval_while_nothing_is_watched(
    autojump_clock: MockClock,
) -> None:
    dog = Dog()
    with trio.move_on_after(35):
        await Canary().feed(dog, 10)
    assert dog.fed_at == [10, 20, 30]


@pytest.mark.logs_errors("watchdog not fed: no sign of life from gpu sampling$")
async def test_it_is_not_fed_while_a_beat_is_missing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    canary, dog = Canary(), Dog()
    canary.watch("gpu sampling", 25)
    with trio.move_on_after(55):
        await canary.feed(dog, 10)
    assert dog.fed_at == [10, 20]
    assert {fields_of(r)["event"] for r in caplog.records} == {"watchdog_withheld"}


@pytest.mark.logs_errors("watchdog not fed: no sign of life from host metrics")
async def test_it_is_fed_again_when_the_beat_returns(autojump_clock: MockClock) -> None:
    canary, dog = Canary(), Dog()
    beat = canary.watch("host metrics", 15)
    with trio.move_on_after(65):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(canary.feed, dog, 10)
            await trio.sleep(35)
            beat()
            await trio.sleep(1)
            assert canary.stalled() == []
            while True:
                await trio.sleep(5)
                beat()
    assert dog.fed_at == [10, 40, 50, 60]


async def test_beats_that_come_in_time_are_enough(autojump_clock: MockClock) -> None:
    canary, dog = Canary(), Dog()
    beat = canary.watch("gpu sampling", 15)
    with trio.move_on_after(45):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(canary.feed, dog, 10)
            while True:
                await trio.sleep(14)
                beat()
    assert dog.fed_at == [10, 20, 30, 40]


async def test_all_who_stall_are_named_in_order(mock_clock: MockClock) -> None:
    canary = Canary()
    for name, limit_s in (("c", 5.0), ("a", 5.0), ("b", 20.0)):
        canary.watch(name, limit_s)
    mock_clock.jump(5)
    assert canary.stalled() == []
    mock_clock.jump(1)
    assert canary.stalled() == ["a", "c"]


async def test_a_loop_that_was_blocked_is_told(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    dog = Dog()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Canary().feed, dog, 10)
        await wait_all_tasks_blocked()
        mock_clock.jump(10.5)
        await wait_all_tasks_blocked()
        assert caplog.records == []
        mock_clock.jump(11.25)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert fields_of(record) == {"event": "loop_blocked", "late_s": "1.25"}
    assert len(dog.fed_at) == 2
