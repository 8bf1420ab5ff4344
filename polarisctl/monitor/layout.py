"""A scene and a size to a frame: exactly that many lines of exactly that width.  Pure.

What gives way on a small screen, in this order: events, the host, graphs, then
the lines of GPUs (which scroll).  Faults keep a third of the room.
"""

from __future__ import annotations

from polarisctl.cells import to_ascii
from polarisctl.monitor import detail, edges, frame, gpu_cards, host, trouble
from polarisctl.monitor.frame import Block
from polarisctl.monitor.scene import FAULTS, GPU, HELP, Scene

WIDE = 140
MOST_EVENTS = 8


def render(scene: Scene, width: int, rows: int) -> Block:
    """The frame.  `width` and `rows` are at least 1."""
    top = edges.header(scene, width)
    alarm = edges.banner(scene, width)
    if rows < 16:
        top = top[:1] if rows > 3 else []
        alarm = alarm[:1]
    top = (top + alarm)[: max(rows - 1, 1)]
    bottom = [edges.footer(scene, width)] if rows >= 8 and scene.has_keys else []
    room = rows - len(top) - len(bottom)
    body = frame.height(_body(scene, width, room), width, room)
    drawn = frame.height(top + body + bottom, width, rows)
    if not scene.glyphs.ascii_only:
        return drawn
    return [tuple((to_ascii(text), style) for text, style in line) for line in drawn]


def _body(scene: Scene, width: int, rows: int) -> Block:
    if scene.view.page == GPU and scene.snapshot is not None:
        return detail.draw(scene, width, rows)
    if scene.view.page in (HELP, FAULTS):
        return page(scene, width)[scene.view.scroll :]
    return _overview(scene, width, rows)


def page(scene: Scene, width: int) -> Block:
    """A page of text in full, however long."""
    if scene.view.page == HELP:
        return edges.help_page(scene, width)
    return [
        edges.rule(scene, width, "faults", trouble.counts(scene)),
        *trouble.fault_block(scene, width, 1 << 16),
    ]


def scroll_limit(scene: Scene, width: int, rows: int) -> int:
    """How far a page of text, or a list of processes, can be scrolled on such a screen."""
    if scene.view.page == GPU:
        return detail.scroll_limit(scene, width)
    if scene.view.page not in (HELP, FAULTS):
        return 0
    return max(len(page(scene, width)) - rows + 4, 0)


def _overview(scene: Scene, width: int, rows: int) -> Block:
    if scene.snapshot is None:
        return []
    gpus = len(scene.gpus())
    below = _side_by_side(scene, width, rows) if width >= WIDE else _faults(scene, width, rows)
    room = rows - len(below)
    load = _host(scene, width, _host_rows(room, gpus, width))
    room -= len(load)
    spare = 0 if width >= WIDE else _event_rows(scene, room, gpus)
    cards = gpu_cards.overview(scene, width, max(room - spare, 0))
    room -= len(cards)
    if width < WIDE:
        below = below + _events(scene, width, room)
        room = rows - len(cards) - len(load) - len(below)
    if gpus == 0 and room > 0:
        load = _host(scene, width, len(load) + room)
    return cards + load + below


def _faults(scene: Scene, width: int, rows: int) -> Block:
    """A third of the room, or more where the GPUs and the host leave it."""
    room = max(rows // 2, 1) - 1  # and the title
    most = min(max(rows // 3 - 1, min(rows // 2, rows - len(scene.gpus()) - 5), 1), room)
    shown = trouble.fault_block(scene, width, most)
    counts = trouble.counts(scene)
    if len(shown) < trouble.full_rows(scene, width):
        counts.append(("  f: in full", "dim"))
    title = edges.rule(scene, width, "faults", counts)
    return [title, *shown]


def _side_by_side(scene: Scene, width: int, rows: int) -> Block:
    """Faults at the left, events at the right if there are any."""
    if not scene.events:
        return _faults(scene, width, rows)
    left, right = width * 3 // 5 - 2, width - width * 3 // 5
    faults = _faults(scene, left, rows)
    most = max(len(faults), min(MOST_EVENTS, rows // 6))
    block = frame.beside([(left, faults), (right, _events(scene, right, most))], 2)
    return [frame.line(width, *line) for line in block]


def _event_rows(scene: Scene, room: int, gpus: int) -> int:
    """Lines kept for events: none where the GPUs need them all."""
    wanted = 3 if room < 24 else 6
    return wanted if scene.events and room >= gpus + 1 + wanted else 0


def _events(scene: Scene, width: int, rows: int) -> Block:
    if rows < 2 or not scene.events:
        return []
    title = edges.rule(scene, width, "events", [])
    return [title, *trouble.event_lines(scene, width, min(rows - 1, MOST_EVENTS))]


def _host_rows(room: int, gpus: int, width: int) -> int:
    """Lines for the host's load, its title among them."""
    lines = 1 if width >= 150 else 2 if width >= 60 else 4
    if room < gpus + 1 + lines + 1:
        return 0
    if room < 30:
        return 1 + lines + (1 if room >= gpus + 9 else 0)
    return 1 + lines * (3 if width >= 150 else 2) + 1


def _host(scene: Scene, width: int, rows: int) -> Block:
    if rows < 2:
        return []
    spans = [span for fact in host.about(scene) for span in (("  ", ""), fact)][1:]
    return [edges.rule(scene, width, "host", spans), *host.draw(scene, width, rows - 1)]
