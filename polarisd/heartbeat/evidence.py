"""Proofs of equivocation on disk: one for each hotkey, written once and never written over.

For `keeping`, which says in the journal what goes wrong here.  A proof that cannot be written
waits, within bounds, and is tried again: until it is written nothing counts as kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from polarisd import store
from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.equivocation import proves_equivocation

EVIDENCE_DIRECTORY = "equivocations"
# The first ones stay: else new hotkeys, where they cost nothing, could push them out.
MAX_EVIDENCE = 256
# Each is of two envelopes, at most.
MAX_WAITING = 32
_ENDING = ".json"

Contradiction = tuple[Signed, Signed]


class Evidence:
    """What is kept on disk, and what waits to be.  `open` and `write` are blocking."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self._directory = directory / EVIDENCE_DIRECTORY
        self._clock = clock
        self._kept: frozenset[str] = frozenset()
        self._waiting: dict[str, dict[str, object]] = {}

    @property
    def equivocators(self) -> frozenset[str]:
        """All of whom a proof was met, on disk or on its way there."""
        return self._kept.union(self._waiting)

    def waiting(self) -> tuple[tuple[str, dict[str, object]], ...]:
        """Hotkeys and what is to be written of each."""
        return tuple(self._waiting.items())

    def open(self) -> None:
        """OSError if what an earlier run has kept cannot be listed."""
        try:
            names = sorted(os.listdir(self._directory))
        except FileNotFoundError:
            return
        found = [name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)]
        self._kept = frozenset(found[:MAX_EVIDENCE])

    def add(self, found: Contradiction) -> bool:
        """Whether it is news, and there is room for it; one of each hotkey is enough."""
        hotkey = found[0].heartbeat.hotkey
        known = self.equivocators
        if hotkey in known or len(known) >= MAX_EVIDENCE or len(self._waiting) >= MAX_WAITING:
            return False
        a, b = (signed.envelope for signed in found)
        self._waiting[hotkey] = {"format": 1, "found_at": self._clock(), "a": a, "b": b}
        return True

    def write(self, hotkey: str, document: dict[str, object]) -> None:
        """In a thread; changes nothing here.  OSError."""
        path = self._directory / f"{hotkey}{_ENDING}"
        self._directory.mkdir(exist_ok=True)
        if not _is_proof(path):
            store.write(path, document)

    def written(self, hotkey: str) -> None:
        self._kept |= {hotkey}
        del self._waiting[hotkey]


def read_evidence(path: Path) -> bool:
    """Blocking.  Whether the file holds a proof; NotUnderstood, OSError."""
    document = store.read(path) or {}
    return proves_equivocation(document.get("a"), document.get("b"))


def _is_proof(path: Path) -> bool:
    """Where an earlier run could not list what it had, there may be one: the first stays."""
    try:
        return read_evidence(path)
    except (store.NotUnderstood, OSError):
        return False
