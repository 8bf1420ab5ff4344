"""When a validator gets its next heartbeat.  Pure; times are trio's.

Heartbeats go out in beats, one document for all; a validator gets the first one at or after
its `due_at`.  So one that does not answer is left out of beats, and never sent an old document.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

MAX_PAUSE_S = 900.0
# Of the interval, either way, so that miners do not keep in step.
JITTER = 0.1
# Between two beats, however often something changes.
MIN_GAP_S = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """`failures` in a row.  `not_before` is what the validator asked for, and nothing hurries."""

    due_at: float = -inf
    failures: int = 0
    not_before: float = -inf

    def is_due(self, now: float, *, hurried: bool = False) -> bool:
        return (self.not_before if hurried else self.due_at) <= now


def to_next_beat_s(interval_s: float, chance: float) -> float:
    """`chance` is 0 to 1."""
    return interval_s * (1 - JITTER + 2 * JITTER * chance)


def answered(beat_at: float, interval_s: float, next_beat_s: float) -> Pace:
    """The validator may want heartbeats less often than there are beats, never more often."""
    wait_s = min(next_beat_s, MAX_PAUSE_S)
    return Pace(beat_at + (wait_s if wait_s > interval_s else _before_next_s(interval_s)))


def failed(
    pace: Pace, beat_at: float, interval_s: float, retry_after_s: float | None, chance: float
) -> Pace:
    """At the next beat; if that fails too, at ever fewer, by a lot that differs for everyone."""
    failures = pace.failures + 1
    wait_s = _before_next_s(interval_s)
    if failures > 1:
        most_s = min(MAX_PAUSE_S, interval_s * 2.0 ** min(failures - 1, 20))
        wait_s = max(wait_s, most_s * (1 + chance) / 2)
    asked_s = min(retry_after_s or 0.0, MAX_PAUSE_S)
    return Pace(beat_at + max(wait_s, asked_s), failures, beat_at + asked_s)


def _before_next_s(interval_s: float) -> float:
    """Less than the shortest time between regular beats: one in between is for others."""
    return interval_s * (1 - 2 * JITTER)
