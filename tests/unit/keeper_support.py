"""A keeper between reports that a test makes and the state, events and journal it tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pytest
import trio

from polarisd.api.chain import Chain
from polarisd.api.snapshot import Event, Snapshot
from polarisd.gpu import inventory
from polarisd.gpu.inventory import Card
from polarisd.gpu.memory import GpuMemory, remembered_cards, with_cards
from polarisd.history import History
from polarisd.keeper import Keeper
from polarisd.logtext import fields_of
from polarisd.outlook import Outlook
from polarisd.state import State
from tests.unit.build import NOW, card, driver, snapshot, uuid_of, view

A, B = uuid_of(0), uuid_of(1)
HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
HEALTHY = card(0), card(1)


class World:
    """A keeper, what it told, and a clock that only moves when told to."""

    def __init__(
        self,
        withhold: tuple[str, ...] = (),
        *remembered: Card,
        unreadable: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.now = NOW
        memory = with_cards(GpuMemory("boot", {}, {}), remembered, NOW)
        first = snapshot(driver=driver("starting"), chain=Chain(hotkey=HOTKEY))
        self.state = State(first, lambda: self.now)
        self.keeper = Keeper(
            state=self.state,
            view=view(*remembered_cards(memory), state="starting"),
            memory=memory,
            history=History(1, 600),
            withhold=withhold,
            clock=lambda: self.now,
            outlook=Outlook(api_port=8000),
            unreadable=unreadable,
        )

    def take(self, *cards: Card, at: float = 0.0, sampled: bool = True, **of_driver: Any) -> None:
        self.now = NOW + at
        self.keeper.take_gpus(view(*cards, sampled=sampled, **of_driver))

    @property
    def snapshot(self) -> Snapshot:
        return self.state.snapshot

    @property
    def codes(self) -> list[tuple[str, str]]:
        return [(fault.code, fault.gpu_uuid) for fault in self.snapshot.faults]

    @property
    def withheld(self) -> dict[str, tuple[str, ...]]:
        return {gpu.uuid: gpu.withheld_by for gpu in self.snapshot.gpus}

    @contextmanager
    def heard(self) -> Iterator[list[Event]]:
        """The events of the block, there when it is left."""
        events: list[Event] = []
        with self.state.listening() as listener:
            yield events
            while True:
                try:
                    events.append(listener.receive_nowait())
                except trio.WouldBlock:
                    return


def kinds(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.gpu_uuid) for event in events]


def journal(caplog: pytest.LogCaptureFixture) -> list[tuple[int, dict[str, str]]]:
    return [(record.levelno, fields_of(record)) for record in caplog.records]


def timed_out(some: Card) -> Card:
    return inventory.unanswered(some, NOW)
