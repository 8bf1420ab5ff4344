"""What is printed at the end: of the runs just made, and of earlier ones.

The last step of `polarisctl benchmark`, as text or as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl import values
from polarisctl.benchmark import advice, past, table, trend
from polarisctl.benchmark.wording import share_of
from polarisctl.render.faults import gpu_labels
from polarisctl.render.page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.context import Context
    from polarisctl.render.readings import Record

# A test that this backend or hardware does not have is no failure.
_NOT_OFFERED = "not_supported"


def complete(run: Record) -> bool:
    """Whether it came to its end, and measured all that could be."""
    return values.text(run, "outcome") == "completed" and not any(
        isinstance(value := figure.get("value"), dict) and value.get("unknown") != _NOT_OFFERED
        for figure in values.maps(run, "figures")
    )


@dataclass(frozen=True)
class Made:
    """What was measured, what is on record of the same GPUs, and what was passed over."""

    runs: Sequence[Record]
    recorded: Sequence[Record]
    skipped: Sequence[Record]


def print_made(made: Made, snapshot: Record, as_json: bool, context: Context) -> bool:
    """A table for each run; whether any has a figure that should worry its owner."""
    if as_json:
        assessments = _assessments(made.runs, made.recorded)
        context.print_json({"runs": made.runs, "skipped": made.skipped, "assessments": assessments})
    else:
        _print_tables(made.runs, made.recorded, snapshot, context)
    return any(advice.verdict(run).sick for run in made.runs)


def print_history(
    runs: Sequence[Record], snapshot: Record, count: int, as_json: bool, context: Context
) -> None:
    """The latest `count` of each GPU and backend; with one, that in full."""
    groups = past.groups(runs)
    latest = [run for group in groups for run in group[:count]]
    if as_json:
        context.print_json({"runs": latest, "assessments": _assessments(latest, runs)})
    elif not groups:
        context.print("there are no benchmarks yet; run one: sudo polarisctl benchmark")
    elif count == 1:
        _print_tables(latest, runs, snapshot, context)
    else:
        page = Page(context.terminal)
        for place, group in enumerate(groups):
            if place:
                page.blank()
            past.add_group(page, group[:count], gpu_labels(snapshot))
        context.print(page.text())


def _print_tables(
    runs: Sequence[Record], recorded: Sequence[Record], snapshot: Record, context: Context
) -> None:
    page, labels = Page(context.terminal), gpu_labels(snapshot)
    for place, run in enumerate(runs):
        if place:
            page.blank()
        table.add_run(page, run, trend.earlier(run, recorded), labels)
    context.print(page.text())


def _assessments(runs: Sequence[Record], recorded: Sequence[Record]) -> list[dict[str, object]]:
    """For programs: each figure's shares and trend, as the tables have them."""
    return [
        {
            "run": run.get("run"),
            "test": figure.get("test"),
            "share_of_good": share_of(figure, "good"),
            "share_of_peak": share_of(figure, "peak"),
            "trend": None if found is None else found.to_map(),
        }
        for run in runs
        for before in (trend.earlier(run, recorded),)
        for figure in values.maps(run, "figures")
        for found in (trend.of(figure, run, before),)
    ]
