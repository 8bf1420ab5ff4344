"""One measured thing over time: its label, its figure and its graph.  Pure.

A lane is `rows` lines: a gutter with the figure at the left, the graph at the
right.  Lanes under each other share one axis of time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from polarisctl import values
from polarisctl.cells import clip, fit
from polarisctl.monitor import frame, graph
from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.history import Aggregate, Grid, Series
from polarisctl.monitor.scene import Scene

Gpu = Mapping[str, object]
Limit = Callable[[Gpu], float | None]

LABEL = 8


@dataclass(frozen=True, slots=True)
class Lane:
    """A figure of a GPU: where its value and its upper limit are, and its unit."""

    label: str
    column: str
    unit: str
    style: str
    limit: Limit
    aggregate: Aggregate = fmean
    scale: float = 1.0
    decimals: int = 0


def _power_limit_w(gpu: Gpu) -> float | None:
    return values.number(gpu, "condition", "power_limit_w") or values.number(
        gpu, "identity", "power_limit_default_w"
    )


def _identity(name: str) -> Limit:
    return lambda gpu: values.number(gpu, "identity", name)


UTILISATION = Lane("util", "utilisation_percent", "%", "util", lambda _gpu: 100.0)
VRAM = Lane(
    "VRAM", "vram_used_bytes", "GiB", "vram", _identity("vram_bytes"), scale=values.GIB, decimals=1
)
POWER = Lane("power", "power_w", "W", "power", _power_limit_w)
TEMPERATURE = Lane(
    "temp", "temperature_c", "C", "temp", _identity("slowdown_temperature_c"), aggregate=max
)
SM_CLOCK = Lane("SM clock", "sm_clock_mhz", "MHz", "clock", _identity("sm_clock_max_mhz"))
THROTTLE = Lane("throttle", "throttle", "", "warn", lambda _gpu: None)
MEMORY_BUSY = Lane("mem busy", "memory_busy_percent", "%", "util", lambda _gpu: 100.0)
MEMORY_CLOCK = Lane(
    "mem clk", "memory_clock_mhz", "MHz", "clock", _identity("memory_clock_max_mhz")
)

CARD = (UTILISATION, VRAM, POWER, TEMPERATURE, SM_CLOCK, THROTTLE)
FULL = (
    UTILISATION,
    MEMORY_BUSY,
    VRAM,
    POWER,
    TEMPERATURE,
    SM_CLOCK,
    MEMORY_CLOCK,
    THROTTLE,
)

REASONS = {
    "idle": "idle",
    "application_clocks": "app clocks",
    "sw_power_cap": "power cap",
    "hw_slowdown": "HW slowdown",
    "sync_boost": "sync boost",
    "sw_thermal": "hot (SW)",
    "hw_thermal": "hot (HW)",
    "hw_power_brake": "power brake",
    "display_clocks": "display",
}
HARMFUL = ("hw_thermal", "hw_power_brake", "hw_slowdown", "sw_thermal")
LIMITING = ("sw_power_cap",)


def severity(reasons: Sequence[str] | frozenset[str]) -> str:
    """`bad` when the hardware saves itself, `power` at the power limit, which is
    where a busy GPU belongs, else `dim`."""
    if any(reason in HARMFUL for reason in reasons):
        return "bad"
    return "power" if any(reason in LIMITING for reason in reasons) else "dim"


def throttle_text(reasons: Sequence[str] | None) -> str:
    """The reasons in words, the worst first."""
    if reasons is None:
        return values.NOT_KNOWN
    ranked = sorted(reasons, key=lambda r: (r not in HARMFUL, r not in LIMITING, r))
    return ", ".join(REASONS.get(reason, reason) for reason in ranked) or "none"


def figure(lane: Lane, gpu: Gpu, scene: Scene) -> Span:
    """The newest value with its limit, and the style it deserves."""
    if lane is THROTTLE:
        reasons = values.names(gpu, "sample", "throttle")
        worst, *others = throttle_text(reasons).split(", ")
        return worst + (f" +{len(others)}" if others else ""), severity(reasons or ())
    value = values.number(gpu, "sample", lane.column)
    if value is None:
        return values.NOT_KNOWN, "dim"
    unit = f"{scene.glyphs.degree}C" if lane is TEMPERATURE else lane.unit
    text = f"{value / lane.scale:.{lane.decimals}f}"
    limit = lane.limit(gpu)
    if limit is not None and lane.unit != "%":
        text += f"/{limit / lane.scale:.{lane.decimals}f}"
    return f"{text} {unit}", heat(lane, value, limit) or scene.value_style


def heat(lane: Lane, value: float, limit: float | None) -> str:
    """Only temperatures are judged, and only against the GPU's own limit."""
    if lane is not TEMPERATURE or limit is None:
        return ""
    return "bad" if value >= limit else "warn" if value >= limit - 5 else ""


