"""When what is done again and again is due: at whole multiples of its interval.

Everything in the daemon that is periodic wakes by this one clock, so that the
processor is woken once for all of it: a wake out of idleness costs more than what
is then done.  Imports nothing of polarisd.
"""

from __future__ import annotations

import math

import trio


def next_due(last: float, now: float, interval_s: float) -> float:
    """When to do again what was begun at `last`.

    A multiple of `interval_s`, at least half of that away from `last`.  Those that
    `now` shows to be missed are skipped.
    """
    due = (round(last / interval_s) + 1) * interval_s
    return due if due > now else (math.floor(now / interval_s) + 1) * interval_s


async def sleep_to_next(interval_s: float) -> None:
    """Wait for a multiple of `interval_s`, for half of it at least."""
    now = trio.current_time()
    await trio.sleep_until(next_due(now, now, interval_s))
