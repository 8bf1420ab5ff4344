"""A validator's answer to POST /v1/heartbeat: what it sees of the miner, or why it refuses.

`daemon` routes requests here that `polarisd.http` has found to be signed, and shows `miners`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from polarisd.heartbeat.addresses import read_address
from polarisd.heartbeat.arrivals import Arrivals
from polarisd.heartbeat.book import Book, Record, Refused
from polarisd.heartbeat.keeping import Keeper
from polarisd.heartbeat.reach import Look, Reach
from polarisd.heartbeat.reasons import REASONS

EQUIVOCATED = "two different heartbeats of this hotkey have one sequence number"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, and a body for JSON."""

    status: int
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class Judged:
    """The last verdict over a miner, at seconds since 1970."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Miner:
    """A miner as this validator knows it; what is in the heartbeat is self-reported."""

    record: Record
    look: Look | None
    equivocated: bool


class Answering:
    """`muted` gives the reason for which a miner's heartbeats do not count, if there is one."""

    def __init__(
        self,
        *,
        book: Book,
        reach: Reach,
        keeper: Keeper,
        clock: Callable[[], float],
        next_beat_s: float,
        judged: Callable[[str], Judged | None] = lambda _: None,
        muted: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._book = book
        self._reach = reach
        self._keeper = keeper
        self._clock = clock
        self._next_beat_s = next_beat_s
        self._judged = judged
        self._muted = muted
        self._arrivals = Arrivals()

    def miners(self) -> tuple[Miner, ...]:
        """By hotkey."""
        return tuple(
            Miner(record, self._reach.looks.get(name), name in self._keeper.equivocators)
            for name, record in sorted(self._book.records.items())
        )

    def answer(self, body: bytes, *, signer: str, address: str, port: int) -> Answer:
        """`signer` has signed the request, which came from that address and port."""
        now = self._clock()
        source = read_address(address)
        result = self._book.take(body, signer, str(source or address), now)
        if isinstance(result, Refused):
            if result.contradicts is not None:
                self._keeper.keep(result.contradicts)
            return self._refusal(result, now)
        if result.is_new:
            self._arrivals.take(result.record, result.before)
            if source is not None:
                self._reach.consider(result.signed.heartbeat, source)
        return Answer(200, self._reply(result.record, str(source or address), port, now))

    def _reply(self, record: Record, address: str, port: int, now: float) -> dict[str, object]:
        hotkey = record.hotkey
        look, verdict = self._reach.looks.get(hotkey), self._judged(hotkey)
        equivocated = EQUIVOCATED if hotkey in self._keeper.equivocators else None
        return {
            "seen": {"address": address, "port": port},
            "look": None if look is None else _look(look, now),
            "verdict": verdict and {"text": verdict.text, "at_ms": _ms(verdict.at)},
            "next_beat_s": self._next_beat_s,
            "latest_sequence": record.sequence,
            "time_ms": _ms(now),
            "muted": self._muted(hotkey) or equivocated,
        }

    def _refusal(self, refused: Refused, now: float) -> Answer:
        why = refused.refusal
        body: dict[str, object] = {
            "code": why.code,
            "message": why.text,
            "hint": why.remedy,
            "latest_sequence": refused.sequence,
            "latest": refused.latest.envelope if refused.latest else None,
            "time_ms": _ms(now),
        }
        return Answer(REASONS[why.code].status, body)


def _look(look: Look, now: float) -> dict[str, object]:
    return {
        "address": look.address,
        "age_ms": max(0, _ms(now - look.at)),
        "ports": [{"port": seen.port, "answer": seen.answer} for seen in look.ports],
    }


def _ms(seconds: float) -> int:
    return int(seconds * 1e3)
