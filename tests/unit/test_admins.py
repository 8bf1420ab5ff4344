"""The administrators' group: what hangs or fails changes nothing and is not waited for."""

from __future__ import annotations

import threading

import pytest
import trio
from trio.testing import MockClock

from polarisd.control.admins import LOOKUP_DEADLINE_S, AdminGroup


async def test_a_group_that_is_made_later() -> None:
    groups: dict[str, int] = {}
    admins = AdminGroup("polaris", groups.get)
    await admins.look_up()
    assert admins.gid is None
    groups["polaris"] = 50
    assert admins.gid is None
    await admins.look_up()
    assert admins.gid == 50


async def test_a_directory_service_that_does_not_answer(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop goes on, a deadline ends the wait, and no second thread is spent on it."""
    asked, answer, threads = threading.Event(), threading.Event(), []

    def hang(name: str) -> int:
        threads.append(threading.get_ident())
        asked.set()
        answer.wait(60)
        return 51

    admins = AdminGroup("polaris", hang)
    admins.gid = 50
    try:
        for number in range(1, 4):
            await admins.look_up()
            assert trio.current_time() == pytest.approx(number * LOOKUP_DEADLINE_S)
            assert asked.wait(10)  # the clock may jump before the thread has begun
        assert admins.gid == 50
        assert len(threads) == 1
        assert "cannot look up group polaris: no answer within 3 s" in caplog.text
    finally:
        answer.set()


async def test_a_lookup_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(name: str) -> int:
        raise OSError(24, "Too many open files")

    admins = AdminGroup("polaris", fail)
    admins.gid = 50
    await admins.look_up()
    assert admins.gid == 50
    assert "Too many open files" in caplog.text
