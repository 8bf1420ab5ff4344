"""Section 8: messages, checked for type, size and range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack

from .parameters import Compute, Memory

MAX_MESSAGE = 300_000
MAX_REFUSAL = 200

OFFER, PING, BEGIN, SAMPLE = 1, 2, 3, 4
READY, PONG, REFUSED, FILLED, WALK_ROOT, UNIT_ROOT, ROUND_DIGEST, OPENED = range(16, 24)

# type of message -> types of its fields
FIELDS: dict[int, tuple[type, ...]] = {
    PING: (int,),
    BEGIN: (str, bytes),
    SAMPLE: (bytes,),
    READY: (),
    PONG: (int,),
    REFUSED: (str,),
    FILLED: (),
    WALK_ROOT: (bytes,),
    UNIT_ROOT: (int, bytes),
    ROUND_DIGEST: (int, bytes),
    OPENED: (str, int, list),
}


class Rejected(Exception):
    """The challenge ends here, for a reason of section 10."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class Offer:
    challenge: bytes
    sweep_seed: bytes
    hotkey: bytes
    slot: int
    compute: Compute | None
    memory: Memory | None


@dataclass(frozen=True)
class Opening:
    kind: str
    number: int
    block: bytes
    path: list[bytes]
    row: bytes


def _malformed(why: str) -> Rejected:
    return Rejected("malformed", why)


def unpack(data: bytes) -> tuple[int, list[Any]]:
    """Type and fields of a message; the fields of an offer are left to `parse_offer`."""
    if len(data) > MAX_MESSAGE:
        raise _malformed("too long")
    try:
        message = msgpack.unpackb(data)
    except (ValueError, TypeError, OverflowError) as error:
        raise _malformed("no MessagePack") from error
    if type(message) is not list or not message or type(message[0]) is not int:
        raise _malformed("no array that begins with a type")
    kind, *fields = message
    if kind == OFFER:
        return kind, fields
    if kind not in FIELDS:
        raise _malformed("no such type of message")
    if [type(field) for field in fields] != list(FIELDS[kind]):
        raise _malformed("wrong number or types of fields")
    for field in fields:
        if isinstance(field, bytes) and len(field) != 32:
            raise _malformed("not 32 bytes")
        if isinstance(field, int) and not 0 <= field < 1 << 32:
            raise _malformed("number out of range")
    if kind == REFUSED and len(fields[0].encode()) > MAX_REFUSAL:
        raise _malformed("too long a text")
    return kind, fields


def parse_offer(fields: list[Any]) -> Offer:
    if len(fields) != 7 or type(fields[0]) is not int or fields[0] != 1:
        raise _malformed("not this version")
    _, challenge, sweep_seed, hotkey, slot, compute, memory = fields
    for value, size in ((challenge, 16), (sweep_seed, 32), (hotkey, 32)):
        if type(value) is not bytes or len(value) != size:
            raise _malformed("wrong size")
    if type(slot) is not int or not 0 <= slot < 256:
        raise _malformed("no slot")
    return Offer(
        challenge,
        sweep_seed,
        hotkey,
        slot,
        None if compute is None else Compute.parse(compute),
        None if memory is None else Memory.parse(memory),
    )


def parse_opening(
    fields: list[Any], turn: tuple[str, int], *, group: int, path: int, row: int
) -> Opening:
    """`turn`: what is due; `group`: leaves in the block; `path`: its hashes; `row`: its bytes."""
    kind, number, parts = fields
    if (kind, number) != turn:
        raise Rejected("out_of_turn", f"{kind} {number}, not {turn}")
    if len(parts) != 3 or [type(part) for part in parts] != [bytes, list, bytes]:
        raise _malformed("no opening")
    if len(parts[0]) != 8 * group or len(parts[1]) != path or len(parts[2]) != row:
        raise _malformed("wrong size of an opening")
    if any(type(neighbour) is not bytes or len(neighbour) != 32 for neighbour in parts[1]):
        raise _malformed("no path")
    return Opening(kind, number, *parts)
