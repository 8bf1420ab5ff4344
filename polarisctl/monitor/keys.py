"""What each key does.  Pure: a view and a key give a view and what to ask of polarisd."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.monitor.scene import FAULTS, GPU, HELP, OVERVIEW, SPANS_S, View

BURST = "burst"
HISTORY = "history"
REDRAW = "redraw"

# How many different graphs the GPU table can show.
TABLE_GRAPHS = 6

# The GPUs on the screen, in order: UUID and number.
Listed = tuple[tuple[str, int], ...]

KEYS = (
    ("Up Down  k j", "select a GPU, or scroll a page of text"),
    ("PgUp PgDn", "scroll the processes of one GPU"),
    ("Enter", "the selected GPU in full: tall graphs, processes, MIG devices"),
    ("0..9", "the GPU of that number in full"),
    ("Esc", "back to the overview; from there, quit"),
    ("g", "which graph the GPU table shows"),
    ("+  -", "let the graphs span more or less time"),
    ("p", "pause: hold the screen still while readings go on"),
    ("b", "a burst: ten samples a second for half a minute (needs admin)"),
    ("f", "all faults and what to do about them"),
    ("Ctrl-L", "draw the screen afresh"),
    ("?", "this page"),
    ("q  Ctrl-C", "quit"),
)


def press(view: View, key: str, gpus: Listed, now: float) -> tuple[View, str]:
    """The view after a key, and one of BURST, HISTORY, REDRAW or nothing."""
    if key in ("q", "Q"):
        return replace(view, quit=True), ""
    if key == "esc":
        return _back(view), ""
    if key in ("+", "=", "-", "_"):
        return _span(view, 1 if key in "+=" else -1)
    if key in ("b", "B"):
        return view, BURST
    if key == "ctrl-l":
        return view, REDRAW
    if key in ("p", "P", " "):
        return replace(view, paused_at=now if view.paused_at is None else None), ""
    if key in ("?", "h"):
        return _page(view, HELP), ""
    if key in ("f", "F"):
        return _page(view, FAULTS), ""
    if key in ("g", "\t"):
        return replace(view, lane=(view.lane + 1) % TABLE_GRAPHS), ""
    return _move(view, key, gpus), ""


def _page(view: View, page: str) -> View:
    """Show a page, or leave it when it is shown already."""
    return replace(view, page=OVERVIEW if view.page == page else page, scroll=0)


def _back(view: View) -> View:
    if view.page == OVERVIEW:
        return replace(view, quit=True)
    return replace(view, page=OVERVIEW, scroll=0)


def _span(view: View, step: int) -> tuple[View, str]:
    place = SPANS_S.index(view.span_s) if view.span_s in SPANS_S else 0
    place = min(max(place + step, 0), len(SPANS_S) - 1)
    return replace(view, span_s=SPANS_S[place]), HISTORY


def _move(view: View, key: str, gpus: Listed) -> View:
    step = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -8, "page-down": 8}.get(key, 0)
    if view.page in (FAULTS, HELP):
        return replace(view, scroll=max(view.scroll + step, 0))
    uuids = [uuid for uuid, _ in gpus]
    if not uuids:
        return view
    place = uuids.index(view.selected) if view.selected in uuids else 0
    if key == "enter":
        page = OVERVIEW if view.page == GPU else GPU
        return replace(view, page=page, selected=uuids[place], scroll=0)
    if key in ("home", "end"):
        return replace(view, selected=uuids[0 if key == "home" else -1])
    for uuid, number in gpus:
        if key == str(number):
            return replace(view, page=GPU, selected=uuid, scroll=0)
    if view.page == GPU and key in ("page-up", "page-down"):
        return replace(view, scroll=max(view.scroll + step // 2, 0))
    if step:
        place = min(max(place + step, 0), len(uuids) - 1)
        return replace(view, selected=uuids[place], scroll=0)
    return view
