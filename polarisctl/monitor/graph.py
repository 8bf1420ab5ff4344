"""Numbers to rows of block characters.  Pure.

A missing value is an empty cell; zero is the lowest mark, so that a gap never
looks like an idle GPU, nor an idle GPU like a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.glyphs import Glyphs

Values = Sequence[float | None]

# Added to a style for the part of a bar that is under its uppermost cell.
BODY = "-body"


def level(value: float, low: float, high: float, steps: int) -> int:
    """1..steps for a value between `low` and `high`; outside is clamped."""
    if not high > low:
        return 1
    part = (value - low) / (high - low)
    return 1 + round(min(max(part, 0.0), 1.0) * (steps - 1))


def bars(
    values: Values,
    rows: int,
    low: float,
    high: float,
    glyphs: Glyphs,
    style_of: Callable[[float], str],
) -> Block:
    """`rows` lines, one cell a value, the newest at the right."""
    per_cell = len(glyphs.levels)
    heights = [None if v is None else level(v, low, high, rows * per_cell) for v in values]
    styles = ["" if v is None else style_of(v) for v in values]
    block: Block = []
    for row in reversed(range(rows)):
        floor = row * per_cell
        chars = [
            " " if h is None or h <= floor else glyphs.levels[min(h - floor, per_cell) - 1]
            for h in heights
        ]
        # Below the edge the same colour, but quieter: the edge is what is read.
        shades = [
            style + BODY if h is not None and h > floor + per_cell else style
            for h, style in zip(heights, styles, strict=True)
        ]
        block.append(runs(chars, shades))
    return block


def runs(chars: Sequence[str], styles: Sequence[str]) -> Line:
    """One-cell characters with a style each, joined where the style repeats."""
    spans: list[Span] = []
    begin = 0
    for end in range(1, len(chars) + 1):
        if end == len(chars) or styles[end] != styles[begin]:
            spans.append(("".join(chars[begin:end]), styles[begin]))
            begin = end
    return tuple(spans)


def meter(part: float | None, width: int, glyphs: Glyphs, style: str) -> Line:
    """A horizontal bar of how full something is; empty when that is unknown."""
    if width <= 0:
        return ()
    if part is None:
        return ((" " * width, ""),)
    full = round(min(max(part, 0.0), 1.0) * width)
    pieces = ((glyphs.bar_full * full, style), (glyphs.bar_empty * (width - full), "dim"))
    return tuple((text, kind) for text, kind in pieces if text)
