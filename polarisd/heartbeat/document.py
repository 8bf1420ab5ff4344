"""The heartbeat document, format 1, and its envelope: read strictly, written one way only.

Pure.  `making` writes documents, `answering` and `equivocation` read them.  Whatever comes in
is a Signed or a Refusal; nothing raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from polarisd.checking import CheckFailed, Matches, MaxItems, Problem, Range, check
from polarisd.heartbeat.addresses import read_endpoint
from polarisd.heartbeat.reasons import Refusal, refusal
from polarisd.keys import is_address, verify

INDEPENDENT = "independent"
DOMAIN = b"polaris-heartbeat/1\n"
MAX_DOCUMENT_BYTES = 16 << 10
# The document is a string in it: each of its quotes takes one byte more.
MAX_ENVELOPE_BYTES = 32 << 10
MAX_NUMBER = 2**53 - 1  # beyond, other languages' JSON readers round
MAX_GPUS = 64
MAX_CODES = 4
MAX_FAULTS = 16
MAX_SSH_PORTS = 256
MAX_SLOTS = 256
_MAX_TEXT = 300

Port = Annotated[int, Range(1, 65535)]
Number = Annotated[int, Range(0, MAX_NUMBER)]
Slot = Annotated[int, Range(0, MAX_SLOTS)]
Code = Annotated[str, Matches(r"[a-z][a-z0-9_]{0,31}", "a code, such as gpu_lost")]
Uuid = Annotated[str, Matches(r"[A-Za-z0-9-]{1,48}", "the UUID of a GPU")]
Version = Annotated[str, Matches(r"[0-9A-Za-z.+!-]{1,32}", "a version")]
Genesis = Annotated[
    str, Matches(rf"0x[0-9a-f]{{64}}|{INDEPENDENT}", f"a genesis hash, or {INDEPENDENT}")
]
Name = Annotated[str, Matches(r"[1-9A-HJ-NP-Za-km-z]{46,50}", "the address of a hotkey")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU, offered unless `withheld_by` names what keeps it from that."""

    uuid: Uuid
    withheld_by: Annotated[tuple[Code, ...], MaxItems(MAX_CODES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    total: Slot
    free: Slot

    def problems(self) -> Iterator[Problem]:
        if self.free > self.total:
            yield Problem("free", "must not be above total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`ok` is whether the machine as a whole is fit to be offered."""

    ok: bool
    faults: Annotated[tuple[Code, ...], MaxItems(MAX_FAULTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a miner says of itself at one instant; all of it is self-reported.

    `endpoint` is None where the miner does not know its own.
    """

    heartbeat: Literal[1]
    hotkey: Name
    network: Genesis
    netuid: Annotated[int, Range(0, 65535)]
    sequence: Annotated[int, Range(1, MAX_NUMBER)]
    sent_at_ms: Number
    endpoint: str | None
    ssh_ports: Annotated[tuple[Port, ...], MaxItems(2)]
    gpus: Annotated[tuple[Gpu, ...], MaxItems(MAX_GPUS)]
    slots: Slots
    offering: bool
    version: Version
    health: Health

    def problems(self) -> Iterator[Problem]:
        if not is_address(self.hotkey):
            yield Problem("hotkey", "must be the address of a hotkey")
        if self.endpoint is not None and read_endpoint(self.endpoint) is None:
            yield Problem("endpoint", "must be an address and a port, in their usual spelling")
        first, last = self.ssh_ports if len(self.ssh_ports) == 2 else (0, 0)
        if not 0 <= last - first < MAX_SSH_PORTS or not first:
            yield Problem("ssh_ports", "must be the first port and the last")
        if len({gpu.uuid for gpu in self.gpus}) < len(self.gpus):
            yield Problem("gpus", "must name each GPU once")


@dataclass(frozen=True, slots=True)
class Signed:
    """A heartbeat, the exact text that was signed, and the signature as `0x` and hex digits.

    Nothing says yet that the signature is right: `is_genuine` does.
    """

    heartbeat: Heartbeat
    document: str
    signature: str

    @property
    def envelope(self) -> dict[str, str]:
        return {"document": self.document, "signature": self.signature}


def canonical(data: Mapping[str, object]) -> str:
    """The only text for `data`: keys sorted, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def signed_bytes(document: str) -> bytes:
    """What the signature is of: no other signature of a hotkey is of bytes that begin so."""
    return DOMAIN + document.encode("ascii")


def is_genuine(signed: Signed) -> bool:
    signature = bytes.fromhex(signed.signature[2:])
    return verify(signed_bytes(signed.document), signature, signed.heartbeat.hotkey)


def parse(body: bytes) -> Signed | Refusal:
    """An envelope from anybody."""
    if len(body) > MAX_ENVELOPE_BYTES:
        return refusal("oversized", f"the envelope is larger than {MAX_ENVELOPE_BYTES} bytes")
    try:
        return parse_envelope(json.loads(body.decode()))
    except (ValueError, RecursionError):
        return refusal("bad_heartbeat", "the envelope is not JSON")


def parse_envelope(envelope: object) -> Signed | Refusal:
    """The same, once it has been read as JSON."""
    match envelope:
        case {"document": str(document), "signature": str(signature), **more} if not more:
            if not re.fullmatch(r"0x[0-9a-f]{128}", signature):
                return refusal("bad_heartbeat", "the signature is not 0x and 128 hex digits")
            heartbeat = parse_document(document)
            if isinstance(heartbeat, Refusal):
                return heartbeat
            return Signed(heartbeat, document, signature)
    return refusal("bad_heartbeat", "the envelope is not a document and a signature, both strings")


def parse_document(text: str) -> Heartbeat | Refusal:
    if len(text) > MAX_DOCUMENT_BYTES:
        return refusal("oversized", f"the document is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or canonical(data) != text:
            return refusal("bad_heartbeat", "the document is not an object in canonical JSON")
        return check(Heartbeat, data)
    except CheckFailed as error:
        return refusal("bad_heartbeat", _shortened(error))
    except (ValueError, RecursionError):
        return refusal("bad_heartbeat", "the document is not JSON")


def _shortened(error: CheckFailed) -> str:
    text = "; ".join(str(problem) for problem in error.problems[:3])
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
