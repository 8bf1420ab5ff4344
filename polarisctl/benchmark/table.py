"""One run as a page: its table, why figures fell, whether it is good, what to do.  Pure.

Wide terminals get the conditions as columns, narrow ones as a line under each test.
"""

from __future__ import annotations

import time

from polarisctl import values
from polarisctl.benchmark import advice, notes, trend, wording
from polarisctl.benchmark.wording import NONE, percent, share_of
from polarisctl.render import readings
from polarisctl.render.page import Column, Page
from polarisctl.terminal import BAD, DIM, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.benchmark.trend import Trend
    from polarisctl.render.page import Span
    from polarisctl.render.readings import Record

WIDE_CELLS = 116
_FIGURES = (
    Column("TEST"),
    Column("MEASURED", right=True),
    Column("OF GOOD", right=True),
    Column("OF PEAK", right=True),
    Column("SPREAD", right=True, drop=1),
)
_CONDITIONS = (
    Column("SM MHz", right=True),
    Column("POWER W", right=True),
    Column("TEMP", right=True),
    Column("THROTTLE", least=8),
)
_TREND = Column("TREND")


def add_run(page: Page, run: Record, before: Sequence[Record], labels: dict[str, str]) -> None:
    """`before` is what trend.earlier found; `labels` is by UUID, as `GPU 3`."""
    add_heading(page, run, wording.owner(run, labels), _when(run))
    figures = values.maps(run, "figures")
    trends = [trend.of(figure, run, before) for figure in figures]
    _add_outcome(page, run)
    if figures:
        _add_table(page, figures, trends)
        notes.add_gaps(page, figures, trends)
    notes.add_falls(page, figures, trends)
    if any(values.number(figure, "value") is not None for figure in figures):
        label = labels.get(values.text(run, "gpu_uuid") or "", "")
        index = label.removeprefix("GPU ")
        verdict = advice.verdict(run, index if index.isdecimal() else "")
        page.prose(verdict.text, style=verdict.style)
        for remedy in verdict.remedies:
            page.prose(remedy, first="→ ")


def add_heading(page: Page, run: Record, owner: str, more: str) -> None:
    """Whose figures follow, and what they are worth."""
    page.heading(f"{owner}: {values.text(run, 'gpu_name') or 'without a name'}  {more}".rstrip())
    if warning := wording.not_a_gpu(values.text(run, "backend") or ""):
        page.prose(f"*** {warning} ***", style=BAD)
    page.prose(wording.SELF_REPORTED, style=DIM)


def moment(run: Record) -> str:
    """`2025-11-22 15:38`, local time."""
    at = values.number(run, "started_at")
    try:
        return readings.NOT_KNOWN if at is None else time.strftime(_FORM, time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return readings.NOT_KNOWN


_FORM = "%Y-%m-%d %H:%M"


def _when(run: Record) -> str:
    began, ended = values.number(run, "started_at"), values.number(run, "ended_at")
    took = f", {values.age(ended - began)}" if began is not None and ended is not None else ""
    quick = ", quick" if values.flag(run, "quick") else ""
    return f"benchmark {run.get('run')}, {moment(run)}{took}{quick}"


def _add_outcome(page: Page, run: Record) -> None:
    """Nothing where it was completed; else what became of it."""
    outcome = values.text(run, "outcome")
    if outcome == "completed":
        return
    words = {"deadline": "ended at its deadline", "": "not ended yet", None: "not known"}
    said = words.get(outcome, outcome)
    problem = values.text(run, "problem")
    page.prose(f"{said}: {problem}" if problem else str(said), style=BAD if outcome else WARN)
    if remedy := values.text(run, "remedy"):
        page.prose(remedy, first="→ ")


def _add_table(page: Page, figures: Sequence[Record], trends: Sequence[Trend | None]) -> None:
    wide = page.columns >= WIDE_CELLS
    conditions = [_conditions(figure) for figure in figures]
    has_conditions = any(cell != NONE for cells in conditions for cell in cells)
    rows: list[Sequence[Span]] = []
    for figure, found, cells in zip(figures, trends, conditions, strict=True):
        inline = cells if wide and has_conditions else ()
        rows.append([*_figure(figure), *inline, _trend(found)])
        if has_conditions and not wide and any(cell != NONE for cell in cells):
            rows.append([(_remark(cells), DIM)])
    inner = _CONDITIONS if wide and has_conditions else ()
    page.table((*_FIGURES, *inner, _TREND), rows)


def _figure(figure: Record) -> list[Span]:
    spread = values.number(figure, "spread")
    return [
        values.text(figure, "test") or readings.NOT_KNOWN,
        wording.measured(figure),
        _share(figure, "good"),
        _share(figure, "peak"),
        NONE if spread is None else f"{100 * spread:.1f} %",
    ]


def _share(figure: Record, what: str) -> Span:
    share = share_of(figure, what)
    if share is None:
        return NONE
    if what == "peak":
        return percent(share)
    styles = ((advice.ORDINARY, GOOD), (advice.SICK_OF_GOOD, WARN), (0.0, BAD))
    return percent(share), next(style for least, style in styles if share >= least)


def _trend(found: Trend | None) -> Span:
    if found is None:
        return NONE
    return (str(found), WARN) if found.direction == trend.DOWN else str(found)


def _conditions(figure: Record) -> list[str]:
    """Clock, power, temperature and throttle; of what was not measured, nothing."""
    seen = values.get(figure, "conditions")
    if values.number(figure, "value") is None:
        seen = None
    power, limit = values.number(seen, "power_w"), values.number(seen, "power_limit_w")
    throttle = values.names(seen, "throttle")
    watts = f"{_whole(power)}/{_whole(limit)}" if (power, limit) != (None, None) else NONE
    temperature = values.number(seen, "temperature_c")
    return [
        _whole(values.number(seen, "sm_clock_mhz")),
        watts,
        NONE if temperature is None else readings.celsius(temperature),
        NONE if throttle is None else " ".join(throttle) or "none",
    ]


def _remark(conditions: Sequence[str]) -> str:
    """`1755 MHz, 688/700 W, 64 °C, sw_power_cap`: the cells of a narrow table."""
    clock, watts, temperature, throttle = conditions
    held = {"none": "not throttled", NONE: f"throttle {NONE}"}.get(throttle, throttle)
    return f"{clock} MHz, {watts} W, {temperature}, {held}"


def _whole(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f}"
