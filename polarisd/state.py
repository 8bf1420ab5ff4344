"""The one owner of the truth: the current snapshot and who waits for the next.

State changes without an await; each change makes a new frozen Snapshot with the
next version.  Watchers take the newest when they are free, so a slow one costs
nothing; events go through a bounded channel each, and who lags is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import trio

from polarisd.api import wire
from polarisd.api.encode import to_wire
from polarisd.api.snapshot import Event, Snapshot

EVENT_QUEUE = 256


class State:
    """Current snapshot, packed once for all who ask, and a wake-up for watchers."""

    def __init__(self, first: Snapshot, clock: Callable[[], float]) -> None:
        self._snapshot = first
        self._clock = clock
        self._packed: bytes | None = None
        self._changed = trio.Event()
        self._listeners: set[trio.MemorySendChannel[Event]] = set()

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @property
    def packed(self) -> bytes:
        """The snapshot in MessagePack; encoded at most once a version."""
        if self._packed is None:
            self._packed = wire.pack(to_wire(self._snapshot))
        return self._packed

    def change(self, **sections: Any) -> Snapshot:
        """Replace sections of the snapshot and wake whoever waits for a newer one."""
        self._snapshot = replace(
            self._snapshot,
            version=self._snapshot.version + 1,
            taken_at=self._clock(),
            **sections,
        )
        self._packed = None
        self._changed.set()
        self._changed = trio.Event()
        return self._snapshot

    async def wait_newer(self, version: int) -> Snapshot:
        """The newest snapshot, as soon as it is newer than `version`."""
        while self._snapshot.version <= version:
            await self._changed.wait()
        return self._snapshot

    def tell(self, event: Event) -> None:
        """Pass an event to every listener; a listener whose queue is full is cut off."""
        for listener in tuple(self._listeners):
            try:
                listener.send_nowait(event)
            except trio.WouldBlock:
                self._listeners.discard(listener)
                listener.close()
            except trio.BrokenResourceError:
                self._listeners.discard(listener)

    @contextmanager
    def listening(self) -> Iterator[trio.MemoryReceiveChannel[Event]]:
        """Events from now on.  The channel ends when the listener lagged too far."""
        send, receive = trio.open_memory_channel[Event](EVENT_QUEUE)
        self._listeners.add(send)
        try:
            yield receive
        finally:
            self._listeners.discard(send)
            send.close()
            receive.close()
