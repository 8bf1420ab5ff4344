"""What is known of each GPU, kept by UUID across restarts of the child.  Pure.

A `Card` is one GPU as last heard of; each function takes one and gives the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from polarisd.api import gpu as gpu_states
from polarisd.api import reading
from polarisd.api.gpu import Condition, Gpu, Identity, MigDevice, Sample
from polarisd.api.reading import Unknown
from polarisd.gpu.rates import to_sample, unread_sample
from polarisd.gpu.raw import RawSample


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU.  `answered_tick` is that of its last sample in this child's life."""

    identity: Identity
    state: str
    sample: Sample
    condition: Condition
    mig_devices: tuple[MigDevice, ...] = ()
    raw: RawSample | None = None
    answered_tick: int = 0

    @property
    def uuid(self) -> str:
        return self.identity.uuid


Cards = Mapping[str, Card]


def unread_condition(reason: str, at: float) -> Condition:
    why = Unknown(reason)
    values = {name: why for name in Condition.__dataclass_fields__ if name != "read_at"}
    return Condition(read_at=at, **values)


def listed(cards: Cards, identity: Identity, now: float) -> Card:
    """A GPU that the child enumerated: new to us, or known from before.

    It counts as silent until its first sample, so that a card which never
    answers is not taken for a healthy one.
    """
    card = cards.get(identity.uuid)
    if card is None:
        return Card(
            identity,
            gpu_states.SILENT,
            unread_sample(reading.NOT_READ_YET, now),
            unread_condition(reading.NOT_READ_YET, now),
        )
    return replace(
        card,
        identity=identity,
        state=gpu_states.SILENT,
        sample=unread_sample(reading.NOT_READ_YET, now),
        raw=None,
        answered_tick=0,
    )


def unlisted(cards: Cards, seen: Collection[str], unreadable: Mapping[int, str]) -> dict[str, Card]:
    """Known GPUs that the newest enumeration did not show: lost, unreadable, or gone.

    A GPU that fell off the bus keeps its index but gives no handle, hence no
    UUID; it is told from one that was removed by that index.  `unreadable` has
    the reason for each such index.
    """
    unseen = [card for card in cards.values() if card.uuid not in seen]
    # Of several that had an index, the one that was there last has it still.
    unseen.sort(key=lambda c: (c.state != gpu_states.MISSING, c.sample.read_at), reverse=True)
    left = dict(unreadable)
    return {card.uuid: _unlisted(card, left.pop(card.identity.index, None)) for card in unseen}


def _unlisted(card: Card, reason: str | None) -> Card:
    at = card.sample.read_at
    if reason is None:
        return _without_readings(card, gpu_states.MISSING, reading.GPU_MISSING, at)
    state = gpu_states.LOST if reason == reading.GPU_LOST else gpu_states.SILENT
    return _without_readings(card, state, reason, at)


def sampled(card: Card, raw: RawSample, tick: int) -> Card:
    sample = to_sample(card.raw, raw)
    lost = _is_lost(raw.temperature_c) and _is_lost(raw.vram_used_bytes)
    if lost:
        card = replace(card, condition=unread_condition(reading.GPU_LOST, raw.read_at))
    state = gpu_states.LOST if lost else gpu_states.OK
    return replace(card, state=state, sample=sample, raw=raw, answered_tick=tick)


def conditioned(card: Card, condition: Condition, mig: tuple[MigDevice, ...]) -> Card:
    return replace(card, condition=condition, mig_devices=mig)


def unanswered(card: Card, now: float) -> Card:
    """The driver has not answered for this GPU within the deadline."""
    if card.state == gpu_states.LOST:
        return card
    sample = unread_sample(reading.TIMED_OUT, now)
    return replace(card, state=gpu_states.SILENT, sample=sample, raw=None)


def driverless(card: Card, now: float) -> Card:
    """No child answers at all, so nothing can be said of this GPU."""
    if card.state in (gpu_states.MISSING, gpu_states.LOST):
        return card
    return _without_readings(card, gpu_states.SILENT, reading.NO_DRIVER, now)


def to_gpu(card: Card, withheld_by: tuple[str, ...]) -> Gpu:
    return Gpu(
        uuid=card.uuid,
        state=card.state,
        identity=card.identity,
        sample=card.sample,
        condition=card.condition,
        mig_devices=card.mig_devices,
        withheld_by=withheld_by,
    )


def _without_readings(card: Card, state: str, reason: str, at: float) -> Card:
    """A silent GPU may be back in a moment: its condition stays, and tells its age."""
    if state != gpu_states.SILENT:
        card = replace(card, condition=unread_condition(reason, card.condition.read_at))
    return replace(card, state=state, sample=unread_sample(reason, at), raw=None, answered_tick=0)


def _is_lost(value: object) -> bool:
    return isinstance(value, Unknown) and value.reason == reading.GPU_LOST
