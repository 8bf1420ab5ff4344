"""What the frames of one child add up to.  No I/O; the clock is passed in.

The sampler feeds it frames and asks which GPUs still owe an answer; it keeps the
cards over the lives of several children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from reprlib import repr as short
from typing import Any

from polarisd.api import reading
from polarisd.api.gpu import LOST, MISSING, Condition, Driver, GpuProcess, Identity, MigDevice
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu import inventory, raw
from polarisd.gpu.inventory import Card
from polarisd.gpu.raw import RawSample, reading_from_wire, record_from_wire


def driver_without_versions(state: str, detail: str) -> Driver:
    why = Unknown(reading.NOT_READ_YET if state == "starting" else reading.NO_DRIVER)
    return Driver(
        state=state, detail=detail, driver_version=why, nvml_version=why, cuda_version=why
    )


class Intake:
    """Cards by UUID, the driver, and who has answered."""

    def __init__(self, report_xid: Callable[[str, int], None], known: Iterable[Card]) -> None:
        self.cards: dict[str, Card] = {card.uuid: card for card in known}
        self.driver = driver_without_versions("starting", "")
        self.no_events = ""
        self._condition_ticks: dict[str, int] = {}
        self.begin()
        self._report_xid = report_xid

    def begin(self) -> None:
        """A new child starts: nothing has been listed yet."""
        self.ready = False
        self.changed = ""
        self._failed = False
        self._listed: dict[str, Identity] = {}
        self._told_driver: Driver | None = None
        self._unreadable: dict[int, Unknown] = {}
        self._awaited: set[tuple[str, str]] = set()
        self._hung: set[str] = set()

    def take(self, frame: list[Any], now: float) -> None:
        """Apply one frame.  ValueError, KeyError or TypeError if it is malformed."""
        match frame:
            case [raw.SAMPLE, int(tick), str(uuid), dict(sample)]:
                self._take_sample(uuid, record_from_wire(RawSample, sample), tick)
            case [raw.CONDITION, int(tick), str(uuid), dict(condition), list(mig)]:
                card = self.cards[uuid]
                self.cards[uuid] = inventory.conditioned(
                    card, condition_from_wire(condition), tuple(map(_mig_from_wire, mig))
                )
                self._condition_ticks[uuid] = tick
                self._awaited.discard((uuid, raw.CONDITION))
            case [raw.XID, str(uuid), int(xid)]:
                self._report_xid(uuid, xid)
            case [raw.DRIVER, dict(driver)]:
                # It works once it has listed its GPUs, and may yet hang on the way.
                self._told_driver = record_from_wire(Driver, driver)
            case [raw.GPU, dict(wire)]:
                identity = record_from_wire(Identity, wire)
                self._listed[identity.uuid] = identity
                if self.ready:  # it took its time to say what it is
                    card = self.cards[identity.uuid]
                    self.cards[identity.uuid] = replace(card, identity=identity)
            case [raw.UNREADABLE, int(index), str(reason), str(detail)]:
                self._unreadable[index] = Unknown(reason, detail)
            case [raw.READY, int()]:
                self._complete(now)
            case [raw.FAILED, str(state), str(detail)]:
                self._failed = True
                self.driver = driver_without_versions(state, detail)
            case [raw.CHANGED, str(detail)]:
                self.changed = detail or "the driver changed"
            case [raw.NO_EVENTS, str(detail)]:
                self.no_events = detail
            case _:
                raise ValueError(f"unknown frame {short(frame)}")

    def expect(self, *kinds: str) -> None:
        """Begin a tick: every listed GPU that is not hung owes these answers."""
        self._awaited = {(u, k) for u in self._listed if u not in self._hung for k in kinds}

    @property
    def answered(self) -> bool:
        return not self._awaited

    @property
    def all_hung(self) -> bool:
        return bool(self._listed) and self._hung.issuperset(self._listed)

    @property
    def any_lost(self) -> bool:
        """A GPU is off the bus, which only a new child can see return."""
        return bool(self._unreadable) or any(c.state == LOST for c in self.cards.values())

    def condition_tick(self, uuid: str) -> int:
        """The tick that asked for the condition that is known; 0 if there was none."""
        return self._condition_ticks.get(uuid, 0)

    def overdue(self, now: float) -> None:
        """The tick's deadline has passed: who owes a sample is silent from now on."""
        for uuid, kind in self._awaited:
            if kind == raw.SAMPLE:
                self._hung.add(uuid)
                self.cards[uuid] = inventory.unanswered(self.cards[uuid], now)
        self._awaited.clear()

    def lose_driver(self, state: str, detail: str, now: float) -> None:
        """The child ended and nothing says that the next one will do better.

        What the child itself said of the driver is worth more than how it ended.
        """
        if not self._failed:
            self.driver = driver_without_versions(state, detail)
        self.cards = {u: inventory.driverless(c, now) for u, c in self.cards.items()}

    def doubt_driver(self, detail: str, now: float) -> None:
        """The child takes long to list the GPUs: what was read before it is not true any more."""
        if self.driver.state in ("ok", "starting"):
            self.driver = driver_without_versions("starting", detail)
        self.cards = {u: inventory.driverless(c, now) for u, c in self.cards.items()}

    def _complete(self, now: float) -> None:
        self.driver = self._told_driver or self.driver
        for identity in self._listed.values():
            self.cards[identity.uuid] = inventory.listed(self.cards, identity, now)
        unlisted = inventory.unlisted(
            self.cards, self._listed, {i: why.reason for i, why in self._unreadable.items()}
        )
        self.cards.update(unlisted)
        named = {c.identity.index for c in unlisted.values() if c.state != MISSING}
        strangers = {i: why for i, why in self._unreadable.items() if i not in named}
        if strangers:
            each = (f"GPU {i}: {_said(strangers[i])}" for i in sorted(strangers))
            self.driver = replace(self.driver, detail=f"cannot open {', '.join(each)}")
        if not self._listed:
            self.no_events = ""  # nobody waits for XIDs where there is no GPU
        self.ready = True

    def _take_sample(self, uuid: str, sample: RawSample, tick: int) -> None:
        self.cards[uuid] = inventory.sampled(self.cards[uuid], sample, tick)
        self._awaited.discard((uuid, raw.SAMPLE))
        self._hung.discard(uuid)


def _said(why: Unknown) -> str:
    text = reading.REASONS.get(why.reason, why.reason)
    return f"{text} ({why.detail})" if why.detail else text


def condition_from_wire(wire: dict[str, Any]) -> Condition:
    processes = _processes(wire["processes"])
    return record_from_wire(Condition, {**wire, "processes": processes})


def _mig_from_wire(wire: dict[str, Any]) -> MigDevice:
    return record_from_wire(MigDevice, {**wire, "processes": _processes(wire["processes"])})


def _processes(wire: Any) -> Reading[tuple[GpuProcess, ...]]:
    value = reading_from_wire(wire)
    if isinstance(value, Unknown):
        return value
    return tuple(record_from_wire(GpuProcess, entry) for entry in value)
