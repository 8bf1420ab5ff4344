"""Feeds systemd's watchdog only while the real work of the daemon goes on.

The canary lives in the same loop as everything else, so a loop that is blocked
feeds nothing; and each service that must not stall shows a sign of life, whose
absence stops the feeding too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from polarisd.journal import fields

log = logging.getLogger(__name__)

_LATE_S = 1.0


class Canary:
    """Who must show signs of life, how often, and when each last did."""

    def __init__(self) -> None:
        self._limits_s: dict[str, float] = {}
        self._beats: dict[str, float] = {}

    def watch(self, name: str, limit_s: float) -> Callable[[], None]:
        """Expect a sign of life at least every `limit_s`; call the result to give one."""
        self._limits_s[name] = limit_s
        beat = self._beater(name)
        beat()
        return beat

    def stalled(self) -> list[str]:
        now = trio.current_time()
        return sorted(n for n, beat in self._beats.items() if now - beat > self._limits_s[n])

    async def feed(self, watchdog: Callable[[], None], interval_s: float) -> None:
        """Never returns.  Withholds the food, and says so, while a service stalls."""
        while True:
            due = trio.current_time() + interval_s
            await trio.sleep_until(due)
            late_s = trio.current_time() - due
            if late_s > _LATE_S:
                log.warning(
                    "the main loop was blocked for %.1f s",
                    late_s,
                    extra=fields(event="loop_blocked", late_s=round(late_s, 3)),
                )
            stalled = self.stalled()
            if stalled:
                log.error(
                    "watchdog not fed: no sign of life from %s",
                    ", ".join(stalled),
                    extra=fields(event="watchdog_withheld"),
                )
                continue
            watchdog()

    def _beater(self, name: str) -> Callable[[], None]:
        def beat() -> None:
            self._beats[name] = trio.current_time()

        return beat
