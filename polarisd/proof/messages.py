"""The messages between validator and prover, as bytes and back.

Specification: docs/proof.md, "Messages".  A message is a MessagePack array whose first
item is its type.  Everything a peer sends is checked for type, size and range here,
before anything else sees it; a frame is measured before it is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Union

import msgpack

from polarisd.proof.keys import HASH_BYTES
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.transcript import Opening, Terms

VERSION = 1
SEED_BYTES = 32
CHALLENGE_BYTES = 16
HOTKEY_BYTES = 32
MAX_SLOT = 255
MAX_TEXT_BYTES = 200
# An opening with a row of 65,536 entries of four bytes, and some room.
MAX_FRAME_BYTES = 300_000

FILL, WALK, PASS, COMPUTE = "fill", "walk", "pass", "compute"
PHASES = (FILL, WALK, PASS, COMPUTE)
WALKER, BLOCK, ROW = "walker", "block", "row"
OPENED = (WALKER, BLOCK, ROW)


class Malformed(Exception):
    """What came is no message of the protocol; the text says why."""


# validator -> prover


@dataclass(frozen=True, slots=True)
class Offer:
    terms: Terms


@dataclass(frozen=True, slots=True)
class Ping:
    number: int


@dataclass(frozen=True, slots=True)
class Begin:
    """A phase's nonce: its clock runs."""

    phase: str
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    seed: bytes


# prover -> validator


@dataclass(frozen=True, slots=True)
class Ready:
    pass


@dataclass(frozen=True, slots=True)
class Pong:
    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    text: str


@dataclass(frozen=True, slots=True)
class Filled:
    pass


@dataclass(frozen=True, slots=True)
class WalkRoot:
    root: bytes


@dataclass(frozen=True, slots=True)
class UnitRoot:
    unit: int
    root: bytes


@dataclass(frozen=True, slots=True)
class RoundDigest:
    round: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to sample number `place` of its kind."""

    what: str
    place: int
    opening: Opening


Message = Union[
    Offer,
    Ping,
    Begin,
    Sample,
    Ready,
    Pong,
    Refused,
    Filled,
    WalkRoot,
    UnitRoot,
    RoundDigest,
    Opened,
]

_Field = Callable[[object], object]


def _exactly(count: int) -> _Field:
    def take(value: object) -> bytes:
        if not isinstance(value, bytes) or len(value) != count:
            raise Malformed(f"expected {count} bytes")
        return value

    return take


def _below(limit: int) -> _Field:
    def take(value: object) -> int:
        if type(value) is not int or not 0 <= value < limit:
            raise Malformed(f"expected a whole number below {limit}")
        return value

    return take


def _one_of(*allowed: str) -> _Field:
    def take(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Malformed(f"expected one of {', '.join(allowed)}")
        return value

    return take


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise Malformed(f"expected text of at most {MAX_TEXT_BYTES} bytes")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("expected bytes")
    return value


def _opening(value: object) -> Opening:
    block, path, row = _items(value, 3)
    if not isinstance(path, list) or len(path) > 40:
        raise Malformed("expected a path of at most 40 hashes")
    node = _exactly(HASH_BYTES)
    return Opening(_bytes(block), tuple(_bytes(node(each)) for each in path), _bytes(row))


def _items(value: object, count: int) -> list[object]:
    if not isinstance(value, list) or len(value) != count:
        raise Malformed(f"expected {count} items")
    return value


def _parameters(kind: type, texts: tuple[int, ...], count: int) -> _Field:
    """Numbers and, at the places `texts`, names; or nil."""

    def take(value: object) -> object:
        if value is None:
            return None
        given = _items(value, count)
        number = _below(1 << 32)
        fields = [_text(item) if n in texts else number(item) for n, item in enumerate(given)]
        names = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        parameters = kind(**dict(zip(names, fields, strict=True)))
        for problem in parameters.problems():
            raise Malformed(problem)
        return parameters

    return take


_COMPUTE = _parameters(ComputeParameters, (0, 8), 9)
_MEMORY = _parameters(MemoryParameters, (), 9)


def _offer(items: list[object]) -> Offer:
    version, challenge, seed, hotkey, slot, compute, memory = items
    # not shown: the representation of what is nested deeply raises RecursionError
    if type(version) is not int or version != VERSION:
        raise Malformed(f"another protocol version, where {VERSION} is spoken")
    fields = (
        _exactly(CHALLENGE_BYTES)(challenge),
        _exactly(SEED_BYTES)(seed),
        _exactly(HOTKEY_BYTES)(hotkey),
        _below(MAX_SLOT + 1)(slot),
        _COMPUTE(compute),
        _MEMORY(memory),
    )
    names = ("challenge", "sweep_seed", "hotkey", "slot", "compute", "memory")
    terms = Terms(**dict(zip(names, fields, strict=True)))  # type: ignore[arg-type]
    if terms.compute is None and terms.memory is None:
        raise Malformed("an offer that asks for nothing")
    return Offer(terms)


_NUMBER = _below(1 << 32)
_HASH = _exactly(HASH_BYTES)
# Type code, class, fields in order.
_PLAIN: tuple[tuple[int, type, tuple[_Field, ...]], ...] = (
    (2, Ping, (_NUMBER,)),
    (3, Begin, (_one_of(*PHASES), _exactly(SEED_BYTES))),
    (4, Sample, (_exactly(SEED_BYTES),)),
    (16, Ready, ()),
    (17, Pong, (_NUMBER,)),
    (18, Refused, (_text,)),
    (19, Filled, ()),
    (20, WalkRoot, (_HASH,)),
    (21, UnitRoot, (_NUMBER, _HASH)),
    (22, RoundDigest, (_NUMBER, _HASH)),
    (23, Opened, (_one_of(*OPENED), _NUMBER, _opening)),
)
_OFFER = 1
_BY_CODE = {code: (kind, fields) for code, kind, fields in _PLAIN}
_CODES = {kind: code for code, kind, _ in _PLAIN}


def encode(message: Message) -> bytes:
    if isinstance(message, Offer):
        t = message.terms
        compute = list(astuple(t.compute)) if t.compute else None
        memory = list(astuple(t.memory)) if t.memory else None
        items = [_OFFER, VERSION, t.challenge, t.sweep_seed, t.hotkey, t.slot, compute, memory]
    else:
        # an Opening becomes the tuple of its fields, which is an array on the wire
        items = [_CODES[type(message)], *astuple(message)]
    packed: bytes = msgpack.packb(items)
    return packed


def decode(data: bytes) -> Message:
    """Error handling: Malformed is all that any bytes can raise."""
    if len(data) > MAX_FRAME_BYTES:
        raise Malformed(f"{len(data)} bytes, where at most {MAX_FRAME_BYTES} are a message")
    try:
        items = msgpack.unpackb(
            data, max_array_len=64, max_map_len=0, max_ext_len=0, strict_map_key=True
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise Malformed(f"not MessagePack: {type(error).__name__}") from None
    if not isinstance(items, list) or not items or type(items[0]) is not int:
        raise Malformed("expected an array that begins with a type")
    code, *rest = items
    if code == _OFFER:
        return _offer(_items(rest, 7))
    if code not in _BY_CODE:
        raise Malformed(f"unknown type {code}")
    kind, fields = _BY_CODE[code]
    values = [field(item) for field, item in zip(fields, _items(rest, len(fields)), strict=True)]
    message: Message = kind(*values)
    return message
