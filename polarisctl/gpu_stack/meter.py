"""How far it is: one line that is drawn over on a terminal, a line for each part elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from polarisctl.cells import clip
from polarisctl.terminal import DEFAULT_COLUMNS
from polarisctl.values import rate, size

_BAR_CELLS = 20
_DRAW_EVERY_S = 0.1


def bar(done: int, total: int, cells: int = _BAR_CELLS) -> str:
    full = cells if done >= total else cells * done // total
    return "#" * full + "." * (cells - full)


def line(what: str, done: int, total: int, bps: float, left_s: float | None) -> str:
    text = f"[{bar(done, total)}] {size(done)} of {size(total)}"
    if left_s is not None:
        minutes, seconds = divmod(round(left_s), 60)
        text += f", {rate(bps)}, {minutes}:{seconds:02d} left"
    return f"{text}  {what}"


class Meter:
    """Of one stage, such as the download: `total` bytes in several parts."""

    def __init__(
        self,
        stage: str,
        total: int,
        stream: TextIO,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage = stage
        self._total = total
        self._stream = stream
        self._clock = clock
        self._draws = stream.isatty() and environ.get("TERM") != "dumb"
        self._began: tuple[float, int] | None = None
        self._drawn_at = 0.0
        self._before = 0
        self._part = ("", 0)

    def begin(self, what: str, part_bytes: int) -> Callable[[int], None]:
        """The next part; the answer is told how much of it is done."""
        self._before += self._part[1]
        self._part = (what, part_bytes)
        if not self._draws:
            self._stream.write(f"{self._stage} {what}, {size(part_bytes)}\n")
            self._stream.flush()
        return self._tell

    def _tell(self, done_of_part: int) -> None:
        now = self._clock()
        done = self._before + done_of_part
        if self._began is None:
            # What was here before took no time: the rate is that of the rest.
            self._began = (now, done)
        if not self._draws or (now - self._drawn_at < _DRAW_EVERY_S and done < self._total):
            return
        self._drawn_at = now
        took_s, came = now - self._began[0], done - self._began[1]
        bps = came / took_s if took_s > 0 else 0.0
        left_s = (self._total - done) / bps if bps > 0 and took_s > 1 else None
        text = line(f"{self._stage} {self._part[0]}", done, self._total, bps, left_s)
        self._stream.write(f"\r{clip(text, self._columns() - 1)}\x1b[K")
        self._stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or DEFAULT_COLUMNS
        except (OSError, ValueError):
            return DEFAULT_COLUMNS

    def end(self) -> None:
        """Leave the line; also when it stops half way."""
        if self._draws and self._drawn_at:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn_at = 0.0
