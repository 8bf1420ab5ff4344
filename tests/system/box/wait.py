"""Waiting for something outside: looking again until a deadline, never just sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.05


def wait_for(what: str, look: Callable[[], T | None], timeout_s: float = 30) -> T:
    """What `look` returns, once that is true; `what` names it in the failure."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(PAUSE_S)
