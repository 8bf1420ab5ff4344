"""The running monitor: one poll over the keyboard, the socket and signals.

Draws when something changed and once a second for the clock.  No threads; every
wait has an end.
"""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Callable

from polarisctl.monitor import keys, layout, session
from polarisctl.monitor.connection import Connection
from polarisctl.monitor.model import BURST_INTERVAL_S, BURST_S, Model
from polarisctl.monitor.scene import LIVE
from polarisctl.monitor.screen import Screen
from polarisctl.monitor.signals import Signals

# A little over a second, so that a sample a second is what sets the pace.
TICK_S = 1.1
LEAST_BETWEEN_DRAWS_S = 0.05
# So often in a row may stdin be ready and give nothing: then it has ended.
MOST_EMPTY_READS = 20
STDIN = 0


class Monitor:
    def __init__(
        self,
        model: Model,
        connection: Connection,
        screen: Screen,
        signals: Signals,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._connection = connection
        self._screen = screen
        self._signals = signals
        self._wall = wall
        self._steady = steady
        self._drawn = -LEAST_BETWEEN_DRAWS_S
        self._changed = True
        self._empty_reads = 0
        self._ended = 0

    def run(self) -> int:
        """Until the viewer quits (0) or a signal ends it (128 and its number)."""
        while not self._model.view.quit and not self._ended:
            for update in self._connection.step():
                self._model.apply(update, self._wall())
                self._changed = True
            self._draw_if_due()
            ready = self._wait()
            if self._signals.fileno() in ready:
                self._take_signals()
            if STDIN in ready:
                self._take_keys(ready[STDIN])
        return 128 + self._ended if self._ended else 0

    def _draw_if_due(self) -> None:
        now = self._steady()
        since_s = now - self._drawn
        if since_s < (LEAST_BETWEEN_DRAWS_S if self._changed else TICK_S):
            return
        width, rows = self._screen.size()
        scene = self._model.scene(self._connection.link, self._wall())
        self._screen.draw(layout.render(scene, width, rows))
        self._drawn, self._changed = now, False

    def _wait(self) -> dict[int, int]:
        """What is ready, at the latest when something is due."""
        poll = select.poll()
        poll.register(STDIN, select.POLLIN)
        poll.register(self._signals.fileno(), select.POLLIN)
        fd = self._connection.fileno()
        if fd is not None:
            poll.register(
                fd, select.POLLIN | (select.POLLOUT if self._connection.wants_write else 0)
            )
        next_draw = self._drawn + (LEAST_BETWEEN_DRAWS_S if self._changed else TICK_S)
        wait_s = min(self._connection.deadline(), next_draw) - self._steady()
        return dict(poll.poll(max(0, int(wait_s * 1000) + 1)))

    def _take_signals(self) -> None:
        for number in self._signals.take():
            if number in (signal.SIGWINCH, signal.SIGCONT):
                self._screen.resize()
                self._changed = True
            elif number == signal.SIGINT:
                self._model.press("q", self._wall())
            elif number in (signal.SIGTERM, signal.SIGHUP):
                self._ended = number

    def _take_keys(self, events: int) -> None:
        pressed = self._screen.keys()
        self._empty_reads = 0 if pressed else self._empty_reads + 1
        gone = not events & select.POLLIN and events & (select.POLLHUP | select.POLLERR)
        if gone or events & select.POLLNVAL or self._empty_reads > MOST_EMPTY_READS:
            self._ended = signal.SIGHUP
        for key in pressed:
            self._serve(self._model.press(key, self._wall()))
            self._changed = True
        if pressed:
            scene = self._model.scene(self._connection.link, self._wall())
            self._model.keep_scroll_within(scene, *self._screen.size())

    def _serve(self, wish: str) -> None:
        """Do what a key asked for beyond changing the view."""
        if wish == keys.REDRAW:
            self._screen.resize()
        elif wish == keys.HISTORY:
            self._connection.ask(session.HISTORY, {"seconds": self._model.view.span_s})
        elif wish == keys.BURST:
            params: dict[str, object] = {"interval_s": BURST_INTERVAL_S, "seconds": BURST_S}
            asked = self._connection.link.state == LIVE and self._connection.ask(
                session.BURST, params
            )
            if not asked:
                self._model.tell("burst: polarisd is not answering", self._wall())
