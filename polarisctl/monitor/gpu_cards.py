"""GPUs as cards with graphs, and choosing between cards and the table.  Pure."""

from __future__ import annotations

from polarisctl import values
from polarisctl.monitor import frame, gpu_table, gpu_text, lanes
from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.gpu_text import Gpu
from polarisctl.monitor.scene import Scene

# A card needs its title and four lanes to say more than a line of the table.
LEAST_ROWS = 5
LEAST_WIDTH = 58
# Beyond this a lane gains height, not sense.
MOST_LANE_ROWS = 6
GAP = 2

WHEN_NO_DRIVER = {
    "starting": "the NVIDIA driver is being asked",
    "absent": "no NVIDIA driver answers on this machine",
    "mismatched": "the NVIDIA driver was replaced while it ran",
    "forbidden": "polarisd may not use the NVIDIA driver",
    "failed": "the NVIDIA driver does not work",
}


def title(scene: Scene, gpu: Gpu, width: int, selected: bool) -> Line:
    """`▶● 3 H100 80GB HBM3 ──────── power cap`."""
    glyphs = scene.glyphs
    left: list[Span] = [
        (glyphs.select if selected else glyphs.rule, "select" if selected else "dim"),
        gpu_text.mark(gpu, scene),
        (f" GPU {gpu_text.number_of(gpu)} ", "value"),
        (gpu_text.name_of(gpu, scene) + " ", "bold" if selected else ""),
    ]
    notes = gpu_text.joined(gpu_text.notes(gpu, scene), " ")
    room = max(width - frame.cells_of(left) - 3, 0)
    right = list(frame.line(min(room, frame.cells_of(notes)), *notes, mark=glyphs.cut))
    if notes and room:
        right = [(" ", ""), *right]
    gap = width - frame.cells_of(left) - frame.cells_of(right)
    return frame.line(width, *left, (glyphs.rule * max(gap, 0), "dim"), *right, mark=glyphs.cut)


def share(rows: int, wanted: int, highest: int = MOST_LANE_ROWS) -> list[int]:
    """Rows for each of `wanted` lanes or cards: one each first, then from the top down."""
    shown = min(rows, wanted)
    if not shown:
        return []
    most = min(rows // shown, highest)
    spare = rows - most * shown if most < highest else 0
    return [most + (1 if n < spare else 0) for n in range(shown)]


def draw(scene: Scene, gpu: Gpu, width: int, rows: int, selected: bool) -> Block:
    series = scene.history.gpu(values.text(gpu, "uuid") or "")
    block = [title(scene, gpu, width, selected)]
    # The throttle strip says all it has to say in one row.
    strip = lanes.CARD[-1]
    graphs = lanes.CARD[:-1]
    with_strip = rows - 1 > len(graphs)
    for lane, lane_rows in zip(graphs, share(rows - 1 - with_strip, len(graphs)), strict=False):
        block += lanes.draw(scene, gpu, series, lane, width, lane_rows)
    if with_strip:
        block += lanes.draw(scene, gpu, series, strip, width, 1)
    return block[:rows]


def columns_for(count: int, width: int, rows: int) -> int:
    """How many cards stand side by side, or 0 when only the table fits.

    As few as let a card have all its lanes; else as many as the width allows.
    """
    most = min((width + GAP) // (LEAST_WIDTH + GAP), count)
    fitting = [n for n in range(1, most + 1) if rows // -(-count // n) >= LEAST_ROWS]
    full = [n for n in fitting if rows // -(-count // n) > len(lanes.CARD)]
    return full[0] if full else fitting[-1] if fitting else 0


def overview(scene: Scene, width: int, rows: int) -> Block:
    """All GPUs in at most `rows` lines, in the form that shows the most."""
    gpus = scene.gpus()
    if not gpus:
        return none(scene, width)[:rows]
    columns = columns_for(len(gpus), width, rows)
    if not columns:
        block = gpu_table.draw(scene, width, rows)
        left = rows - len(block)
        if left >= LEAST_ROWS - 1:
            chosen = gpus[scene.selected_index()]
            block += draw(scene, chosen, width, min(left, 16), selected=True)
        return block
    lines = -(-len(gpus) // columns)
    widths = frame.split(width, columns, GAP)
    block = []
    for line, card_rows in enumerate(share(rows, lines, rows)):
        places = range(line * columns, min((line + 1) * columns, len(gpus)))
        cards = [
            (cells, draw(scene, gpus[n], cells, card_rows, n == scene.selected_index()))
            for n, cells in zip(places, widths, strict=False)
        ]
        block += [frame.line(width, *row) for row in frame.beside(cards, GAP)]
    return block


def none(scene: Scene, width: int) -> Block:
    """Why there is no GPU to show, as far as the driver said."""
    state = values.text(scene.snapshot, "driver", "state")
    detail = values.text(scene.snapshot, "driver", "detail") or ""
    if scene.snapshot is None:
        return [frame.line(width)]
    if not values.needs_gpus(scene.snapshot):
        text = "  no GPU, and a validator needs none"
        return [frame.line(width), frame.line(width, (text, "dim"), mark=scene.glyphs.cut)]
    said = "no NVIDIA GPU on this machine" if state == "ok" else WHEN_NO_DRIVER.get(state or "", "")
    lines = [
        frame.line(width),
        frame.line(width, (f"  {said or 'no GPU is known'}", "warn"), mark=scene.glyphs.cut),
    ]
    if detail:
        lines.append(frame.line(width, (f"  {detail}", "dim"), mark=scene.glyphs.cut))
    return [*lines, frame.line(width)]
