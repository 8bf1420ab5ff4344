"""The owner of the truth: the latest wins, nobody misses a change, a laggard is cut off."""

from __future__ import annotations

import msgpack
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from polarisd.api.encode import to_wire
from polarisd.api.snapshot import Event, Snapshot
from polarisd.state import EVENT_QUEUE, State
from tests.unit.build import NOW, driver, snapshot


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        self.now += 1
        return self.now


def new_state() -> State:
    return State(snapshot(), Clock())


def event(number: int = 0) -> Event:
    return Event(kind="xid", at=NOW, gpu_uuid="", text="", xid=number)


def test_a_change_is_a_new_snapshot_of_the_next_version() -> None:
    state = new_state()
    before = state.snapshot
    after = state.change(driver=driver("failed", "why"))
    assert state.snapshot is after
    assert (after.version, after.taken_at, after.driver.state) == (1, NOW + 1, "failed")
    assert (before.version, before.driver.state) == (0, "ok")
    assert state.change().version == 2


def test_a_snapshot_is_packed_once_a_version() -> None:
    state = new_state()
    first = state.packed
    assert state.packed is first
    assert msgpack.unpackb(first) == to_wire(state.snapshot)
    state.change(driver=driver("failed"))
    assert state.packed is not first
    assert msgpack.unpackb(state.packed) == to_wire(state.snapshot)


def test_a_section_that_does_not_exist_is_a_bug() -> None:
    with pytest.raises(TypeError):
        new_state().change(wheather="fine")


async def test_a_newer_snapshot_is_there_at_once() -> None:
    state = new_state()
    state.change()
    assert (await state.wait_newer(-1)).version == 1
    assert (await state.wait_newer(0)).version == 1


async def test_every_waiter_is_woken_by_a_change(autojump_clock: trio.testing.MockClock) -> None:
    state = new_state()
    woken: list[int] = []

    async def wait() -> None:
        woken.append((await state.wait_newer(0)).version)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        assert woken == []
        state.change()
    assert woken == [1] * 20


async def test_a_busy_watcher_finds_the_latest_and_misses_no_wake_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    state = new_state()
    seen: list[int] = []

    async def watch(busy_s: float) -> None:
        latest = state.snapshot.version
        while latest < 100:
            latest = (await state.wait_newer(latest)).version
            seen.append(latest)
            await trio.sleep(busy_s)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch, 1.0)
        await wait_all_tasks_blocked()
        for _ in range(100):
            state.change()
            await trio.sleep(0.1)
    assert seen[-1] == 100
    assert seen == sorted(set(seen))
    assert len(seen) < 15


async def test_changes_of_one_instant_are_one_wake_up() -> None:
    state = new_state()
    seen: list[Snapshot] = []

    async def wait() -> None:
        seen.append(await state.wait_newer(0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        for _ in range(5):
            state.change()
    assert [snapshot.version for snapshot in seen] == [5]


# Events.


async def test_each_listener_hears_each_event_in_order() -> None:
    state = new_state()
    with state.listening() as first, state.listening() as second:
        for number in range(3):
            state.tell(event(number))
        for listener in (first, second):
            assert [listener.receive_nowait().xid for _ in range(3)] == [0, 1, 2]


async def test_nobody_hears_of_what_was_before_or_after() -> None:
    state = new_state()
    state.tell(event(1))
    with state.listening() as listener, pytest.raises(trio.WouldBlock):
        listener.receive_nowait()
    state.tell(event(2))
    with pytest.raises(trio.ClosedResourceError):
        listener.receive_nowait()


async def test_who_lags_is_cut_off_and_the_others_are_not() -> None:
    state = new_state()
    with state.listening() as slow, state.listening() as quick:
        heard = []
        for number in range(2 * EVENT_QUEUE):
            state.tell(event(number))
            heard.append(quick.receive_nowait().xid)
        assert heard == [*range(2 * EVENT_QUEUE)]
        kept = [each.xid async for each in slow]
    assert kept == [*range(EVENT_QUEUE)]  # and then the channel ends


async def test_a_listener_that_closed_its_end_is_forgotten() -> None:
    state = new_state()
    with state.listening() as listener:
        listener.close()
        state.tell(event())
        state.tell(event())
