"""Progress of benchmarks as lines of text: a bar each on a terminal.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from polarisctl import cells, values
from polarisctl.terminal import BAD, DIM, GOOD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.render.readings import Record
    from polarisctl.terminal import Terminal

WAITING, RUNNING, ENDED = "waiting", "running", "ended"
MOST_BAR_CELLS = 30
LEAST_BAR_CELLS = 8
# Before this much is done, what is left cannot be told from it.
LEAST_SHARE = 0.05


@dataclass
class Entry:
    """A benchmark that was asked for: what is known of it so far.

    `run` is its number; it is `behind` while one runs that somebody else asked for.
    """

    run: int
    gpu_uuid: str
    label: str
    state: str = WAITING
    behind: bool = False
    test: str = ""
    share: float = 0.0
    started_at: float | None = None
    result: Record | None = None
    told: set[str] = field(default_factory=set)

    @property
    def outcome(self) -> str:
        return values.text(self.result, "outcome") or ""


def lines(
    entries: Sequence[Entry], *, now: float, terminal: Terminal, columns: int, rows: int
) -> list[str]:
    """At most `rows` lines of at most `columns` cells; those that run come first then."""
    shown = list(entries)
    left: list[Entry] = []
    if len(shown) > rows:
        shown.sort(key=lambda entry: (RUNNING, WAITING, ENDED).index(entry.state))
        shown, left = shown[: max(rows - 1, 0)], shown[max(rows - 1, 0) :]
    widest = max((cells.width_of(entry.label) for entry in entries), default=0)
    text = [_line(entry, widest, now, terminal, columns) for entry in shown]
    if left and rows > 0:
        counts = [
            f"{count} {state}"
            for state in (RUNNING, WAITING, ENDED)
            if (count := sum(entry.state == state for entry in left))
        ]
        text.append(_fit(f"and {len(left)} more: {', '.join(counts)}", DIM, terminal, columns))
    return text


def _line(entry: Entry, widest: int, now: float, terminal: Terminal, columns: int) -> str:
    head = cells.fit(entry.label, widest) + "  "
    if entry.state == ENDED:
        outcome = entry.outcome or "ended"
        style = GOOD if outcome == "completed" else BAD
        return _fit(head + outcome, style, terminal, columns)
    if entry.state == WAITING:
        why = waits(entry) if entry.behind else "waiting for its turn"
        return _fit(head + why, DIM, terminal, columns)
    tail = f" {100 * entry.share:3.0f} %  {entry.test or 'starting'}{_time_left(entry, now)}"
    room = columns - cells.width_of(head) - cells.width_of(tail)
    bar = _bar(entry.share, min(room, MOST_BAR_CELLS), terminal.unicode)
    return _fit(head + bar + tail, "", terminal, columns)


def waits(entry: Entry) -> str:
    return f"benchmark {entry.run} waits for others"


def _bar(share: float, width: int, unicode: bool) -> str:
    if width < LEAST_BAR_CELLS:
        return ""
    done, rest = ("█", "░") if unicode else ("#", "-")
    inner = width if unicode else width - 2
    full = max(0, min(inner, int(share * inner)))
    bar = done * full + rest * (inner - full)
    return bar if unicode else f"[{bar}]"


def _time_left(entry: Entry, now: float) -> str:
    if entry.started_at is None:
        return ""
    gone = max(0.0, now - entry.started_at)
    if entry.share < LEAST_SHARE:
        return f"  {values.age(gone)}"
    return f"  {values.age(gone)}, {values.age(gone * (1 - entry.share) / entry.share)} left"


def _fit(text: str, style: str, terminal: Terminal, columns: int) -> str:
    cleaned = text if terminal.unicode else cells.to_ascii(text)
    return terminal.paint(cells.clip(cleaned, columns, terminal.ellipsis), style)
