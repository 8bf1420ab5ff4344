"""GPUs as a table, a line each: for many of them on a small screen.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from polarisctl import values
from polarisctl.cells import fit, width_of
from polarisctl.monitor import frame, gpu_text, lanes
from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.gpu_text import Gpu
from polarisctl.monitor.history import Grid
from polarisctl.monitor.scene import Scene

# In the order in which they are dropped from a narrow screen, the last first.
BY_IMPORTANCE = ("gpu", "util", "temp", "vram", "graph", "power", "note", "name", "clock")
IN_PLACE = ("gpu", "name", "util", "graph", "vram", "power", "temp", "clock", "note")
LEAST = {"gpu": 4, "util": 4, "temp": 4, "graph": 8, "note": 9, "name": 8}
GAP = 1
TELLING_GRAPH = 14


@dataclass(frozen=True, slots=True)
class Row:
    """What is written of one GPU, by column; the graph is drawn when it has a width."""

    gpu: Gpu
    cells: dict[str, list[Span]]


def figures(gpu: Gpu, scene: Scene, selected: bool) -> Row:
    return Row(
        gpu,
        {
            "gpu": [
                (scene.glyphs.select if selected else " ", "select"),
                gpu_text.mark(gpu, scene),
                (f"{gpu_text.number_of(gpu):>2}", "value"),
            ],
            "name": [(gpu_text.name_of(gpu, scene), "bold" if selected else "")],
            "util": [_of(lanes.UTILISATION, gpu, scene)],
            "vram": [_of(lanes.VRAM, gpu, scene)],
            "power": [_of(lanes.POWER, gpu, scene)],
            "temp": [_of(lanes.TEMPERATURE, gpu, scene)],
            "clock": [_of(lanes.SM_CLOCK, gpu, scene)],
            "note": gpu_text.joined(gpu_text.notes(gpu, scene), " "),
        },
    )


def _of(lane: lanes.Lane, gpu: Gpu, scene: Scene) -> Span:
    """`71.2/80.0`: the value and, where it is short and telling, the limit."""
    value, limit = values.number(gpu, "sample", lane.column), lane.limit(gpu)
    if value is None:
        return values.NOT_KNOWN, "dim"
    text = f"{value / lane.scale:.{lane.decimals}f}"
    if limit is not None and lane in (lanes.VRAM, lanes.POWER):
        text += f"/{limit / lane.scale:.{lane.decimals}f}"
    return text, lanes.heat(lane, value, limit) or scene.value_style


def titles(scene: Scene) -> dict[str, str]:
    lane = lanes.CARD[scene.view.lane % len(lanes.CARD)]
    span = values.age(scene.view.span_s)
    return {
        "gpu": "GPU",
        "name": "model",
        "util": "util%",
        "graph": f"{lane.label} {span}",
        "vram": "VRAM GiB",
        "power": "power W",
        "temp": f"temp{scene.glyphs.degree}C",
        "clock": "SM MHz",
        "note": "notes",
    }


def widths(rows: Sequence[Row], heads: dict[str, str], width: int) -> dict[str, int]:
    """The columns that fit, with their widths.  The clock goes where it would leave
    the graph too short to show anything."""
    got = _widths(BY_IMPORTANCE, rows, heads, width)
    if "clock" in got and got.get("graph", 0) < TELLING_GRAPH:
        return _widths(BY_IMPORTANCE[:-1], rows, heads, width)
    return got


def _widths(
    by_importance: Sequence[str], rows: Sequence[Row], heads: dict[str, str], width: int
) -> dict[str, int]:
    """What is left over goes to the graph."""
    need = {
        name: max(
            [width_of(heads[name]), *(frame.cells_of(row.cells.get(name, ())) for row in rows)]
        )
        for name in IN_PLACE
    }
    least = {name: min(LEAST.get(name, need[name]), max(need[name], 1)) for name in IN_PLACE}
    least["util"] = max(least["util"], 5)
    least["graph"] = LEAST["graph"]
    chosen: list[str] = []
    for name in by_importance:
        if sum(least[c] + GAP for c in [*chosen, name]) - GAP <= width:
            chosen.append(name)
    got = {name: max(least[name], 0) for name in IN_PLACE if name in chosen}
    left = width - sum(got.values()) - GAP * (len(got) - 1)
    for name, most in (("name", 14), ("note", 16), ("graph", 20), ("note", 26), ("name", 24)):
        if name in got:
            goal = most if name == "graph" else min(need[name], most)
            more = min(max(goal - got[name], 0), max(left, 0))
            got[name] += more
            left -= more
    last = "graph" if "graph" in got else next(reversed(got), "")
    if last:
        got[last] = max(got[last] + left, 0)
    return got


def draw(scene: Scene, width: int, rows: int) -> Block:
    """A line of titles and a line per GPU, scrolled so that the selected one shows."""
    gpus, selected = scene.gpus(), scene.selected_index()
    room = max(rows - 1, 1)
    first = min(max(selected - room // 2, 0), max(len(gpus) - room, 0))
    shown = range(first, min(first + room, len(gpus)))
    written = [figures(gpus[n], scene, n == selected) for n in shown]
    heads = titles(scene)
    if len(shown) < len(gpus):
        heads["note"] = f"{first + 1}-{first + len(shown)} of {len(gpus)}"
    columns = widths(written, heads, width)
    if columns.get("graph", 0) < width_of(heads["graph"]):
        heads["graph"] = heads["graph"].split()[0]
    head: list[Span] = []
    for name, cells in columns.items():
        right = name in ("util", "vram", "power", "temp", "clock")
        head += [(" " * GAP, "head")] if head else []
        head.append((fit(heads[name], cells, right=right), "head"))
    block = [frame.line(width, *head, fill=(" ", "head"))]
    block += [_row(scene, row, columns, width) for row in written]
    return block[:rows]


def _row(scene: Scene, row: Row, columns: dict[str, int], width: int) -> Line:
    spans: list[Span] = []
    for name, cells in columns.items():
        spans += [(" " * GAP, "")] if spans else []
        if name == "graph":
            spans += _graph(scene, row.gpu, cells)
        elif name in ("gpu", "name", "note"):
            spans += frame.line(cells, *row.cells[name], mark=scene.glyphs.cut)
        else:
            text, style = row.cells[name][0]
            spans.append((fit(text, cells, right=True), style))
    return frame.line(width, *spans)


def _graph(scene: Scene, gpu: Gpu, cells: int) -> Line:
    lane = lanes.CARD[scene.view.lane % len(lanes.CARD)]
    series = scene.history.gpu(values.text(gpu, "uuid") or "")
    grid = Grid.ending(scene.shown_at, scene.view.span_s, cells)
    drawn, _summary = lanes.picture(scene, gpu, series, lane, grid, 1)
    return drawn[0]
