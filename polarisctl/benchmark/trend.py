"""A figure beside those of earlier runs: up, down or steady, and why it fell.  Pure.

Runs compare only with their like: the same GPU (of a processor: the same name), the
same backend, quick with quick.  What a figure is compared with is the median of the
latest MOST_RUNS of them; the one nearest to it lends its conditions to the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from polarisctl import values
from polarisctl.benchmark import causes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polarisctl.render.readings import Record

UP, DOWN, STEADY = "up", "down", "steady"
MOST_RUNS = 10
# A change within this is none.  Nor is one up to EXPLAINED that is within the spread of
# either's repeats, nor a larger one within the spread of both.  A fall wants a reason.
LEAST_CHANGE = 0.02
EXPLAINED = 0.05


@dataclass(frozen=True)
class Trend:
    """`change` is relative to the median of `runs` earlier figures; `why` of a fall."""

    direction: str
    change: float
    runs: int
    why: str = ""

    def __str__(self) -> str:
        runs = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        if self.direction == STEADY:
            return f"steady, {runs}"
        return f"{self.direction} {100 * abs(self.change):.0f} %, {runs}"

    def to_map(self) -> dict[str, object]:
        return {
            "direction": self.direction,
            "change": self.change,
            "runs": self.runs,
            "why": self.why,
        }


def earlier(run: Record, runs: Iterable[Record]) -> list[Record]:
    """Those of `runs` that `run` compares with, the latest first."""
    at, number = values.number(run, "started_at"), run.get("run")
    if at is None:
        return []
    likes = [
        (then, other)
        for other in runs
        if other.get("run") != number
        and _kind(other) == _kind(run)
        and (then := values.number(other, "started_at")) is not None
        and then < at
    ]
    return [other for _, other in sorted(likes, key=lambda pair: pair[0], reverse=True)]


def _kind(run: Record) -> tuple[object, ...]:
    whose = values.text(run, "gpu_uuid") or ("", values.text(run, "gpu_name"))
    return whose, values.text(run, "backend"), values.flag(run, "quick")


def figure_of(run: Record, test: object) -> Record | None:
    """The figure of a test, where there is one with a value."""
    for figure in values.maps(run, "figures"):
        value = values.number(figure, "value")
        if figure.get("test") == test and value is not None and value > 0:
            return figure
    return None


def of(figure: Record, run: Record, before: Sequence[Record]) -> Trend | None:
    """The trend of a figure of `run`; `before` is what `earlier` found.

    None where there is no value, or nothing to compare it with.
    """
    value = values.number(figure, "value")
    found = [
        (past, other)
        for other in before
        if (past := figure_of(other, figure.get("test"))) is not None
    ][:MOST_RUNS]
    if value is None or not found:
        return None
    typical = median(_value(past) for past, _ in found)
    change = value / typical - 1
    # min() takes the first of equals, which is the latest.
    like, like_run = min(found, key=lambda pair: abs(_value(pair[0]) - typical))
    if abs(change) <= _noise(figure, like):
        return Trend(STEADY, change, len(found))
    if change > 0:
        return Trend(UP, change, len(found))
    why = causes.explain(figure, like, run, like_run) if change < -EXPLAINED else ""
    return Trend(DOWN, change, len(found), why)


def _value(figure: Record) -> float:
    return values.number(figure, "value") or 0.0


def _noise(*figures: Record) -> float:
    spreads = [values.number(figure, "spread") or 0.0 for figure in figures]
    return max(LEAST_CHANGE, min(EXPLAINED, max(spreads)), min(spreads))
