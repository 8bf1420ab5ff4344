"""The machine around the GPUs: processor, memory, network and disks.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from polarisctl import values
from polarisctl.cells import fit, width_of
from polarisctl.monitor import frame, graph, lanes
from polarisctl.monitor.frame import Block, Span
from polarisctl.monitor.history import Grid, memory_used_bytes
from polarisctl.monitor.scene import Scene

GAP = 2
GUTTER = 25
MOST_DISKS = 4


@dataclass(frozen=True, slots=True)
class Pane:
    """A lane of the host: `top` is None where the graph scales to what it shows."""

    label: str
    text: str
    below: str
    column: str
    top: float | None
    style: str


def panes(scene: Scene) -> list[Pane]:
    host = values.get(scene.snapshot, "host")
    total, used = values.number(host, "memory_total_bytes"), memory_used_bytes(scene.snapshot or {})
    swap, swap_used = (values.number(host, f"swap_{part}_bytes") for part in ("total", "used"))
    down, up = scene.glyphs.down, scene.glyphs.up
    memory = values.NOT_KNOWN if used is None else f"{values.gib(used)}/{values.gib(total)} GiB"
    return [
        Pane(
            "CPU",
            values.whole(values.number(host, "cpu_percent"), " %"),
            "",
            "cpu_percent",
            100.0,
            "util",
        ),
        Pane(
            "memory",
            memory,
            f"swap {values.gib(swap_used)}/{values.gib(swap)}"
            if swap
            else "no swap"
            if swap == 0
            else "",
            "memory_used_bytes",
            total,
            "vram",
        ),
        Pane(
            f"net {down}",
            values.rate(values.number(host, "network_rx_bps")),
            "",
            "network_rx_bps",
            None,
            "net",
        ),
        Pane(
            f"net {up}",
            values.rate(values.number(host, "network_tx_bps")),
            "",
            "network_tx_bps",
            None,
            "net",
        ),
    ]


def _load(host: object) -> str:
    loads = [values.number(host, f"load_{minutes}m") for minutes in (1, 5, 15)]
    if loads[0] is None:
        return ""
    return "load " + " ".join(values.NOT_KNOWN if v is None else f"{v:.1f}" for v in loads)


def about(scene: Scene) -> list[Span]:
    """The host's facts, for the rule above its graphs."""
    host = values.get(scene.snapshot, "host")
    threads, boot_at = values.number(host, "cpu_threads"), values.number(host, "boot_at")
    facts = [
        f"{threads:.0f} threads" if threads else "",
        _load(host),
        f"up {values.age(scene.now - boot_at)}" if boot_at else "",
    ]
    old_s = scene.age_s(values.number(host, "read_at"))
    spans: list[Span] = [(fact, "dim") for fact in facts if fact]
    if old_s is not None and scene.snapshot_age_s is None:
        text = f"{values.age(old_s)} old" if old_s > 0 else "read in the future"
        spans.insert(0, (text, "bad"))
    return spans


def draw(scene: Scene, width: int, rows: int) -> Block:
    """At most `rows` lines: graphs in one row of four or two of two, then disks."""
    if rows <= 0 or scene.snapshot is None:
        return []
    across = 4 if width >= 150 else 2 if width >= 60 else 1
    lines = -(-4 // across)
    disk_rows = 1 if rows > lines else 0
    each = max((rows - disk_rows) // lines, 1)
    block: Block = []
    shown = panes(scene)
    for line in range(lines):
        cells = frame.split(width, across, GAP)
        part = shown[line * across : (line + 1) * across]
        drawn = [(w, _pane(scene, p, w, each)) for w, p in zip(cells, part, strict=False)]
        block += frame.beside(drawn, GAP)
    return (block + _disks(scene, width, across)[:disk_rows])[:rows]


def _pane(scene: Scene, pane: Pane, width: int, rows: int) -> Block:
    gutter = min(GUTTER, width)
    grid = Grid.ending(scene.shown_at, scene.view.span_s, width - gutter)
    found = scene.history.host.buckets(pane.column, grid, fmean, scene.history.hold_s)
    peak = max((v for v in found if v is not None), default=0.0)
    top = pane.top or max(peak, 1.0)
    drawn = graph.bars(found, rows, 0.0, top, scene.glyphs, lambda _value: pane.style)
    below = pane.below or _peaks(pane, found)
    text = (fit(pane.text, max(gutter - 10, 0), right=True) + " ", scene.value_style)
    if pane.text == values.NOT_KNOWN:
        text = (text[0], "dim")
    return lanes.with_gutter(
        [(fit(pane.label, 9), "label"), text], below, drawn, gutter, width, rows
    )


def _peaks(pane: Pane, found: graph.Values) -> str:
    known = [v for v in found if v is not None]
    if not known or pane.top not in (None, 100.0):
        return ""
    if pane.top is None:
        return f"max {values.rate(max(known))}"
    return f"avg {fmean(known):.0f} max {max(known):.0f}"


def _disks(scene: Scene, width: int, across: int) -> Block:
    disks = values.maps(scene.snapshot, "host", "disks")[: min(across, MOST_DISKS)]
    if not disks:
        return []
    cells = frame.split(width, across, GAP)
    drawn = [(w, [_disk(scene, disk, w)]) for w, disk in zip(cells, disks, strict=False)]
    return [frame.line(width, *row) for row in frame.beside(drawn, GAP)]


def _disk(scene: Scene, disk: Mapping[str, object], width: int) -> frame.Line:
    total, free = values.number(disk, "total_bytes"), values.number(disk, "free_bytes")
    part = None if not total or free is None else 1 - free / total
    style = "dim" if part is None else "bad" if part > 0.97 else "warn" if part > 0.9 else "disk"
    text = values.NOT_KNOWN if free is None else f"{values.size(free)} free"
    path = values.text(disk, "path") or ""
    left: list[Span] = [
        ("disk ", "label"),
        (fit(path, max(width_of(path), GUTTER - 7 - len(text))) + " ", ""),
        (text + " ", "value" if style == "disk" else style),
    ]
    room = max(width - frame.cells_of(left), 0)
    return frame.line(
        width, *left, *graph.meter(part, room, scene.glyphs, style), mark=scene.glyphs.cut
    )
