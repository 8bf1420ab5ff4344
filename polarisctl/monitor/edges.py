"""The lines at the top and the bottom: who speaks, how we stand with it, keys.  Pure."""

from __future__ import annotations

from polarisctl import values
from polarisctl.cells import clean
from polarisctl.monitor import frame, gpu_text
from polarisctl.monitor.frame import Block, Line, Span
from polarisctl.monitor.keys import KEYS
from polarisctl.monitor.place import place
from polarisctl.monitor.scene import CONNECTING, DOWN, GPU, OVERVIEW, Scene


def header(scene: Scene, width: int) -> Block:
    """Two lines: the machine and its offering; driver, GPUs, chain, and the graphs."""
    glyphs, shot = scene.glyphs, scene.snapshot
    dot = f" {glyphs.dot} "
    time = (values.clock(scene.now, scene.utc_offset_s), "dim")
    first = _machine(scene, width - frame.cells_of([time]) - 1)
    span = values.age(scene.view.span_s)
    right = [*stale(scene), (f"graphs {span}", "dim")]
    second = _state(scene, width - frame.cells_of(right) - 1, dot) if shot else []
    return [
        frame.ends(width, first, [time], glyphs.cut),
        frame.ends(width, second, right, glyphs.cut),
    ]


def _state(scene: Scene, room: int, dot: str) -> list[Span]:
    """The driver, the GPUs, the place on the chain; versions give way to that place."""
    versions, gpus, there = driver(scene), gpu_text.summary(scene), place(scene)
    found: list[Span] = []
    for parts in ([*versions, gpus, *there], [*versions[:1], gpus, *there], [gpus, *there]):
        found = gpu_text.joined(parts, dot)
        if not there or frame.cells_of(found) <= room:
            break
    return found


def _machine(scene: Scene, room: int) -> list[Span]:
    """Version, host, role and mode, offering; what is not needed gives way word by word:
    the domain of the host, since when it is offered, role and mode."""
    shot = scene.snapshot
    version = values.text(shot, "daemon", "version")
    host = values.text(shot, "host", "hostname") or ""
    words = [values.text(shot, "daemon", name) for name in ("role", "mode")]
    role = f" {scene.glyphs.dot} ".join(word for word in words if word)
    short = host.partition(".")[0]
    found: list[Span] = []
    for name, part, since in (
        (host, role, True),
        (short, role, True),
        (host, role, False),
        (short, role, False),
        (short, "", False),
    ):
        found = [(f"Polaris {version or ''}".rstrip(), "title")]
        found += [(f"  {name}", "bold")] if name else []
        found += [(f"  {part}", "dim")] if part else []
        found += [("  ", ""), *offering(scene, since)]
        if frame.cells_of(found) <= room:
            break
    return found


def offering(scene: Scene, since: bool = True) -> list[Span]:
    wanted = values.flag(scene.snapshot, "daemon", "offering", "wanted")
    since_at = values.number(scene.snapshot, "daemon", "offering", "since_at")
    if wanted is None:
        return [("offering n/a", "dim")] if scene.snapshot is not None else []
    length = f" {values.age(scene.now - since_at)}" if since_at and since else ""
    if wanted:
        return [(f"{scene.glyphs.good} ", "good"), (f"offering{length}", "good")]
    return [(f"{scene.glyphs.warning} ", "warn"), (f"not offering{length}", "warn")]


def driver(scene: Scene) -> list[Span]:
    place = values.get(scene.snapshot, "driver")
    state = values.text(place, "state")
    version, cuda = values.text(place, "driver_version"), values.text(place, "cuda_version")
    if state != "ok":
        needed = values.needs_gpus(scene.snapshot)
        return [(f"driver {state or values.NOT_KNOWN}", "bad" if needed else "dim")]
    known = [("driver", version), ("CUDA", cuda)]
    return [(f"{name} {value}", "dim") for name, value in known if value]


