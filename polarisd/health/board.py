"""Signs to faults: raised when a sign has held long enough, cleared when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from polarisd.api.snapshot import Fault
from polarisd.health.catalogue import CATALOGUE, SEVERITIES

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Sign:
    """What a detector saw.

    `holds` is True, or None for "cannot tell": then a fault that was raised stays
    raised, and one that was not is not.  No sign means that it does not hold.
    `key` tells apart several faults of one code on one GPU.
    """

    code: str
    gpu_uuid: str = ""
    key: str = ""
    holds: bool | None = True
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> Key:
        return self.code, self.gpu_uuid, self.key


@dataclass(frozen=True, slots=True)
class Entry:
    """A sign that holds, since when, and the fault once it is visible."""

    since_at: float
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Board:
    """All that is or may become a fault."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Worst first, then oldest first."""
        visible = [entry.fault for entry in self.entries.values() if entry.fault is not None]
        return tuple(sorted(visible, key=_rank))

    def withheld_by(self, uuid: str) -> tuple[str, ...]:
        """Codes of the errors on one GPU."""
        found = {f.code for f in self.faults if f.gpu_uuid == uuid and f.severity == "error"}
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Change:
    """What an update of the board raised and cleared."""

    raised: tuple[Fault, ...]
    cleared: tuple[Fault, ...]


def update(board: Board, signs: Iterable[Sign], now: float) -> tuple[Board, Change]:
    """The board after these signs, and what changed."""
    entries: dict[Key, Entry] = {}
    for sign in signs:
        before = board.entries.get(sign.identity)
        if sign.holds is None:
            if before is not None:
                entries[sign.identity] = before
            continue
        # A clock that was set back must not put off what waits to be seen.
        since_at = now if before is None else min(before.since_at, now)
        visible = now - since_at >= CATALOGUE[sign.code].visible_after_s or (
            before is not None and before.fault is not None
        )
        entries[sign.identity] = Entry(since_at, _fault(sign, since_at) if visible else None)
    after = Board(entries)
    return after, Change(raised=_newly_visible(board, after), cleared=_newly_visible(after, board))


def _newly_visible(before: Board, after: Board) -> tuple[Fault, ...]:
    seen = {key for key, entry in before.entries.items() if entry.fault is not None}
    return tuple(
        entry.fault
        for key, entry in after.entries.items()
        if entry.fault is not None and key not in seen
    )


def _fault(sign: Sign, since_at: float) -> Fault:
    kind = CATALOGUE[sign.code]
    facts = {"uuid": sign.gpu_uuid, **sign.facts}
    # A remedy may itself come from the facts (an XID's), and name the GPU in turn.
    return Fault(
        code=kind.code,
        severity=kind.severity,
        gpu_uuid=sign.gpu_uuid,
        text=kind.text.format_map(facts),
        remedy=kind.remedy.format_map(facts).replace("{uuid}", sign.gpu_uuid),
        since_at=since_at,
    )


def _rank(fault: Fault) -> tuple[int, float, str, str]:
    return SEVERITIES.index(fault.severity), fault.since_at, fault.gpu_uuid, fault.code
