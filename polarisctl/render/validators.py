"""Validators a line each, and one in full: whom heartbeats go to, and what they said last.

Ports, address and verdict are that validator's word, in answers that it signed.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import readings
from polarisctl.render.page import Column, Page
from polarisctl.terminal import BAD, DIM, GOOD, NOTE, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from polarisctl.render.page import Span
    from polarisctl.render.readings import Record
    from polarisctl.terminal import Terminal

THEIR_WORD = (
    "Address, ports and verdict are what each said in an answer that it signed. An SSH port "
    "without a lease is closed, as it should be; a silent one cannot be reached."
)
STATUS_ROWS = 4
LABEL_CELLS = 18
_SHORT_CELLS = 8
_STYLES = {"ok": GOOD, "waiting": NOTE, "muted": WARN, "unreachable": BAD, "refused": BAD}
_WORST_FIRST = ("silent", "closed", "open", "ssh")
_COLUMNS = (
    Column("VALIDATOR"),
    Column("UID", right=True, drop=2),
    Column("ENDPOINT", drop=6),
    Column("STATE"),
    Column("ACCEPTED", right=True),
    Column("SEES ME AS", drop=4),
    Column("PORTS", least=22, drop=3),
    Column("VERDICT", least=8, drop=1),
)


def in_order(found: Iterable[Record]) -> list[Record]:
    """Those that want something done first; else as the daemon has them."""
    return sorted(found, key=lambda each: each.get("state") in ("ok", "waiting"))


def validators_table(found: Sequence[Record], terminal: Terminal, now: float) -> str:
    page = Page(terminal)
    if not found:
        page.line("no validators")
        return page.text()
    _add_table(page, in_order(found), now)
    page.prose(THEIR_WORD, style=DIM)
    troubles = list(_troubles(found))
    if troubles:
        page.blank()
    for who, what, remedy in troubles:
        add_trouble(page, who, what, remedy)
    return page.text()


def add_validators(page: Page, found: Sequence[Record], now: float) -> None:
    """The worst few, for `polarisctl status`."""
    if not found:
        return
    page.blank()
    shown = in_order(found)[:STATUS_ROWS]
    _add_table(page, shown, now)
    if len(found) > len(shown):
        page.line((f"and {len(found) - len(shown)} more: polarisctl validators", DIM))
    for who, what, remedy in _troubles(shown):
        add_trouble(page, who, what, remedy)


def _add_table(page: Page, found: Sequence[Record], now: float) -> None:
    page.table(_COLUMNS, [_row(each, now) for each in found])


def add_trouble(page: Page, who: str, what: str, remedy: str) -> None:
    page.prose(what, first=f"{who}: ")
    if remedy:
        page.prose(remedy, indent=2, first="→ ")


def _troubles(found: Iterable[Record]) -> Iterator[tuple[str, str, str]]:
    """Whose, what and what to do; of several with the same trouble, together."""
    whose: dict[tuple[str, str], list[str]] = {}
    for each in found:
        if detail := values.text(each, "detail"):
            same = f"{readings.text(each, 'state')}: {detail}", values.text(each, "remedy") or ""
            whose.setdefault(same, []).append(short(each))
    for (what, remedy), names in whose.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield ", ".join(names[:3]) + more, what, remedy


def short(validator: Record) -> str:
    hotkey = readings.text(validator, "hotkey")
    return hotkey if len(hotkey) <= _SHORT_CELLS + 1 else f"{hotkey[:_SHORT_CELLS]}…"


def _row(validator: Record, now: float) -> list[Span]:
    state = readings.text(validator, "state")
    return [
        short(validator),
        readings.measured(validator, "uid", readings.count),
        readings.text(validator, "endpoint"),
        (state, _STYLES.get(state, BAD)),
        _ago(validator, "replied_at", now),
        readings.text(validator, "sees_us_as"),
        ports_text(ports_of(validator)) or readings.NOT_KNOWN,
        _verdict(validator),
    ]


def _ago(validator: Record, key: str, now: float) -> str:
    at = values.number(validator, key)
    return "never" if at is None else f"{values.age(now - at)} ago"


def _verdict(validator: Record) -> str:
    return values.text(validator, "verdict") or "none yet"


# What a validator saw of the ports.


def ports_of(validator: Record) -> dict[int, str]:
    """Its answer for each port that it tried."""
    return {
        int(port): str(seen.get("answer"))
        for seen in values.maps(validator, "ports")
        if (port := values.number(seen, "port")) is not None and seen.get("answer") != "not_tried"
    }


def of_most(found: Iterable[Record]) -> dict[int, str]:
    """For each port the answer that most have; of two with as many, the worse."""
    votes: dict[int, list[str]] = {}
    for each in found:
        for port, answer in ports_of(each).items():
            votes.setdefault(port, []).append(answer)
    return {
        port: max(sorted(answers, key=_rank), key=answers.count) for port, answers in votes.items()
    }


def _rank(answer: str) -> int:
    return _WORST_FIRST.index(answer) if answer in _WORST_FIRST else len(_WORST_FIRST)


def ports_text(answers: dict[int, str]) -> str:
    """`8000 open, 11000-11002 closed`: by number, neighbours of one answer together."""
    runs: list[list[int]] = []
    for port in sorted(answers):
        if runs and runs[-1][-1] == port - 1 and answers[runs[-1][-1]] == answers[port]:
            runs[-1].append(port)
        else:
            runs.append([port])
    return ", ".join(f"{_span(run)} {answers[run[0]]}" for run in runs)


def _span(run: Sequence[int]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"


# One in full.


def validator_detail(validator: Record, terminal: Terminal, now: float) -> str:
    page = Page(terminal)
    page.heading(f"validator {readings.text(validator, 'hotkey')}")
    state = readings.text(validator, "state")
    for label, value in (
        ("uid", _known(validator, "uid")),
        ("endpoint", readings.text(validator, "endpoint")),
        ("state", (state, _STYLES.get(state, BAD))),
        ("sent", _known(validator, "beats_sent") + " heartbeats since polarisd started"),
        ("accepted", _known(validator, "beats_answered")),
        ("last sent", readings.moment(validator, "sent_at", now)),
        ("last accepted", readings.moment(validator, "replied_at", now)),
        ("last heard", readings.moment(validator, "heard_at", now)),
        ("next", _due(validator, now)),
        ("clock", _clock(validator)),
    ):
        page.field(label, value, label_cells=LABEL_CELLS)
    if values.text(validator, "detail"):
        page.blank()
        add_trouble(
            page,
            state,
            str(values.text(validator, "detail")),
            values.text(validator, "remedy") or "",
        )
    page.blank()
    page.heading("what it says of this machine")
    page.field("sees it as", readings.text(validator, "sees_us_as"), label_cells=LABEL_CELLS)
    seen = ports_text(ports_of(validator)) or readings.NOT_KNOWN
    page.field("ports", seen, label_cells=LABEL_CELLS)
    page.field("looked", readings.moment(validator, "looked_at", now), label_cells=LABEL_CELLS)
    page.field("verdict", _verdict(validator), label_cells=LABEL_CELLS)
    page.field("judged", readings.moment(validator, "verdict_at", now), label_cells=LABEL_CELLS)
    return page.text()


def _known(validator: Record, key: str) -> str:
    return readings.measured(validator, key, readings.count)


def _due(validator: Record, now: float) -> str:
    at = values.number(validator, "next_at")
    return readings.NOT_KNOWN if at is None else f"in {values.age(at - now)}"


def _clock(validator: Record) -> str:
    ahead_s = values.number(validator, "clock_ahead_s")
    if ahead_s is None:
        return readings.NOT_KNOWN
    way = "ahead of" if ahead_s > 0 else "behind"
    return f"this machine's is {abs(ahead_s):.1f} s {way} its"
