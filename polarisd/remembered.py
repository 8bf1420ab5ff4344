"""What an earlier run left in the state directory, or a fresh start.  Blocking.

`main` calls `recall` once, with the directory locked.  What is there and cannot be
understood must not pass for a first start: its owner may have said stop.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from polarisd import store
from polarisd.api.snapshot import Offering
from polarisd.checking import CheckFailed, check
from polarisd.gpu import memory as gpu_memory
from polarisd.gpu.memory import GpuMemory
from polarisd.store import NotUnderstood

log = logging.getLogger(__name__)

OFFERING_FILE = "offering.json"
GPUS_FILE = "gpus.json"
BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
# Of a file that is all wrong the journal needs no more.
_MAX_PROBLEMS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfferingDocument:
    """The whole of `offering.json`."""

    format: Literal[1]
    wanted: bool
    since_at: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """`unreadable` says by file name what is wrong with what could not be understood."""

    memory: GpuMemory
    offering: Offering
    unreadable: Mapping[str, str]


def recall(directory: Path, now: float, boot_id_file: Path = BOOT_ID_FILE) -> Recalled:
    """OSError if the state directory cannot be read."""
    unreadable: dict[str, str] = {}
    try:
        boot_id = boot_id_file.read_text().strip()
    except OSError:
        boot_id = ""  # then no remembered XID can be shown to be of this boot
    memory = GpuMemory(boot_id, {}, {})
    try:
        document = store.read(directory / GPUS_FILE)
        if document is not None:
            memory = _memory(document, boot_id)
    except NotUnderstood as error:
        unreadable[GPUS_FILE] = _keep(directory / GPUS_FILE, str(error))
    # Stopped, unless it is known that the owner wants otherwise.
    offering = Offering(wanted=False, since_at=now)
    try:
        document = store.read(directory / OFFERING_FILE)
        offering = _first(directory, now) if document is None else _offering(document, now)
    except NotUnderstood as error:
        # The file stays until the owner's word replaces it: after a restart, too, a
        # doubtful machine must not be taken for a new one.
        unreadable[OFFERING_FILE] = _keep(directory / OFFERING_FILE, str(error))
    return Recalled(memory, offering, unreadable)


def offering_document(offering: Offering) -> dict[str, object]:
    return asdict(_OfferingDocument(format=1, wanted=offering.wanted, since_at=offering.since_at))


def _memory(document: Mapping[str, Any], boot_id: str) -> GpuMemory:
    if not document:  # to `from_document` that is one that was never written
        raise NotUnderstood("it is empty")
    try:
        return gpu_memory.from_document(document, boot_id)
    except CheckFailed as error:
        raise NotUnderstood(_why(error)) from None


def _offering(document: Mapping[str, Any], now: float) -> Offering:
    """The owner's yes or no is taken from any format that has one."""
    try:
        kept = check(_OfferingDocument, document)
        return Offering(wanted=kept.wanted, since_at=kept.since_at)
    except CheckFailed as error:
        wanted, since_at = document.get("wanted"), document.get("since_at")
        if not isinstance(wanted, bool):
            raise NotUnderstood(_why(error)) from None
        if not isinstance(since_at, float) or not math.isfinite(since_at):
            since_at = now
        log.warning("only part of %s can be used: %s", OFFERING_FILE, _why(error))
        return Offering(wanted=wanted, since_at=since_at)


def _first(directory: Path, now: float) -> Offering:
    """A machine offers from its first start on: that is what it was installed for."""
    offering = Offering(wanted=True, since_at=now)
    try:
        store.write(directory / OFFERING_FILE, offering_document(offering))
    except OSError as error:
        # The next start is then the first; a disk that stays so becomes a fault.
        log.error("cannot write %s: %s", directory / OFFERING_FILE, error.strerror)
    return offering


def _keep(path: Path, why: str) -> str:
    """Set a copy aside and tell the journal; returns what is wrong, for the fault."""
    try:
        where = f"a copy is in {store.set_aside(path).name}"
    except OSError as error:
        where = f"and no copy can be made: {error.strerror}"
    log.error("cannot use %s: %s; %s", path, why, where)
    return f"{path}: {why}"


def _why(error: CheckFailed) -> str:
    return "; ".join(map(str, error.problems[:_MAX_PROBLEMS]))
