"""The characters that graphs and marks are drawn with: three sets.

`FULL` for UTF-8 terminals, `CONSOLE` for the Linux console, whose fonts have
few block characters, and `ASCII` for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`levels` are the fillings of one cell from lowest to full."""

    levels: str
    bar_full: str
    bar_empty: str
    rule: str
    dot: str
    cut: str
    select: str
    error: str
    warning: str
    notice: str
    good: str
    arrow: str
    up: str
    down: str
    degree: str
    throttle_light: str
    throttle_heavy: str
    throttle_none: str
    ascii_only: bool


FULL = Glyphs(
    levels="▁▂▃▄▅▆▇█",
    bar_full="■",
    bar_empty="·",
    rule="─",
    dot="·",
    cut="…",
    select="▶",
    error="✖",
    warning="▲",
    notice="●",
    good="●",
    arrow="→",
    up="↑",
    down="↓",
    degree="°",
    throttle_light="▄",
    throttle_heavy="█",
    throttle_none="·",
    ascii_only=False,
)

CONSOLE = Glyphs(
    levels="_▄█",
    bar_full="█",
    bar_empty="░",
    rule="─",
    dot="·",
    cut="~",
    select=">",
    error="x",
    warning="!",
    notice="i",
    good="*",
    arrow=">",
    up="^",
    down="v",
    degree="°",
    throttle_light="▄",
    throttle_heavy="█",
    throttle_none="·",
    ascii_only=False,
)

ASCII = Glyphs(
    levels="_-=#",
    bar_full="#",
    bar_empty=".",
    rule="-",
    dot="-",
    cut="~",
    select=">",
    error="x",
    warning="!",
    notice="i",
    good="*",
    arrow=">",
    up="^",
    down="v",
    degree="",
    throttle_light="=",
    throttle_heavy="#",
    throttle_none=".",
    ascii_only=True,
)


def choose(unicode: bool, term: str, want_ascii: bool) -> Glyphs:
    """The richest set that this terminal can be trusted to show."""
    if want_ascii or not unicode:
        return ASCII
    return CONSOLE if term == "linux" else FULL
