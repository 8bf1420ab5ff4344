"""One session: deadlines, order, and what it does to a client that misbehaves."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

import msgpack
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from polarisd.api.errors import BAD_CONFIG, STOPPING, ControlError
from polarisd.api.wire import MAX_FRAME_BYTES
from polarisd.control.access import READ
from polarisd.control.outlet import SEND_DEADLINE_S
from polarisd.control.session import (
    FRAME_DEADLINE_S,
    IDLE_DEADLINE_S,
    MAX_WATCHES,
)
from polarisd.state import EVENT_QUEUE
from tests.unit.control_support import Desk, event, new_state, session

SNAPSHOT = msgpack.packb([0, 9, "snapshot", {}])
LARGE = "x" * 50_000


async def test_a_frame_that_is_not_finished(autojump_clock: MockClock) -> None:
    async with session() as peer:
        begun = trio.current_time()
        await peer.send(SNAPSHOT[:5])
        assert (await peer.farewell())["code"] == "bad_frame"
        assert trio.current_time() - begun == pytest.approx(FRAME_DEADLINE_S)


async def test_a_frame_that_trickles_in(autojump_clock: MockClock) -> None:
    """A byte now and then is no excuse."""
    async with session() as peer:
        for byte in SNAPSHOT[:5]:
            await peer.send(bytes([byte]))
            await trio.sleep(FRAME_DEADLINE_S / 4.5)
        assert (await peer.farewell())["code"] == "bad_frame"


async def test_each_frame_has_its_own_deadline(autojump_clock: MockClock) -> None:
    """A client that always has one under way is not slow, if each is finished."""
    async with session() as peer:
        await peer.send(SNAPSHOT[:5])
        for _ in range(20):
            await trio.sleep(FRAME_DEADLINE_S * 0.9)
            await peer.send(SNAPSHOT[5:] + SNAPSHOT[:5])
            assert await peer.frame()


async def test_a_client_that_asks_nothing(autojump_clock: MockClock) -> None:
    async with session() as peer:
        await peer.call("snapshot")
        begun = trio.current_time()
        assert (await peer.farewell())["code"] == "idle"
        assert trio.current_time() - begun == pytest.approx(IDLE_DEADLINE_S)


async def test_one_that_watches_may_be_quiet(autojump_clock: MockClock) -> None:
    async with session() as peer:
        watch = (await peer.call("watch"))["watch"]
        await trio.sleep(10 * IDLE_DEADLINE_S)
        await peer.call("unwatch", watch=watch)
        begun = trio.current_time()
        assert (await peer.farewell())["code"] == "idle"
        assert trio.current_time() - begun == pytest.approx(IDLE_DEADLINE_S)


async def test_one_whose_watch_was_ended_is_idle_again(autojump_clock: MockClock) -> None:
    state = new_state()
    async with session(state) as peer:
        await peer.call("watch")
        await wait_all_tasks_blocked()
        for number in range(EVENT_QUEUE + 2):
            state.tell(event(number))
        begun = trio.current_time()
        assert (await peer.farewell())["code"] == "idle"
        assert trio.current_time() - begun == pytest.approx(IDLE_DEADLINE_S)


async def test_one_that_never_reads(autojump_clock: MockClock) -> None:
    """It is cut off in the middle of a frame, so it is not told why."""
    state = new_state(LARGE)
    async with session(state, small=True) as deaf, session(state) as other:
        begun = trio.current_time()
        await deaf.request("snapshot")
        await wait_all_tasks_blocked()
        assert (await other.call("snapshot"))["host"]["hostname"] == LARGE
        assert trio.current_time() == begun
        await deaf.ended.wait()
        assert trio.current_time() - begun == pytest.approx(SEND_DEADLINE_S)
        assert await deaf.rest() == []
        assert await other.call("snapshot")


async def test_one_that_reads_in_time(autojump_clock: MockClock) -> None:
    async with session(new_state(LARGE), small=True) as peer:
        for _ in range(3):
            await peer.request("snapshot")
            await trio.sleep(SEND_DEADLINE_S * 0.9)
            assert await peer.frame()


async def test_a_watch_that_ends_leaves_no_half_frame(autojump_clock: MockClock) -> None:
    """The client asks for the end while it has not read what came."""
    async with session(new_state(LARGE), small=True) as peer:
        await peer.request("watch", interval_s=0.05)
        await wait_all_tasks_blocked()
        await peer.request("unwatch", watch=1)
        await peer.request("snapshot")
        await trio.sleep(1)
        reply, item, ended, snapshot = [await peer.frame() for _ in range(4)]
        assert reply == [1, 1, None, {"watch": 1}]
        assert item is not None and item[:2] == [2, "snapshot"]
        assert ended == [1, 2, None, {}]
        assert snapshot is not None and snapshot[3]["host"]["hostname"] == LARGE


async def test_a_watch_ends_once(autojump_clock: MockClock) -> None:
    async with session() as peer:
        frames = [["watch", {}], ["unwatch", {"watch": 1}], ["unwatch", {"watch": 1}]]
        await peer.send(b"".join(msgpack.packb([0, i, *f]) for i, f in enumerate(frames)))
        await peer.stream.send_eof()
        replies = [frame for frame in await peer.rest() if frame[0] == 1]
        assert [reply[2] and reply[2]["code"] for reply in replies] == [None, None, "not_found"]


async def test_a_slow_reader_gets_the_newest(autojump_clock: MockClock) -> None:
    state = new_state(LARGE)
    async with session(state, small=True) as peer:
        await peer.request("watch", interval_s=0.05, events=False)
        await wait_all_tasks_blocked()
        for _ in range(1000):
            state.change()
        await trio.sleep(1)
        assert await peer.frame() == [1, 1, None, {"watch": 1}]
        versions = []
        while 1000 not in versions:
            frame = await peer.frame()
            assert frame is not None
            versions.append(frame[2]["item"]["version"])
        assert versions == [0, 1000]


async def test_a_watch_misses_nothing_after_its_reply(autojump_clock: MockClock) -> None:
    """First the whole, and then what happened since the watch began."""
    state = new_state()
    async with session(state) as peer:
        await wait_all_tasks_blocked()
        number = peer.session.begin_watch(1.0, True)
        state.tell(event(79))
        state.change()
        first, second = await peer.frame(), await peer.frame()
        assert first is not None and second is not None
        assert first[1] == "snapshot" and first[2]["item"]["version"] == 1
        assert second[1] == "event" and second[2]["item"]["xid"] == 79
        assert first[2]["watch"] == second[2]["watch"] == number


async def test_a_laggard_is_told_and_may_watch_anew(autojump_clock: MockClock) -> None:
    state = new_state()
    async with session(state) as peer:
        await peer.call("watch", interval_s=3600)
        await wait_all_tasks_blocked()
        for number in range(3 * EVENT_QUEUE):
            state.tell(event(number))
        told = []
        while (frame := await peer.frame()) is not None and frame[1] != "watch_ended":
            if frame[1] == "event":
                told.append(frame[2]["item"]["xid"])
        assert frame is not None
        assert frame[2]["error"]["code"] == "too_slow"
        # One was on its way already.
        assert told == list(range(EVENT_QUEUE + 1))
        assert (await peer.call("unwatch", watch=1))["code"] == "not_found"
        assert await peer.call("watch") == {"watch": 2}


async def test_ended_watches_make_room_at_once(autojump_clock: MockClock) -> None:
    async with session() as peer:
        for number in range(1, 4 * MAX_WATCHES):
            await peer.request("watch")
            await peer.request("unwatch", watch=number)
        await peer.stream.send_eof()
        replies = [frame for frame in await peer.rest() if frame[0] == 1]
        assert [reply[2] for reply in replies] == [None] * len(replies)
        assert len(replies) == 2 * (4 * MAX_WATCHES - 1)


@pytest.mark.logs_errors("bug in the handler of config")
async def test_a_bug_in_a_handler(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with session() as peer, session() as other:
        error = await peer.call("config")
        assert error["code"] == "internal"
        assert "ZeroDivisionError" not in error["message"]
        assert "put here by a test" in caplog.text
        assert "Traceback" in caplog.text
        assert (await peer.call("snapshot"))["version"] == 0
        assert (await other.call("snapshot"))["version"] == 0


async def test_an_answer_that_fits_in_no_frame(autojump_clock: MockClock) -> None:
    desk = Desk(new_state())
    desk.columns = {"power_w": [1.5] * 200_000}
    async with session(desk=desk) as peer:
        error = await peer.call("history")
        assert error["code"] == "refused"
        assert error["hint"] == "ask for less at once"
        desk.columns = {}
        assert await peer.call("history", seconds=60) == {"seconds": 60}


async def test_requests_are_answered_in_their_order(autojump_clock: MockClock) -> None:
    """One that takes long holds up those after it, and no other session."""
    desk = Desk(new_state())
    desk.reloading_takes_s = 5
    async with session(desk=desk) as peer, session() as other:
        for method in ("reload", "snapshot", "stop"):
            await peer.request(method)
        assert await other.call("snapshot")
        assert desk.wanted == []
        frames = [await peer.frame() for _ in range(3)]
        assert [frame[1] for frame in frames if frame] == [1, 2, 3]
        assert desk.wanted == [False]
        assert trio.current_time() == pytest.approx(5)


async def test_many_who_ask_for_what_takes_long(autojump_clock: MockClock) -> None:
    """They pipeline hundreds of requests; another waits for a few turns, not for all."""
    flooders, each = 16, 250
    desk = Desk(new_state())
    desk.history_takes_s = 0.003
    flood = b"".join(msgpack.packb([0, i, "history", {}]) for i in range(each))
    async with AsyncExitStack() as stack:
        peers = [
            await stack.enter_async_context(session(desk=desk, stopwatch=desk.stopwatch))
            for _ in range(flooders + 1)
        ]
        await wait_all_tasks_blocked()
        for peer in peers[1:]:
            os.write(peer.stream.socket.fileno(), flood)  # so that all of it is there at once
        assert await peers[0].call("snapshot")
        assert desk.histories < flooders * 20


async def test_what_only_tells_is_not_done_for_nobody(autojump_clock: MockClock) -> None:
    desk = Desk(new_state())
    async with session(desk=desk) as peer:
        for method in ("history", "config", "snapshot", "hello", "no such thing", "stop"):
            await peer.send(msgpack.packb([2, method, {}]))
        assert await peer.call("snapshot")
        assert desk.histories == 0
        assert desk.wanted == [False]


async def test_an_error_fits_into_a_frame_whatever_it_says(autojump_clock: MockClock) -> None:
    desk = Desk(new_state())
    desk.reload_problem = ControlError(BAD_CONFIG, "\udcff" * (1 << 20), "é" * (1 << 20))
    async with session(desk=desk) as peer:
        error = await peer.call("reload")
        assert error["code"] == "bad_config"
        assert len(msgpack.packb(error)) < MAX_FRAME_BYTES
        error = await peer.call("snapshot", **{f"k{i}": i for i in range(200)})
        assert error["message"].count("not a known key") == 50
        assert error["message"].endswith("; and 150 more")


async def test_who_may_only_read(autojump_clock: MockClock) -> None:
    desk = Desk(new_state())
    async with session(desk=desk, access=READ) as peer:
        hello = await peer.call(
            "hello", client="t", version="0", protocol_major=1, protocol_minor=0
        )
        assert hello["access"] == READ
        # A notification of it has no effect either.
        await peer.send(msgpack.packb([2, "stop", {}]))
        assert (await peer.call("stop"))["code"] == "not_permitted"
        assert desk.wanted == []


async def test_a_session_that_is_closed_while_it_streams(autojump_clock: MockClock) -> None:
    state = new_state(LARGE)
    async with session(state) as peer, session(state, small=True) as deaf:
        for client in (peer, deaf):
            await client.request("watch", interval_s=0.05)
        await wait_all_tasks_blocked()
        begun = trio.current_time()
        for client in (peer, deaf):
            client.session.close(ControlError(STOPPING, "polarisd is stopping"))
        assert (await peer.farewell())["code"] == "stopping"
        await deaf.ended.wait()
        assert trio.current_time() - begun < 1