def banner(scene: Scene, width: int) -> Block:
    """What stands between the viewer and the truth; no line when nothing does."""
    link, glyphs = scene.link, scene.glyphs
    if link.state == DOWN:
        since = values.clock(link.since_at, scene.utc_offset_s)
        text = f" polarisd is not answering since {since}, retrying"
        wait_s = max(link.retry_at - scene.now, 0)
        text += f" in {wait_s:.0f} s" if wait_s >= 1 else ""
        why = clean(link.why)
        lines = [
            frame.line(
                width,
                (text, "alarm"),
                (f": {why}" if why else "", "alarm"),
                mark=glyphs.cut,
                fill=(" ", "alarm"),
            )
        ]
        hint = clean(link.hint)
        if hint:
            lines.append(frame.line(width, (f" {glyphs.arrow} {hint}", "note"), mark=glyphs.cut))
        return lines
    if link.state == CONNECTING and scene.snapshot is None:
        return [frame.line(width, (" asking polarisd", "notice"), fill=(" ", "notice"))]
    if scene.notice.text and scene.now < scene.notice.until_at:
        text = f" {clean(scene.notice.text)}"
        return [frame.line(width, (text, "notice"), mark=glyphs.cut, fill=(" ", "notice"))]
    if scene.view.paused_at is not None:
        at = values.clock(scene.view.paused_at, scene.utc_offset_s)
        text = f" paused at {at}: p goes on"
        return [frame.line(width, (text, "notice"), mark=glyphs.cut, fill=(" ", "notice"))]
    if scene.now < scene.burst_until_at:
        left = f" burst: ten samples a second for {scene.burst_until_at - scene.now:.0f} s more"
        return [frame.line(width, (left, "notice"), mark=glyphs.cut, fill=(" ", "notice"))]
    return []


def stale(scene: Scene) -> list[Span]:
    """The age of what is shown, when it is older than it should be."""
    old_s = scene.snapshot_age_s
    if old_s is None:
        return []
    return [(f"{values.age(old_s)} old" if old_s > 0 else "clock changed", "bad"), ("  ", "")]


HINTS = {
    OVERVIEW: (
        ("q", "quit"),
        ("?", "help"),
        ("Enter", "one GPU"),
        ("g", "graph"),
        ("+-", "span"),
        ("p", "pause"),
        ("f", "faults"),
        ("b", "burst"),
        ("jk", "select"),
    ),
    GPU: (
        ("q", "quit"),
        ("?", "help"),
        ("Esc", "back"),
        ("jk", "other GPU"),
        ("+-", "span"),
        ("p", "pause"),
        ("f", "faults"),
        ("b", "burst"),
    ),
}
PAGE_HINTS = (("q", "quit"), ("Esc", "back"), ("jk", "scroll"))


def footer(scene: Scene, width: int) -> Line:
    """The keys that fit."""
    spans: list[Span] = []
    for key, text in HINTS.get(scene.view.page, PAGE_HINTS):
        hint = [(f" {key} ", "key"), (f"{text} ", "dim")]
        if frame.cells_of(spans) + frame.cells_of(hint) > width:
            break
        spans += hint
    return frame.line(width, *spans)


def rule(scene: Scene, width: int, title: str, spans: list[Span]) -> Line:
    """`── title: spans ────────`."""
    glyph = scene.glyphs.rule
    left = [(glyph * 2 + " ", "dim"), (title, "section"), (" ", "")]
    left += [*spans, (" ", "")] if spans else []
    return frame.line(width, *left, mark=scene.glyphs.cut, fill=(glyph, "dim"))


def help_page(scene: Scene, width: int) -> Block:
    glyphs = scene.glyphs
    block = [rule(scene, width, "keys", [])]
    block += [
        frame.line(width, (f"  {keys:<14}", "value"), (text, ""), mark=glyphs.cut)
        for keys, text in KEYS
    ]
    block += [
        rule(scene, width, "signs", []),
        _sign(width, glyphs.good, "good", "well: it can be offered"),
        _sign(width, glyphs.warning, "warn", "it works, but something asks for attention"),
        _sign(width, glyphs.error, "bad", "lost, silent, missing or withheld: not offered"),
        _sign(width, glyphs.throttle_light, "power", "throttle: held at its power limit"),
        _sign(
            width,
            glyphs.throttle_heavy,
            "bad",
            "throttle: the hardware or driver saves it from harm",
        ),
        _sign(width, "n/a", "dim", "polarisd cannot tell; a gap in a graph means the same"),
    ]
    return block


def _sign(width: int, sign: str, style: str, text: str) -> Line:
    return frame.line(width, ("  ", ""), (f"{sign:<14}", style), (text, ""))
