"""What a validator's operator reads in the journal of miners that come, and come back.

For `answering`.  A line for each, and of a flood of them a few, and how many there were.
"""

from __future__ import annotations

import logging
from math import inf

from polarisd.heartbeat.book import Record
from polarisd.journal import fields

log = logging.getLogger(__name__)

# A shorter silence is a restart, or a validator's own.
AWAY_S = 600.0
MAX_LINES = 20
_WINDOW_S = 60.0


class Arrivals:
    """Told of each new heartbeat; `before` is the record that it replaces."""

    def __init__(self) -> None:
        self._window_at = -inf
        self._lines = 0
        self._untold = 0

    def take(self, record: Record, before: Record | None) -> None:
        if before is None:
            self._say(record, f"miner {record.hotkey} appears, from {record.address}")
            return
        silent_s = record.last_at - before.last_at
        if silent_s > AWAY_S:
            said = f"is back after {silent_s / 60:.0f} min, from {record.address}"
            self._say(record, f"miner {record.hotkey} {said}")

    def _say(self, record: Record, text: str) -> None:
        if not 0 <= record.last_at - self._window_at < _WINDOW_S:
            if self._untold:
                log.info("so many more miners appeared or came back: %d", self._untold)
            self._window_at, self._lines, self._untold = record.last_at, 0, 0
        if self._lines >= MAX_LINES:
            self._untold += 1
            return
        self._lines += 1
        log.info(text, extra=fields(event="miner_seen", hotkey=record.hotkey))
