"""How long to leave a node alone after a failure.  Pure: `chance` is given.

For `line`.  A node that asks to be left alone is left alone for at least that long,
and the longer the more often it has asked; all others are tried soon, then less often.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.chain.outcomes import Failed

# The node itself said no: to come back at once would only make it worse.
ASKED_AWAY = frozenset({"node_rate_limited", "node_refuses"})
# Nothing is wrong with the node.
AT_ONCE = frozenset({"reopened", "runtime_changed"})
# What will not mend within seconds: another chain, or a runtime too new for us.
SLOWLY = frozenset({"wrong_chain", "not_understood", "not_a_node"})
_MAX_DOUBLINGS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """First waits and the longest, in seconds."""

    first_s: float = 1.0
    longest_s: float = 60.0
    slow_first_s: float = 30.0
    slow_longest_s: float = 900.0
    asked_first_s: float = 60.0
    asked_longest_s: float = 2 * 3600.0


def wait_s(failed: Failed, failures: int, chance: float, pace: Pace) -> float:
    """Seconds before the next attempt.

    `failures` counts those in a row, this one included; `chance` is from 0 to 1 and
    spreads many machines out, by a half.
    """
    if failed.code in AT_ONCE and failures <= 1:
        return 0.0
    if failed.code in ASKED_AWAY:
        wait = _doubled(pace.asked_first_s, pace.asked_longest_s, failures)
        # spread upwards only: never before the time that it asked for
        return max(wait, failed.retry_after_s or 0.0) * (1.0 + 0.5 * chance)
    if failed.code in SLOWLY:
        wait = _doubled(pace.slow_first_s, pace.slow_longest_s, failures)
    else:
        wait = _doubled(pace.first_s, pace.longest_s, failures)
    return wait * (0.5 + 0.5 * chance)


def _doubled(first_s: float, longest_s: float, failures: int) -> float:
    doublings = min(max(failures - 1, 0), _MAX_DOUBLINGS)
    return float(min(first_s * 2.0**doublings, longest_s))
