"""The threads that read the GPUs: one while the driver answers, more while it does not.

One thread reads card after card, since to wake a thread a card costs more than what
it then reads.  A card that takes its time keeps that thread to itself: another goes
on with the rest, so that a call which hangs delays its own card alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

Frame = tuple[object, ...]

# How long no card may be finished before another thread is called in.
PATIENCE_S = 0.02


class Reader(Protocol):
    """One card: what is wanted of it with the tick of each, and the reading of that."""

    def read(self, wanted: dict[str, int], answer: Callable[..., None]) -> None: ...


class Crew:
    """Serves requests to cards, and sends the answers together as far as they come soon.

    Requests that pile up while a card hangs replace each other: at most one of a
    kind waits, with the newest tick.
    """

    def __init__(
        self, send: Callable[[Sequence[Frame]], None], *, patience_s: float = PATIENCE_S
    ) -> None:
        self._send = send
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._finished = threading.Condition(self._lock)
        self._wanted: dict[Reader, dict[str, int]] = {}
        self._waiting: deque[Reader] = deque()
        self._reading: set[Reader] = set()
        self._idle = 0
        self._served = 0
        self._held: list[Frame] | None = None

    def request(self, readers: Iterable[Reader], wanted: dict[str, int]) -> None:
        """Have all of them read.  Returns when that is done, or when what is left hangs."""
        with self._lock:
            for reader in readers:
                if reader not in self._wanted and reader not in self._reading:
                    self._waiting.append(reader)
                self._wanted.setdefault(reader, {}).update(wanted)
            self._held = []
            if self._idle or self._reading:
                self._work.notify()
            else:
                self._start()
            while self._waiting or self._reading:
                served = self._served
                if self._finished.wait(self._patience_s) or self._served != served:
                    continue
                if not self._waiting:
                    break
                self._call_in_another()
            held, self._held = self._held, None
        if held:
            self._send(held)

    def _call_in_another(self) -> None:
        """What has been answered so far need not wait for what hangs."""
        if self._held:
            self._send(self._held)
        self._held = []
        if self._idle:
            self._work.notify()
        else:
            self._start()

    def _start(self) -> None:
        threading.Thread(target=self._run, name="reader", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._waiting:
                    if self._idle:
                        return  # one that waits is enough
                    self._idle += 1
                    self._work.wait()
                    self._idle -= 1
                reader = self._waiting.popleft()
                wanted = self._wanted.pop(reader)
                self._reading.add(reader)
            try:
                reader.read(wanted, self._answer)
            finally:
                self._put_back(reader)

    def _put_back(self, reader: Reader) -> None:
        with self._lock:
            self._served += 1
            self._reading.remove(reader)
            if reader in self._wanted:
                self._waiting.append(reader)
            if not self._waiting and not self._reading:
                self._finished.notify()

    def _answer(self, *frame: object) -> None:
        with self._lock:
            if self._held is not None:
                self._held.append(frame)
                return
        self._send([frame])
