"""Makes heartbeats, each under a number of its own, and remembers the newest.

For `sender`, which sends them, and for whoever asks this machine how it is: such a request
must not use up a number and a signature each, for anybody may ask as often as he likes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import trio

from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.making import Facts, Origin, make
from polarisd.heartbeat.sequence import Sequence, Unnumbered

# For so long the newest one is told to all who ask.
FRESH_S = 5.0


class Scribe:
    """The only one who signs heartbeats with this hotkey."""

    def __init__(
        self,
        origin: Origin,
        facts: Callable[[], Facts],
        sequence: Sequence,
        clock: Callable[[], float],
    ) -> None:
        self._origin = origin
        self._facts = facts
        self._sequence = sequence
        self._clock = clock
        self._newest: Signed | None = None
        self._made_at = -inf  # trio's time: a clock that is set makes nothing fresh
        self._asking = trio.Lock()

    async def write(self) -> Signed | Unnumbered:
        """One of now."""
        number = await self._sequence.take()
        if isinstance(number, Unnumbered):
            return number
        self._newest = make(self._origin, self._facts(), number, self._clock())
        self._made_at = trio.current_time()
        return self._newest

    async def newest(self) -> Signed | Unnumbered:
        """The newest, if it is fresh; of many who ask at once one has it made."""
        async with self._asking:
            if self._newest is not None and trio.current_time() - self._made_at < FRESH_S:
                return self._newest
            return await self.write()
