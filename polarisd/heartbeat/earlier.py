"""The last few heartbeats of one miner, so that it cannot take one back.  Pure; for `book`.

With the very last one alone, a miner could tell another story under an older number unnoticed.
What is kept is bounded in number and bytes, for each miner.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.heartbeat.document import Signed, is_genuine, parse_envelope
from polarisd.heartbeat.equivocation import contradict

MAX_EARLIER = 8
MAX_EARLIER_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Earlier:
    """Its number, and the envelope that was taken, not as what it means: that is larger."""

    sequence: int
    document: str
    signature: str

    @property
    def envelope(self) -> dict[str, str]:
        return {"document": self.document, "signature": self.signature}

    @property
    def size_bytes(self) -> int:
        return len(self.document) + len(self.signature)


def earlier_of(signed: Signed) -> Earlier:
    return Earlier(signed.heartbeat.sequence, signed.document, signed.signature)


def bounded(newest_first: tuple[Earlier, ...]) -> tuple[Earlier, ...]:
    """As many of the newest as there is room for."""
    room_bytes = MAX_EARLIER_BYTES
    for place, each in enumerate(newest_first[:MAX_EARLIER]):
        room_bytes -= each.size_bytes
        if room_bytes < 0:
            return newest_first[:place]
    return newest_first[:MAX_EARLIER]


def contradicted(
    signed: Signed, last: Signed | None, earlier: tuple[Earlier, ...]
) -> tuple[Signed, Signed] | None:
    """The proof, if `signed` says under a number what was not said under it before."""
    number = signed.heartbeat.sequence
    for each in earlier if last is None else (earlier_of(last), *earlier):
        if each.sequence != number or each.document == signed.document:
            continue
        before = parse_envelope(each.envelope)
        # What came from disk may be damaged: then it proves nothing.
        if isinstance(before, Signed) and contradict(before, signed) and is_genuine(before):
            return before, signed
    return None
