"""Faults with their remedies, and what happened of late.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from polarisctl import values
from polarisctl.cells import wrap
from polarisctl.monitor import frame, gpu_text
from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.scene import Scene

RANK = {"error": 0, "warning": 1, "notice": 2}
STYLE = {"error": "bad", "warning": "warn", "notice": "note"}
EVENT_WORDS = {
    "fault_raised": ("raised", "warn"),
    "fault_cleared": ("cleared", "good"),
    "xid": ("XID", "bad"),
    "gpu_appeared": ("appeared", "good"),
    "gpu_missing": ("missing", "bad"),
    "driver_changed": ("driver", "note"),
    "offering_changed": ("offering", "note"),
    "config_reloaded": ("config", "note"),
}


def faults(scene: Scene, only_gpu: str = "") -> list[Mapping[str, object]]:
    """The worst first, and of those the newest."""
    found = values.maps(scene.snapshot, "faults")
    if only_gpu:
        found = [fault for fault in found if values.text(fault, "gpu_uuid") == only_gpu]
    return sorted(
        found,
        key=lambda fault: (
            RANK.get(values.text(fault, "severity") or "", 0),
            -(values.number(fault, "since_at") or 0.0),
        ),
    )


def _where(uuid: str | None, scene: Scene) -> str:
    return gpu_text.label_of(uuid, scene.gpus()) if uuid else "host"


def fault_lines(scene: Scene, fault: Mapping[str, object], width: int, brief: bool) -> Block:
    """What is wrong, then what to do; a line each if `brief`, else as many as needed."""
    glyphs = scene.glyphs
    severity = values.text(fault, "severity") or "error"
    style = STYLE.get(severity, "bad")
    sign = {"error": glyphs.error, "warning": glyphs.warning}.get(severity, glyphs.notice)
    since_at = values.number(fault, "since_at")
    head = [
        (f"{sign} ", style),
        (values.text(fault, "code") or "fault", style),
        (f"  {_where(values.text(fault, 'gpu_uuid'), scene)}", "value"),
        (f"  {values.age(scene.now - since_at)}  " if since_at else "  ", "dim"),
    ]
    said = values.text(fault, "text") or ""
    remedy = values.text(fault, "remedy") or ""
    do = [(f"  {glyphs.arrow} ", "note")]
    if brief:
        block = [frame.line(width, *head, (said, ""), mark=glyphs.cut)]
        return block + ([frame.line(width, *do, (remedy, ""), mark=glyphs.cut)] if remedy else [])
    return _hanging(head, said, width) + (_hanging(do, remedy, width) if remedy else [])


def _hanging(head: list[Span], text: str, width: int) -> Block:
    """`head` and the text after it, further lines indented below."""
    indent = 4
    text = " ".join(text.split())
    used = frame.cells_of(head)
    if width - used < 20:
        lines = list(wrap(text, max(width - indent, 1)))
        return [frame.line(width, *head)] + [_indented(line, indent, width) for line in lines]
    first = next(wrap(text, width - used), "")
    rest = text[len(first) :]
    lines = list(wrap(rest, width - indent))
    return [frame.line(width, *head, (first, ""))] + [_indented(s, indent, width) for s in lines]


def _indented(text: str, indent: int, width: int) -> Line:
    return frame.line(width, (" " * indent, ""), (text, ""))


def fault_block(scene: Scene, width: int, rows: int, only_gpu: str = "") -> Block:
    """The faults in at most `rows` lines: one each for text and remedy, in full for as
    many as there is room for, the worst first; and how many were left out."""
    found = faults(scene, only_gpu)
    blocks = [fault_lines(scene, fault, width, brief=True) for fault in found]
    spare = rows - sum(map(len, blocks))
    if spare < 0:
        return _as_many_as_fit(scene, blocks, width, rows)
    for number, fault in enumerate(found):
        full = fault_lines(scene, fault, width, brief=False)
        if len(full) - len(blocks[number]) <= spare:
            spare -= len(full) - len(blocks[number])
            blocks[number] = full
    return [line for block in blocks for line in block]


def full_rows(scene: Scene, width: int) -> int:
    """How many lines all faults would take in full."""
    return sum(len(fault_lines(scene, fault, width, brief=False)) for fault in faults(scene))


def _as_many_as_fit(scene: Scene, blocks: list[Block], width: int, rows: int) -> Block:
    shown: Block = []
    for number, block in enumerate(blocks):
        if len(shown) + len(block) > rows - 1:
            more = f"  {len(blocks) - number} more: press f"
            shown.append(frame.line(width, (more, "warn"), mark=scene.glyphs.cut))
            break
        shown += block
    return shown[: max(rows, 0)]


def counts(scene: Scene) -> list[Span]:
    """`2 errors, 1 notice`, or that there is none."""
    severities = [values.text(f, "severity") or "error" for f in faults(scene)]
    spans: list[Span] = []
    for severity, style in STYLE.items():
        count = severities.count(severity)
        if count:
            spans.append((f"{count} {severity}{'s' if count > 1 else ''}", style))
    if scene.snapshot is None:
        return [(values.NOT_KNOWN, "dim")]
    return gpu_text.joined(spans, ", ") or [("none", "good")]


def event_lines(scene: Scene, width: int, rows: int, only_gpu: str = "") -> Block:
    """The newest events, the newest first."""
    newest = [
        event
        for event in reversed(scene.events)
        if not only_gpu or values.text(event, "gpu_uuid") == only_gpu
    ]
    return [_event(scene, event, width) for event in newest[: max(rows, 0)]]


def _event(scene: Scene, event: Mapping[str, object], width: int) -> Line:
    kind = values.text(event, "kind") or "event"
    word, style = EVENT_WORDS.get(kind, (kind, ""))
    at, uuid = values.number(event, "at"), values.text(event, "gpu_uuid")
    return frame.line(
        width,
        (values.clock(at, scene.utc_offset_s) if at is not None else values.NOT_KNOWN, "dim"),
        (f" {word:<8} ", style),
        (f"{gpu_text.label_of(uuid, scene.gpus())} " if uuid else "", "value"),
        (values.text(event, "text") or "", ""),
        mark=scene.glyphs.cut,
    )
