"""One frame as plain text: for --once, and where there is no terminal to draw on."""

from __future__ import annotations

from collections.abc import Mapping

from polarisctl import values
from polarisctl.monitor import frame, layout
from polarisctl.monitor.glyphs import Glyphs
from polarisctl.monitor.history import History
from polarisctl.monitor.scene import LIVE, Link, Scene, View

LEAST_ROWS = 24


def rows_for(snapshot: Mapping[str, object]) -> int:
    """Enough lines for every GPU and every fault, where no screen limits them."""
    gpus, faults = (len(values.maps(snapshot, part)) for part in ("gpus", "faults"))
    return max(LEAST_ROWS, 16 + gpus + 5 * faults)


def text(
    snapshot: Mapping[str, object],
    history: Mapping[str, object],
    *,
    columns: int,
    rows: int,
    now: float,
    utc_offset_s: int,
    glyphs: Glyphs,
) -> str:
    """The overview as lines of at most `columns` cells, without trailing spaces."""
    past = History()
    past.add_reply(history)
    past.add_snapshot(snapshot)
    scene = Scene(
        view=View(),
        snapshot=snapshot,
        history=past,
        events=(),
        link=Link(LIVE, now),
        now=now,
        utc_offset_s=utc_offset_s,
        glyphs=glyphs,
        has_keys=False,
    )
    lines = [line.rstrip() for line in frame.text_of(layout.render(scene, columns, rows))]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)
