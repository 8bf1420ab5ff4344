"""What outlives the daemon: the GPUs it has seen and the XIDs of this boot.

Without it a restart would turn a card that reported a fatal XID, or that is gone
since yesterday, into a healthy machine.  Pure: the daemon reads and writes the
document through `polarisd.store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from polarisd.api import gpu as gpu_states
from polarisd.api import reading
from polarisd.api.gpu import Identity
from polarisd.api.reading import Unknown, known
from polarisd.checking import MaxItems, MaxLength, Range, check
from polarisd.gpu.inventory import Card, unread_condition
from polarisd.gpu.rates import unread_sample

# Sixteen GPUs with each of the few dozen XIDs that exist; more is a broken driver.
_MAX_XIDS = 512
_MAX_GPUS = 256
# A storm of one XID is told again only this often.
_REPEAT_S = 60.0

_Text = Annotated[str, MaxLength(256)]


@dataclass(frozen=True, slots=True)
class SeenXid:
    """One XID on one GPU: how often, when last, and when last told."""

    count: int
    last_at: float
    told_at: float


@dataclass(frozen=True, slots=True)
class SeenGpu:
    """Enough of a GPU to name it when it is gone."""

    index: int
    name: str
    pci_bus_id: str
    seen_at: float


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Frozen; each change makes a new one."""

    boot_id: str
    xids: Mapping[tuple[str, int], SeenXid]
    gpus: Mapping[str, SeenGpu]


def with_xid(memory: GpuMemory, uuid: str, xid: int, now: float) -> tuple[GpuMemory, bool]:
    """Count an XID.  The flag says whether to tell of it, or it is part of a storm."""
    before = memory.xids.get((uuid, xid))
    count = 1 if before is None else before.count + 1
    tell = before is None or now - before.told_at >= _REPEAT_S or now < before.told_at
    told_at = now if tell or before is None else before.told_at
    xids = {**memory.xids, (uuid, xid): SeenXid(count, now, told_at)}
    if len(xids) > _MAX_XIDS:
        del xids[min(xids, key=lambda key: xids[key].last_at)]
    return replace(memory, xids=xids), tell


def with_cards(memory: GpuMemory, cards: Iterable[Card], now: float) -> GpuMemory:
    """Remember GPUs that are new, have moved or are known better; the same object
    if there are none."""
    gpus = dict(memory.gpus)
    for card in cards:
        before = gpus.get(card.uuid)
        if card.state == gpu_states.MISSING or (before is None and len(gpus) >= _MAX_GPUS):
            continue
        name, pci = known(card.identity.name), known(card.identity.pci_bus_id)
        if before is not None:
            name, pci = name or before.name, pci or before.pci_bus_id
        after = SeenGpu(card.identity.index, name or "", pci or "", now)
        if before is None or replace(after, seen_at=before.seen_at) != before:
            gpus[card.uuid] = after
    return memory if gpus == memory.gpus else replace(memory, gpus=gpus)


def without(memory: GpuMemory, uuid: str, *, gone: bool) -> tuple[GpuMemory, tuple[str, ...]]:
    """Forget a GPU's XIDs, and the GPU too if it is gone; and say what was forgotten."""
    forgotten = [
        f"XID {xid} ({seen.count}×)" for (u, xid), seen in memory.xids.items() if u == uuid
    ]
    xids = {key: seen for key, seen in memory.xids.items() if key[0] != uuid}
    gpus = dict(memory.gpus)
    if gone and gpus.pop(uuid, None) is not None:
        forgotten.append(f"GPU {uuid}")
    return replace(memory, xids=xids, gpus=gpus), tuple(forgotten)


def remembered_cards(memory: GpuMemory) -> tuple[Card, ...]:
    """GPUs of earlier runs: not heard of yet, and missing once the driver lists others."""
    return tuple(_card(uuid, seen) for uuid, seen in memory.gpus.items())


def _card(uuid: str, seen: SeenGpu) -> Card:
    why = Unknown(reading.NOT_READ_YET)
    values: dict[str, Any] = dict.fromkeys(Identity.__dataclass_fields__, why)
    values |= {"uuid": uuid, "index": seen.index}
    if seen.name:
        values["name"] = seen.name
    if seen.pci_bus_id:
        values["pci_bus_id"] = seen.pci_bus_id
    return Card(
        Identity(**values),
        gpu_states.SILENT,
        unread_sample(reading.NOT_READ_YET, seen.seen_at),
        unread_condition(reading.NOT_READ_YET, seen.seen_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _XidRow:
    """One XID as it is written down."""

    gpu_uuid: _Text
    xid: Annotated[int, Range(0, 2**64 - 1)]
    count: Annotated[int, Range(1, 2**63)]
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _GpuRow:
    """One GPU as it is written down."""

    uuid: _Text
    index: Annotated[int, Range(0, 2**31)]
    name: _Text
    pci_bus_id: _Text
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """The whole of `gpus.json`."""

    format: Literal[1]
    boot_id: _Text
    xids: Annotated[tuple[_XidRow, ...], MaxItems(_MAX_XIDS)]
    gpus: Annotated[tuple[_GpuRow, ...], MaxItems(_MAX_GPUS)]


def to_document(memory: GpuMemory) -> dict[str, object]:
    document = _Document(
        format=1,
        boot_id=memory.boot_id,
        xids=tuple(
            _XidRow(gpu_uuid=uuid, xid=xid, count=s.count, last_at=s.last_at)
            for (uuid, xid), s in memory.xids.items()
        ),
        gpus=tuple(
            _GpuRow(
                uuid=uuid,
                index=s.index,
                name=s.name,
                pci_bus_id=s.pci_bus_id,
                seen_at=s.seen_at,
            )
            for uuid, s in memory.gpus.items()
        ),
    )
    return asdict(document)


def from_document(document: Mapping[str, Any], boot_id: str) -> GpuMemory:
    """XIDs of an earlier boot are left out: a boot resets the GPUs.

    An empty `boot_id` is one that could not be read, and matches no other.
    CheckFailed if it is not a document of this format.
    """
    if not document:
        return GpuMemory(boot_id, {}, {})
    checked = check(_Document, document)
    gpus = {g.uuid: SeenGpu(g.index, g.name, g.pci_bus_id, g.seen_at) for g in checked.gpus}
    xids = {}
    if boot_id and checked.boot_id == boot_id:
        xids = {(x.gpu_uuid, x.xid): SeenXid(x.count, x.last_at, 0.0) for x in checked.xids}
    return GpuMemory(boot_id, xids, gpus)
