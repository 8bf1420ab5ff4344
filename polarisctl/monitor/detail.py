"""One GPU in full: tall graphs, its condition, MIG devices and processes.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from polarisctl import values
from polarisctl.cells import fit
from polarisctl.monitor import frame, gpu_cards, lanes, trouble
from polarisctl.monitor.facts import facts
from polarisctl.monitor.frame import Block, Line
from polarisctl.monitor.gpu_text import Gpu
from polarisctl.monitor.scene import Scene

WIDE = 120
SIDE = 68
MOST_LANE_ROWS = 10
MOST_EVENTS = 11
PROCESS_TITLE = "   pid  kind     VRAM GiB  process"


def draw(scene: Scene, width: int, rows: int) -> Block:
    """Exactly `rows` lines; facts beside the graphs where the screen is wide."""
    gpus = scene.gpus()
    if not gpus:
        return frame.height(gpu_cards.none(scene, width), width, rows)
    gpu = gpus[scene.selected_index()]
    block = [gpu_cards.title(scene, gpu, width, selected=True)]
    wrong = trouble.fault_block(scene, width, max((rows - 1) // 3, 0), _uuid(gpu))
    rows_left = rows - 1 - len(wrong)
    if width >= WIDE:
        side = facts(scene, gpu, SIDE)
        side += holders(scene, gpu, SIDE, max(rows_left - len(side) - MOST_EVENTS, 4))
        side += happened(scene, gpu, SIDE, min(rows_left - len(side), MOST_EVENTS))
        graphs = graph_block(scene, gpu, width - SIDE - 3, rows_left)
        body = frame.beside([(width - SIDE - 3, graphs), (SIDE, side[:rows_left])], 3)
    else:
        users = holders(scene, gpu, width, max(rows_left // 4, 2))
        told = facts(scene, gpu, width)[: max(rows_left // 4, rows_left - len(users) - 30)]
        graphs = graph_block(scene, gpu, width, rows_left - len(told) - len(users))
        body = graphs + told + users
    return frame.height(block + body + wrong, width, rows)


def happened(scene: Scene, gpu: Gpu, width: int, rows: int) -> Block:
    """The newest events of this GPU, under a title."""
    lines = trouble.event_lines(scene, width, rows - 1, _uuid(gpu))
    return [frame.line(width, ("events", "head"), fill=(" ", "head")), *lines] if lines else []


def _uuid(gpu: Gpu) -> str:
    return values.text(gpu, "uuid") or ""


def graph_block(scene: Scene, gpu: Gpu, width: int, rows: int) -> Block:
    """The lanes that fit into `rows`, with their axis of time at the bottom."""
    if rows < 2:
        return []
    series = scene.history.gpu(_uuid(gpu))
    heights = lane_heights(rows - 1)
    block = [
        line
        for lane in lanes.FULL
        if heights.get(lane)
        for line in lanes.draw(scene, gpu, series, lane, width, heights[lane])
    ]
    return [*block, lanes.axis(scene, width)]


def lane_heights(rows: int) -> dict[lanes.Lane, int]:
    """How `rows` are shared: few lanes of two rows are better than all of one; what
    rarely moves, and the strip of throttle reasons, stay low."""
    low = {lanes.THROTTLE: 1} if rows > 5 else {}
    if rows >= 2 * len(lanes.FULL):
        low[lanes.MEMORY_CLOCK] = 2
        tall = [lane for lane in lanes.FULL if lane not in low]
    else:
        tall = [lane for lane in lanes.CARD if lane is not lanes.THROTTLE]
    shares = gpu_cards.share(rows - sum(low.values()), len(tall), MOST_LANE_ROWS)
    return {**dict(zip(tall, shares, strict=False)), **low}


def holder_lines(scene: Scene, gpu: Gpu, width: int) -> Block:
    """A line for each MIG device and each process."""
    cut = scene.glyphs.cut
    lines: Block = []
    for device in values.maps(gpu, "mig_devices"):
        lines.append(_mig(scene, device, width))
        lines += [_process(scene, p, width, "  ") for p in values.maps(device, "processes")]
    processes = values.maps(gpu, "condition", "processes")
    lines += [_process(scene, process, width, "") for process in processes]
    if values.get(gpu, "condition", "processes") is None:
        why = values.why(values.get(gpu, "condition"), "processes")
        lines.append(frame.line(width, (f"processes {values.NOT_KNOWN}: {why}", "dim"), mark=cut))
    return lines or [frame.line(width, ("no process holds this GPU", "dim"), mark=cut)]


def holders(scene: Scene, gpu: Gpu, width: int, rows: int) -> Block:
    """Who holds the GPU, scrolled as the view says, and how many were left out."""
    lines = holder_lines(scene, gpu, width)
    begin = min(scene.view.scroll, len(lines) - 1)
    block = [frame.line(width, (PROCESS_TITLE, "head"), fill=(" ", "head")), *lines[begin:]]
    if len(block) > rows:
        more = f"  and {len(block) - rows + 1} more: PgDn"
        block = [*block[: rows - 1], frame.line(width, (more, "dim"))]
    return block[: max(rows, 0)]


def scroll_limit(scene: Scene, width: int) -> int:
    """So far that the last process is still seen."""
    gpus = scene.gpus()
    return len(holder_lines(scene, gpus[scene.selected_index()], width)) - 1 if gpus else 0


def _mig(scene: Scene, device: Mapping[str, object], width: int) -> Line:
    used, total = values.number(device, "vram_used_bytes"), values.number(device, "vram_bytes")
    name = (values.text(device, "name") or values.NOT_KNOWN).rsplit("MIG ", 1)[-1]
    instances = "/".join(
        values.whole(values.number(device, part)) for part in ("gpu_instance", "compute_instance")
    )
    return frame.line(
        width,
        (f"MIG {values.whole(values.number(device, 'index')):>2}  ", "label"),
        (fit(name, 14, scene.glyphs.cut), ""),
        (f" {values.gib(used):>5}/{values.gib(total)} GiB", "value"),
        (f"  instance {instances}", "dim"),
        mark=scene.glyphs.cut,
    )


def _process(scene: Scene, process: Mapping[str, object], width: int, indent: str) -> Line:
    name = values.text(process, "name")
    return frame.line(
        width,
        (f"{indent}{values.whole(values.number(process, 'pid')):>7} ", "value"),
        (fit(values.text(process, "kind") or "", 9), "dim"),
        (f"{values.gib(values.number(process, 'vram_bytes')):>7}  ", "value"),
        (values.NOT_KNOWN if name is None else (name), ""),
        mark=scene.glyphs.cut,
    )
