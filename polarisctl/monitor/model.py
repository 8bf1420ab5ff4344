"""What the monitor knows, and how it changes with each key and each update.  No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from polarisctl import values
from polarisctl.monitor import keys, layout, session
from polarisctl.monitor.glyphs import Glyphs
from polarisctl.monitor.history import History
from polarisctl.monitor.scene import Link, Notice, Scene, View, uuids
from polarisctl.monitor.session import Update

MAX_EVENTS = 200
NOTICE_S = 6.0
BURST_S = 30.0
BURST_INTERVAL_S = 0.1


class Model:
    """Holds the view, the newest snapshot, the history and the events."""

    def __init__(self, interval_s: float, glyphs: Glyphs, utc_offset_s: int) -> None:
        self.view = View()
        self._interval_s = interval_s
        self._glyphs = glyphs
        self._utc_offset_s = utc_offset_s
        self._newest: Mapping[str, object] | None = None
        self._shown: Mapping[str, object] | None = None
        self._history = History(interval_s)
        self._events: list[Mapping[str, object]] = []
        self._notice = Notice()
        self._burst_until_at = 0.0

    def scene(self, link: Link, now: float) -> Scene:
        return Scene(
            view=self.view,
            snapshot=self._shown,
            history=self._history,
            events=tuple(self._events),
            link=link,
            now=now,
            interval_s=self._interval_s,
            notice=self._notice,
            burst_until_at=self._burst_until_at,
            utc_offset_s=self._utc_offset_s,
            glyphs=self._glyphs,
        )

    def press(self, key: str, now: float) -> str:
        """Take a key; returns what it asks for: keys.BURST, HISTORY, REDRAW or nothing."""
        gpus = values.maps(self._shown, "gpus")
        numbers = [values.number(gpu, "identity", "index") for gpu in gpus]
        listed = tuple(
            (uuid, -1 if number is None else int(number))
            for uuid, number in zip(uuids(self._shown), numbers, strict=True)
        )
        self.view, wish = keys.press(self.view, key, listed, now)
        if self.view.paused_at is None:
            self._shown = self._newest
        return wish

    def keep_scroll_within(self, scene: Scene, width: int, rows: int) -> None:
        limit = layout.scroll_limit(scene, width, rows)
        self.view = replace(self.view, scroll=min(self.view.scroll, limit))

    def tell(self, text: str, now: float) -> None:
        self._notice = Notice(text, now + NOTICE_S)

    def apply(self, update: Update, now: float) -> None:
        """Take what came over the socket."""
        if update.error is not None:
            hint = f"; {update.error.hint}" if update.error.hint else ""
            self.tell(f"{update.kind}: {update.error.message}{hint}", now)
        elif update.kind == session.SNAPSHOT:
            self._newest = update.item
            self._history.add_snapshot(update.item)
            if self.view.paused_at is None:
                self._shown = update.item
        elif update.kind == session.EVENT:
            self._events = [*self._events, update.item][-MAX_EVENTS:]
        elif update.kind == session.HISTORY:
            self._history.add_reply(update.item)
        elif update.kind == session.BURST:
            self._burst_until_at = values.number(update.item, "until_at") or 0.0
