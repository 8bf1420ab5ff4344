"""Changes to a runtime's metadata, which stays the real one otherwise.

Two things that the recorded runtime (spec 461, made for a chain of quarter-second blocks)
does not have: the storage item `SubtensorModule.SubnetEpochConsensus`, which came with spec
474 and which bittensor 11.3.0 reads; and another `Aura.SlotDuration`, from which the SDK takes
its block time.  The layout is that of `frame-metadata`, version 15.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from tests.devnode.scale import compact, compact_at, text

T = TypeVar("T")
PALLET, ITEM, VARIANTS = "SubtensorModule", "SubnetEpochConsensus", ("Yuma", "Null")
NETUID_TYPE, IDENTITY_HASHER = 41, 6
# of the scale-info definition kinds, by their number
COMPOSITE, VARIANT, SEQUENCE, ARRAY, TUPLE, PRIMITIVE, COMPACT, BITS = range(8)


def patched(original: bytes, *, epoch_consensus: bool, slot_ms: int) -> bytes:
    changed = with_slot_duration(original, slot_ms)
    return with_epoch_consensus(changed) if epoch_consensus else changed


def with_slot_duration(metadata: bytes, slot_ms: int) -> bytes:
    walk = Walk(metadata)
    at = walk.constants[("Aura", "SlotDuration")]
    return metadata[:at] + slot_ms.to_bytes(8, "little") + metadata[at + 8 :]


def with_epoch_consensus(metadata: bytes) -> bytes:
    """A new enumeration at the end of the types, and an item of it at the end of the pallet's."""
    walk = Walk(metadata)
    variants = b"".join(
        text(name) + compact(0) + bytes([number]) + compact(0)
        for number, name in enumerate(VARIANTS)
    )
    path, parameters, docs = compact(1) + text(ITEM), compact(0), compact(0)
    new_type = (
        compact(walk.type_count) + path + parameters
        + bytes([VARIANT]) + compact(len(VARIANTS)) + variants + docs
    )  # fmt: skip
    item = (
        text(ITEM)
        + bytes([1])  # has a default
        + bytes([1]) + compact(1) + bytes([IDENTITY_HASHER])  # a map, of one key
        + compact(NETUID_TYPE) + compact(walk.type_count)
        + compact(1) + b"\0"  # the default: the first variant
        + compact(0)
    )  # fmt: skip
    count_at, items_at, items_end, items = walk.storages[PALLET]
    return b"".join(
        [
            metadata[: walk.types_at],
            compact(walk.type_count + 1),
            metadata[walk.first_type_at : walk.types_end],
            new_type,
            metadata[walk.types_end : count_at],
            compact(items + 1),
            metadata[items_at:items_end],
            item,
            metadata[items_end:],
        ]
    )


class Walk:
    """Goes through types and pallets once, and remembers where things are."""

    def __init__(self, metadata: bytes) -> None:
        if metadata[:5] != b"meta\x0f":
            raise ValueError("this is not metadata of version 15")
        self._data = metadata
        self._at = 5
        self.constants: dict[tuple[str, str], int] = {}  # where the value begins
        self.storages: dict[str, tuple[int, int, int, int]] = {}
        self.types_at = self._at
        self.type_count = self._compact()
        self.first_type_at = self._at
        for _ in range(self.type_count):
            self._type()
        self.types_end = self._at
        self._many(self._pallet)

    def _type(self) -> None:
        self._compact()
        self._many(self._text)
        self._many(self._type_parameter)
        kind = self._byte()
        if kind == COMPOSITE:
            self._many(self._field)
        elif kind == VARIANT:
            self._many(self._variant)
        elif kind == ARRAY:
            self._at += 4
            self._compact()
        elif kind == TUPLE:
            self._many(self._compact)
        elif kind == PRIMITIVE:
            self._byte()
        else:
            for _ in range(2 if kind == BITS else 1):
                self._compact()
        self._many(self._text)

    def _type_parameter(self) -> None:
        self._text()
        self._maybe(self._compact)

    def _field(self) -> None:
        self._maybe(self._text)
        self._compact()
        self._maybe(self._text)
        self._many(self._text)

    def _variant(self) -> None:
        self._text()
        self._many(self._field)
        self._byte()
        self._many(self._text)

    def _pallet(self) -> None:
        name = self._text()
        if self._byte():
            self._text()
            count_at = self._at
            count = self._compact()
            items_at = self._at
            for _ in range(count):
                self._item()
            self.storages[name] = (count_at, items_at, self._at, count)
        self._maybe(self._compact)  # calls
        self._maybe(self._compact)  # events
        self._many(partial(self._constant, name))
        self._maybe(self._compact)  # errors
        self._byte()
        self._many(self._text)

    def _item(self) -> None:
        self._text()
        self._byte()
        if self._byte():
            self._many(self._byte)
            self._compact()
        self._compact()
        self._text()  # the default, whatever it is
        self._many(self._text)

    def _constant(self, pallet: str) -> None:
        name = self._text()
        self._compact()
        length = self._compact()
        self.constants[(pallet, name)] = self._at
        self._at += length
        self._many(self._text)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _compact(self) -> int:
        value, self._at = compact_at(self._data, self._at)
        return value

    def _text(self) -> str:
        length = self._compact()
        self._at += length
        return self._data[self._at - length : self._at].decode(errors="replace")

    def _many(self, read: Callable[[], T]) -> list[T]:
        return [read() for _ in range(self._compact())]

    def _maybe(self, read: Callable[[], object]) -> None:
        if self._byte():
            read()
