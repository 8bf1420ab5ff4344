"""What a benchmark hands back: rows of a table, and how numbers are written in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `ratio` is of this to what stands in `against`."""

    what: str
    measured: str
    against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def compared(
    what: str,
    ours: float,
    against: str,
    theirs: float,
    *,
    at_most: float | None = None,
    unit: str = "ms",
) -> Row:
    """Our figure beside another of the same run, and whether the ratio is small enough."""
    ratio = ours / theirs
    row = Row(what, f"{number(ours)} {unit}", f"{against}: {number(theirs)} {unit}", ratio)
    if at_most is None:
        return row
    return replace(row, target=f"≤ {at_most:g}×", met=ratio <= at_most)


def bounded(what: str, value: float, unit: str, *, below: float | None = None) -> Row:
    """A figure on its own, with the limit we hold ourselves to if there is one."""
    if below is None:
        return Row(what, f"{number(value)} {unit}")
    return Row(what, f"{number(value)} {unit}", target=f"< {below:g} {unit}", met=value < below)


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest value at or above a share of all of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def medians(samples: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in samples.items()}


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield "| what | measured | beside | ratio | target | |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        verdict = {None: "", True: "met", False: "**missed**"}[row.met]
        yield (
            f"| {row.what} | {row.measured} | {row.against} | {ratio} | {row.target} | {verdict} |"
        )