def gutter_width(width: int) -> int:
    return 25 if width >= 50 else min(width, 18)


def draw(scene: Scene, gpu: Gpu, series: Series, lane: Lane, width: int, rows: int) -> Block:
    """The lane as `rows` lines of exactly `width` cells."""
    gutter = gutter_width(width)
    grid = Grid.ending(scene.shown_at, scene.view.span_s, max(width - gutter, 0))
    text, style = figure(lane, gpu, scene)
    head: list[Span] = [
        (fit(lane.label, LABEL + 1), "label"),
        _right(text, style, gutter - LABEL - 2),
    ]
    drawn, below = picture(scene, gpu, series, lane, grid, rows)
    return with_gutter(head, below, drawn, gutter, width, rows)


def picture(
    scene: Scene, gpu: Gpu, series: Series, lane: Lane, grid: Grid, rows: int
) -> tuple[Block, str]:
    """The graph alone, and a summary of what it shows."""
    if lane is THROTTLE:
        return _throttle(scene, series, grid, rows), ""
    found = series.buckets(lane.column, grid, lane.aggregate, scene.history.hold_s)
    limit = lane.limit(gpu)
    top = limit or max((v for v in found if v is not None), default=1.0)
    low = 20.0 if lane is TEMPERATURE else 0.0
    drawn = graph.bars(
        found, rows, low, top, scene.glyphs, lambda v: heat(lane, v, limit) or lane.style
    )
    return drawn, summary(found, lane)


def with_gutter(
    head: Sequence[Span], below: str, drawn: Block, gutter: int, width: int, rows: int
) -> Block:
    """`head` beside the first row of a picture, `below` beside the second."""
    lefts: list[Line] = [frame.line(gutter, *head)]
    if rows > 1:
        lefts.append(frame.line(gutter, _right(below, "dim", gutter - 1)))
    lefts += [frame.line(gutter)] * (rows - len(lefts))
    return [frame.line(width, *left, *row) for left, row in zip(lefts[:rows], drawn, strict=True)]


def _right(text: str, style: str, width: int) -> Span:
    return fit(clip(text, max(width, 0)), max(width, 0), right=True) + " ", style


def summary(found: graph.Values, lane: Lane) -> str:
    """Mean and peak of what the graph shows."""
    known = [v / lane.scale for v in found if v is not None]
    if not known:
        return ""
    return f"avg {fmean(known):.{lane.decimals}f} max {max(known):.{lane.decimals}f}"


def _throttle(scene: Scene, series: Series, grid: Grid, rows: int) -> Block:
    """A strip on the lowest row: heavy where the hardware saved itself."""
    glyphs = scene.glyphs
    marks = {
        "bad": glyphs.throttle_heavy,
        "power": glyphs.throttle_light,
        "dim": glyphs.throttle_none,
    }
    found = series.reasons(grid, scene.history.hold_s)
    styles = ["" if reasons is None else severity(reasons) for reasons in found]
    strip = graph.runs([marks.get(style, " ") for style in styles], styles)
    return [frame.line(grid.count)] * (rows - 1) + [strip]


def axis(scene: Scene, width: int) -> Line:
    """What the left and right ends of the graphs above mean."""
    gutter = gutter_width(width)
    left = f"{values.age(scene.view.span_s)} ago"
    return frame.line(
        width, (" " * gutter, ""), *frame.ends(width - gutter, [(left, "dim")], [("now", "dim")])
    )
