"""Showing progress: bars that redraw themselves, plain lines, or nothing for --json.

`follow` calls `show` whenever something is new.  Resource handling: use it in a
`with`; the bars then leave the terminal as it was, without them.
"""

from __future__ import annotations

import os

from polarisctl import values
from polarisctl.benchmark import bars, wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.benchmark.bars import Entry
    from polarisctl.context import Context

_UP_AND_CLEAR = "\x1b[{}F\x1b[J"
# Else a line that became too long, as the terminal became narrower, takes two rows.
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"


def choose(context: Context, as_json: bool) -> Display:
    if as_json:
        return Display(context)
    dumb = context.environ.get("TERM", "dumb") == "dumb"
    return Bars(context) if context.terminal.is_tty and not dumb else Lines(context)


class Display:
    """Shows nothing; `wants_figures` says whether results are wanted before the end."""

    wants_figures = False

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def show(self, entries: Sequence[Entry]) -> None:
        """What is known now."""

    def say(self, text: str) -> None:
        """Something that does not go away, on stderr."""
        self._context.warn(text)
        self._context.stderr.flush()


class Lines(Display):
    """A line for each test that is done, as for a log."""

    wants_figures = True

    def show(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._tell(entry)
        self._context.stdout.flush()

    def _tell(self, entry: Entry) -> None:
        if entry.state == bars.WAITING and entry.behind and "waits" not in entry.told:
            entry.told.add("waits")
            self._context.print(f"{entry.label}: {bars.waits(entry)}")
        if entry.state != bars.WAITING and "" not in entry.told:
            entry.told.add("")
            self._context.print(f"{entry.label}: benchmark {entry.run} begins")
        for figure in values.maps(entry.result, "figures"):
            test = values.text(figure, "test") or ""
            if test not in entry.told:
                entry.told.add(test)
                why = values.why(figure, "value")
                said = f"not measured: {why}" if why else wording.measured(figure)
                self._context.print(f"{entry.label}: {test}: {said}")
        if entry.state == bars.ENDED and "ended" not in entry.told:
            entry.told.add("ended")
            self._context.print(f"{entry.label}: {entry.outcome or 'ended'}")


class Bars(Display):
    """A bar for each benchmark, drawn over the ones before."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._drawn = 0

    def __enter__(self) -> Bars:
        self._write(_WRAP_OFF)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._back() + _WRAP_ON)

    def show(self, entries: Sequence[Entry]) -> None:
        columns, rows = self._size()
        text = bars.lines(
            entries,
            now=self._context.now(),
            terminal=self._context.terminal,
            columns=columns,
            rows=rows - 1,
        )
        back, self._drawn = self._back(), len(text)
        self._write(back + "".join(line + "\n" for line in text))

    def say(self, text: str) -> None:
        self._write(self._back())
        super().say(text)

    def _back(self) -> str:
        drawn, self._drawn = self._drawn, 0
        return _UP_AND_CLEAR.format(drawn) if drawn else ""

    def _size(self) -> tuple[int, int]:
        """As it is now: a terminal may be made narrower at any time."""
        try:
            size = os.get_terminal_size(self._context.stdout.fileno())
        except (OSError, ValueError):
            return self._context.terminal.columns, 24
        return size.columns or self._context.terminal.columns, max(size.lines, 2)

    def _write(self, text: str) -> None:
        self._context.stdout.write(text)
        self._context.stdout.flush()
