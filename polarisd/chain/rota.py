"""Which node is turned to next, and when.  Pure, but that it remembers; for `line`.

A node that asks to be left alone is: nobody turns to it before its time.  The others know
nothing of that, and are turned to meanwhile.
"""

from __future__ import annotations

from polarisd.chain.backoff import ASKED_AWAY, Pace, wait_s
from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Failed


class Rota:
    def __init__(self, endpoints: tuple[str, ...], pace: Pace) -> None:
        self._endpoints = endpoints
        self._pace = pace
        self._turn = 0
        self._failures = 0  # in a row, wherever
        self._asked = dict.fromkeys(endpoints, 0)  # in a row, by each
        self._rests_until = dict.fromkeys(endpoints, float("-inf"))

    @property
    def endpoint(self) -> str:
        return self._endpoints[self._turn]

    def after(self, why: Failed, *, was_good: bool, chance: float, now: float) -> float:
        """Seconds to wait before `endpoint`, which may be another from here on, is turned to.

        `was_good` is whether the chain was followed there before it ended with `why`.
        """
        self._failures = 1 if was_good else self._failures + 1
        if was_good:
            self._asked[self.endpoint] = 0
        if why.code not in ASKED_AWAY:
            wait = wait_s(why, self._failures, chance, self._pace)
            if wait == 0.0:
                return 0.0
        else:
            self._asked[self.endpoint] += 1
            rest = wait_s(why, self._asked[self.endpoint], chance, self._pace)
            self._rests_until[self.endpoint] = now + rest
            wait = wait_s(fail("unreachable"), self._failures, chance, self._pace)
        self._turn = self._next(now + wait)
        return max(wait, self._rests_until[self.endpoint] - now)

    def _next(self, then: float) -> int:
        """The next in turn that does not rest by then; else, that which has rested first."""
        count = len(self._endpoints)
        turns = [(self._turn + step) % count for step in range(1, count + 1)]
        return min(turns, key=lambda turn: max(self._rests_until[self._endpoints[turn]], then))
