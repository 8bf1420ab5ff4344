"""A validator's book as a document on disk, and back.  Pure; for `keeping`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from polarisd.heartbeat.book import Record
from polarisd.heartbeat.document import Signed, parse_envelope
from polarisd.heartbeat.earlier import MAX_EARLIER, Earlier, bounded, earlier_of

# Of envelopes; of the miners beyond that only the numbers are kept.
_MAX_ENVELOPES_BYTES = 2 << 20


def book_document(records: Iterable[Record]) -> dict[str, object]:
    """The newest first, which `Book.restore` expects.  Of all miners the last heartbeat goes
    before anybody's earlier ones."""
    room_bytes = _MAX_ENVELOPES_BYTES
    miners: list[dict[str, object]] = []
    ordered = sorted(records, key=lambda r: r.last_at, reverse=True)
    for record in ordered:
        row: dict[str, object] = {
            name: getattr(record, name)
            for name in ("hotkey", "sequence", "address", "first_at", "last_at", "beats")
        }
        room_bytes -= earlier_of(record.signed).size_bytes if record.signed else 0
        row["envelope"] = record.signed.envelope if record.signed and room_bytes > 0 else None
        miners.append(row)
    for place, record in enumerate(ordered):
        room_bytes -= sum(each.size_bytes for each in record.earlier)
        earlier = record.earlier if room_bytes > 0 else ()
        miners[place]["earlier"] = [each.envelope for each in earlier]
    return {"format": 1, "miners": miners}


def book_records(document: Mapping[str, Any]) -> list[Record]:
    """Rows that are not understood are left out: the file is ours, and old."""
    rows = document.get("miners")
    found = [_record(row) for row in rows] if isinstance(rows, list) else []
    return [record for record in found if record is not None]


def _record(row: object) -> Record | None:
    match row:
        case {
            "hotkey": str(hotkey),
            "sequence": int(sequence),
            "address": str(address),
            "first_at": int() | float() as first_at,
            "last_at": int() | float() as last_at,
            "beats": int(beats),
            "envelope": envelope,
            **more,
        }:
            signed = _signed(envelope, hotkey)
            is_last = signed is not None and signed.heartbeat.sequence == sequence
            return Record(
                hotkey=hotkey,
                sequence=sequence,
                signed=signed if is_last else None,
                address=address,
                first_at=float(first_at),
                last_at=float(last_at),
                beats=beats,
                earlier=bounded(tuple(_earlier(more.get("earlier"), hotkey))),
            )
    return None


def _earlier(envelopes: object, hotkey: str) -> Iterator[Earlier]:
    """There are none in a file of an older version."""
    for envelope in envelopes[:MAX_EARLIER] if isinstance(envelopes, list) else ():
        if (signed := _signed(envelope, hotkey)) is not None:
            yield earlier_of(signed)


def _signed(envelope: object, hotkey: str) -> Signed | None:
    signed = parse_envelope(envelope)
    return signed if isinstance(signed, Signed) and signed.heartbeat.hotkey == hotkey else None
