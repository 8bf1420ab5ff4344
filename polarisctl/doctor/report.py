"""The doctor's findings as text for people and as a map for programs.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from polarisctl.cells import clean, to_ascii
from polarisctl.doctor.check import Check
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, VERDICTS, WARNING, Finding
from polarisctl.terminal import BAD, BOLD, DIM, GOOD, NOTE, WARN, Terminal

Answers = Sequence[tuple[Check, Finding]]

MARKS = {OK: "✓", WARNING: "!", FAILURE: "✗", UNKNOWN: "?", SKIPPED: "–"}
ASCII_MARKS = {OK: "+", WARNING: "!", FAILURE: "x", UNKNOWN: "?", SKIPPED: "-"}
_STYLES = {OK: GOOD, WARNING: WARN, FAILURE: BAD, UNKNOWN: NOTE, SKIPPED: DIM}
_NAMES = {
    OK: ("ok", "ok"),
    WARNING: ("warning", "warnings"),
    FAILURE: ("failure", "failures"),
    UNKNOWN: ("unknown", "unknown"),
    SKIPPED: ("skipped", "skipped"),
}
_INDENT = 6
_NARROWEST = 40
_WIDEST = 100


def lines(answers: Answers, terminal: Terminal) -> Iterator[str]:
    """One line for each check under its group; details below whatever is not well."""
    group = ""
    width = max((len(check.title) for check, _ in answers), default=0)
    for check, finding in answers:
        if check.group != group:
            if group:
                yield ""
            group = check.group
            yield terminal.paint(group, BOLD)
        yield from _check_lines(check, finding, width, terminal)
    yield ""
    yield summary(answers, terminal)


def _check_lines(check: Check, finding: Finding, width: int, terminal: Terminal) -> Iterator[str]:
    marks = MARKS if terminal.unicode else ASCII_MARKS
    mark = terminal.paint(marks[finding.verdict], _STYLES[finding.verdict])
    if finding.verdict in (OK, SKIPPED):
        yield f"  {mark} {check.title:<{width}}  {_plain(finding.found, terminal)}"
        return
    yield f"  {mark} {check.title:<{width}}  {terminal.paint(f'[{check.id}]', DIM)}"
    for label, text in (
        ("found", finding.found),
        ("needed", finding.needed),
        ("why", check.why),
        ("do", finding.advice),
    ):
        if text:
            yield from _detail(label, _plain(text, terminal), terminal)
    for command in finding.commands:
        # Never wrapped: it is there to be copied.
        yield f"{'':{_INDENT + 10}}{_plain(command, terminal)}"


def _detail(label: str, text: str, terminal: Terminal) -> Iterator[str]:
    room = min(terminal.columns, _WIDEST) - _INDENT - 8
    for number, line in enumerate(_wrapped(text, max(room, _NARROWEST))):
        name = terminal.paint(f"{label:<7}", DIM) if number == 0 else f"{'':7}"
        yield f"{'':{_INDENT}}{name} {line}"


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _plain(text: str, terminal: Terminal) -> str:
    """One line that the terminal cannot obey: much of it comes from files and programs."""
    return clean(text) if terminal.unicode else to_ascii(clean(text))


def counts(answers: Answers) -> dict[str, int]:
    return {
        verdict: sum(finding.verdict == verdict for _, finding in answers) for verdict in VERDICTS
    }


def summary(answers: Answers, terminal: Terminal) -> str:
    number = counts(answers)
    order = (FAILURE, WARNING, UNKNOWN, OK, SKIPPED)
    told = ", ".join(
        terminal.paint(f"{number[v]} {_NAMES[v][number[v] != 1]}", _STYLES[v])
        for v in order
        if number[v]
    )
    return f"{len(answers)} checks: {told}" if answers else "no checks"


def healthy(answers: Answers) -> bool:
    return not any(finding.verdict == FAILURE for _, finding in answers)


def to_map(answers: Answers, version: str) -> dict[str, object]:
    """What `--json` prints; docs/doctor.md describes it."""
    return {
        "version": version,
        "healthy": healthy(answers),
        "counts": counts(answers),
        "checks": [
            {
                "id": check.id,
                "group": check.group,
                "title": check.title,
                "verdict": finding.verdict,
                "found": finding.found,
                "needed": finding.needed,
                "why": check.why,
                "advice": finding.advice,
                "commands": list(finding.commands),
            }
            for check, finding in answers
        ],
    }


def listing(checks: Sequence[Check], terminal: Terminal) -> Iterator[str]:
    """What `--list` prints: id and title, by group."""
    width = max((len(check.id) for check in checks), default=0)
    for check in checks:
        yield f"{check.id:<{width}}  {terminal.paint(check.title, DIM)}"
