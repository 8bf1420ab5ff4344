"""Numbers for heartbeats that are never given twice, whatever becomes of this machine.

For `sender`.  Numbers are reserved on disk before the first of them is given, a block at a
time, so that neither a crash nor a clock that jumps can bring one back.  The first of a run
is also no lower than the milliseconds since 1970: a machine that has lost its state directory
then starts above all that it ever gave, for it gives fewer than one a millisecond (a restart
skips the rest of a block, which is a second's worth).  What remains is a lost directory on a
machine whose clock was ahead when it last started: then validators hold a higher number of
ours, show it, and `pass_by` goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import trio

from polarisd import store
from polarisd.checking import CheckFailed, Range, check
from polarisd.heartbeat.document import MAX_NUMBER

log = logging.getLogger(__name__)

FILE = "heartbeats.json"
BLOCK = 1000
_DISK_S = 10.0
# A clock outside of 2024 to 2100 is no clock: it must not set the numbers for ever.
_CLOCK_S = (1_704_067_200.0, 4_102_444_800.0)
_DISK_REMEDY = "check the disk that holds the state directory, and its free space"


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """Why there is no number, and so no heartbeat."""

    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    format: Literal[1]
    reserved_to: Annotated[int, Range(0, MAX_NUMBER)]


class Sequence:
    """The only user of its file.  `clock` gives seconds since 1970."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self._path = directory / FILE
        self._clock = clock
        self._next = 0  # not known before the file was read
        self._reserved_to = 0
        self._at_disk = False
        self._taking = trio.Lock()

    async def take(self) -> int | Unnumbered:
        """The next number, or why there is none; it is waited for the disk, within bounds."""
        async with self._taking:
            if not self._next or self._next > self._reserved_to:
                problem = await self._reserve()
                if problem is not None:
                    return problem
            self._next += 1
            return self._next - 1

    def pass_by(self, number: int) -> bool:
        """Go on above `number`, which this hotkey has given before; False if that is so anyway."""
        if not self.is_below(number) or number > MAX_NUMBER - BLOCK:
            return False
        self._next = number + 1
        return True

    def is_below(self, number: int) -> bool:
        """Whether `number` is one that has yet to be given."""
        return 0 < self._next <= number

    async def _reserve(self) -> Unnumbered | None:
        if self._at_disk:  # a write that was given up may still happen: never beside another
            return Unnumbered("the disk does not answer", _DISK_REMEDY)
        result: int | Unnumbered = Unnumbered("the disk does not answer", _DISK_REMEDY)
        with trio.move_on_after(_DISK_S):
            self._at_disk = True
            work = partial(self._on_disk, self._next, self._clock())
            result = await trio.to_thread.run_sync(work, abandon_on_cancel=True)
        if isinstance(result, Unnumbered):
            return result
        self._next, self._reserved_to = result, result + BLOCK - 1
        return None

    def _on_disk(self, first: int, now: float) -> int | Unnumbered:
        """In a thread.  The first number of a block that is reserved now."""
        try:
            first = first or _first(self._path, now)
            if first > MAX_NUMBER - BLOCK:
                return Unnumbered("all numbers are used up", "register with a new hotkey")
            if first < 1:
                return Unnumbered(
                    "this machine's clock shows a time that cannot be",
                    "set the clock: sudo timedatectl set-ntp true",
                )
            document = _Document(format=1, reserved_to=first + BLOCK - 1)
            store.write(self._path, asdict(document))
            return first
        except OSError as error:
            return Unnumbered(f"cannot write {self._path}: {error.strerror}", _DISK_REMEDY)
        finally:
            self._at_disk = False


def _first(path: Path, now: float) -> int:
    """The first number of a run; 0 if nothing tells which were given."""
    reserved_to = _reserved_to(path)
    is_clock = _CLOCK_S[0] <= now <= _CLOCK_S[1]
    return max(reserved_to + 1 if reserved_to else 0, int(now * 1e3) if is_clock else 0)


def _reserved_to(path: Path) -> int:
    """0 where no file can tell."""
    try:
        document = store.read(path)
        return check(_Document, document).reserved_to if document is not None else 0
    except (store.NotUnderstood, CheckFailed) as error:
        log.warning("cannot use %s, whose numbers go on by the clock: %s", path, error)
        store.set_aside(path)
        return 0
