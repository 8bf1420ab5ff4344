"""All that a frame is drawn from: what the viewer chose and what is known.

Frozen; `keys` makes a new View from a key, `loop` makes a new Scene from what
came over the socket, `layout` turns a Scene and a size into a frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polarisctl import values
from polarisctl.monitor.glyphs import FULL, Glyphs
from polarisctl.monitor.history import History

SPANS_S = (60, 120, 300, 600, 1200, 1800, 3600)

OVERVIEW = "overview"
GPU = "gpu"
FAULTS = "faults"
HELP = "help"


@dataclass(frozen=True, slots=True)
class View:
    """What the viewer chose.  `selected` is a GPU's UUID, empty for the first."""

    page: str = OVERVIEW
    selected: str = ""
    lane: int = 0
    span_s: int = 300
    paused_at: float | None = None
    scroll: int = 0
    quit: bool = False


CONNECTING = "connecting"
LIVE = "live"
DOWN = "down"


@dataclass(frozen=True, slots=True)
class Link:
    """How we stand with the daemon.  `since_at` is when that began."""

    state: str = CONNECTING
    since_at: float = 0.0
    why: str = ""
    hint: str = ""
    retry_at: float = 0.0
    access: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the viewer that goes away by itself."""

    text: str = ""
    until_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """`snapshot` is None until the first one came; `events` has the newest last."""

    view: View
    snapshot: Mapping[str, object] | None
    history: History
    events: tuple[Mapping[str, object], ...]
    link: Link
    now: float
    interval_s: float = 1.0
    notice: Notice = Notice()
    burst_until_at: float = 0.0
    utc_offset_s: int = 0
    glyphs: Glyphs = FULL
    has_keys: bool = True

    @property
    def shown_at(self) -> float:
        """The instant at the right edge of the graphs."""
        return self.now if self.view.paused_at is None else self.view.paused_at

    @property
    def stale_after_s(self) -> float:
        """Beyond this age a reading is marked: three samples late, and 5 s at least."""
        return max(5.0, 3 * max(self.interval_s, self.history.interval_s))

    def age_s(self, read_at: float | None) -> float | None:
        """How old a reading is, or None when it is as fresh as it should be.

        One from the future counts as stale too: then a clock was changed and its
        age cannot be told.
        """
        if not read_at:
            return None
        old_s = self.shown_at - read_at
        return old_s if old_s > self.stale_after_s or old_s < -self.stale_after_s else None

    @property
    def snapshot_age_s(self) -> float | None:
        """The age of all that is shown, or None while it is fresh."""
        return self.age_s(values.number(self.snapshot, "taken_at"))

    @property
    def value_style(self) -> str:
        """Figures stand out only while they are true."""
        return "value" if self.snapshot_age_s is None else "dim"

    def gpus(self) -> list[Mapping[str, object]]:
        return values.gpus(self.snapshot)

    def selected_index(self) -> int:
        """Where the selected GPU is in the list; the first if it has gone."""
        return index_of(self.view.selected, uuids(self.snapshot))


def uuids(snapshot: Mapping[str, object] | None) -> tuple[str, ...]:
    return tuple(values.text(gpu, "uuid") or "" for gpu in values.maps(snapshot, "gpus"))


def index_of(uuid: str, all_uuids: tuple[str, ...]) -> int:
    return all_uuids.index(uuid) if uuid in all_uuids else 0
