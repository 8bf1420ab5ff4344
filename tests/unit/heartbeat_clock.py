"""A clock that jumps when nothing happens, but never while a thread is at the disk."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest
import trio
from trio.testing import MockClock


@pytest.fixture
def patient_clock(monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """To a jumping clock work in threads is invisible, and all their deadlines pass at once."""
    clock = MockClock(autojump_threshold=0)
    run_sync, at_work = trio.to_thread.run_sync, 0

    async def waited_for(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
        nonlocal at_work
        at_work += 1
        clock.autojump_threshold = inf
        try:
            return await run_sync(work, *args, **more)
        finally:
            at_work -= 1
            clock.autojump_threshold = inf if at_work else 0

    monkeypatch.setattr(trio.to_thread, "run_sync", waited_for)
    return clock
