"""A validator's record of its miners: which heartbeats were the last of each.  Pure.

For `answering`, which has checked that the request is signed by `signer`.  `keeping` carries
it over restarts.  Every check of a heartbeat is here, in the order of what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from polarisd.heartbeat.crowds import Crowds
from polarisd.heartbeat.document import Signed, is_genuine, parse
from polarisd.heartbeat.earlier import Earlier, bounded, contradicted, earlier_of
from polarisd.heartbeat.reasons import Refusal, refusal

MAX_MINERS = 1024
# As for the nonce of the request; a document has been on its way for longer than that.
MAX_AHEAD_S = 2.0
MAX_AGE_S = 30.0
# Who has been silent for that long gives way to a miner that is new.
_FORGET_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The last heartbeat that was taken of a miner; times are seconds since 1970.

    `signed` is None where only its number was carried over a restart.  `earlier` are those
    before it, the newest first.
    """

    hotkey: str
    sequence: int
    signed: Signed | None
    address: str
    first_at: float
    last_at: float
    beats: int
    earlier: tuple[Earlier, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """`is_new` is false for the same bytes again, which change nothing.  `before` is the record
    that this one replaces; None for a miner that was not in the book."""

    record: Record
    signed: Signed
    is_new: bool
    before: Record | None


@dataclass(frozen=True, slots=True)
class Refused:
    """`latest` is what the miner is to see of itself, `contradicts` what proves equivocation."""

    refusal: Refusal
    latest: Signed | None = None
    sequence: int | None = None
    contradicts: tuple[Signed, Signed] | None = None


class Book:
    """`is_registered` is asked for each heartbeat: a hotkey may lose its UID at any block.
    None is that it cannot be told yet."""

    def __init__(
        self,
        *,
        network: str,
        netuid: int,
        is_registered: Callable[[str], bool | None],
        max_miners: int = MAX_MINERS,
    ) -> None:
        self._network = network
        self._netuid = netuid
        self._is_registered = is_registered
        self._max_miners = max_miners
        self._records: dict[str, Record] = {}
        self._crowds = Crowds()

    @property
    def records(self) -> Mapping[str, Record]:
        return self._records

    def restore(self, records: Iterable[Record]) -> None:
        """From an earlier run, the newest first."""
        for record in records:
            if len(self._records) < self._max_miners and record.hotkey not in self._records:
                self._put(record)

    def take(self, body: bytes, signer: str, address: str, now: float) -> Taken | Refused:
        signed = parse(body)
        if isinstance(signed, Refusal):
            return Refused(signed)
        wrong = self._wrong(signed, signer)
        if wrong is not None:
            return Refused(wrong)
        last = self._records.get(signer)
        if last is not None and (proof := contradicted(signed, last.signed, last.earlier)):
            return _refused("equivocation", last, contradicts=proof)
        if late := _untimely(signed, now):
            return Refused(late)
        if last is None:
            return self._begin(signed, address, now)
        if last.signed is not None and last.signed.document == signed.document:
            return Taken(last, last.signed, is_new=False, before=last)
        if signed.heartbeat.sequence <= last.sequence:
            return _refused("sequence_old", last)
        record = replace(
            last,
            sequence=signed.heartbeat.sequence,
            signed=signed,
            address=address,
            last_at=now,
            beats=last.beats + 1,
            earlier=bounded((earlier_of(last.signed), *last.earlier)) if last.signed else (),
        )
        self._put(record)
        return Taken(record, signed, is_new=True, before=last)

    def _wrong(self, signed: Signed, signer: str) -> Refusal | None:
        said = signed.heartbeat
        if said.hotkey != signer:
            return refusal("wrong_hotkey")
        if said.network != self._network:
            return refusal("foreign_network", f"this validator's network is {self._network}")
        if said.netuid != self._netuid:
            return refusal("foreign_netuid", f"this validator's subnet is {self._netuid}")
        registered = self._is_registered(signer)
        if not registered:
            return refusal("not_ready" if registered is None else "not_registered")
        return None if is_genuine(signed) else refusal("wrong_signature")

    def _begin(self, signed: Signed, address: str, now: float) -> Taken | Refused:
        if len(self._records) >= self._max_miners and not self._make_room(address, now):
            return Refused(refusal("full"))
        record = Record(
            hotkey=signed.heartbeat.hotkey,
            sequence=signed.heartbeat.sequence,
            signed=signed,
            address=address,
            first_at=now,
            last_at=now,
            beats=1,
        )
        self._put(record)
        return Taken(record, signed, is_new=True, before=None)

    def _make_room(self, address: str, now: float) -> bool:
        """For one from that address."""
        oldest = _oldest(self._records.values())
        is_gone = self._is_registered(oldest.hotkey) is False
        if now - oldest.last_at < _FORGET_S and not is_gone:
            crowd = self._crowds.to_thin(address)
            if not crowd:
                return False
            oldest = _oldest(self._records[name] for name in crowd)
        del self._records[oldest.hotkey]
        self._crowds.remove(oldest.hotkey)
        return True

    def _put(self, record: Record) -> None:
        self._records[record.hotkey] = record
        self._crowds.place(record.hotkey, record.address)


def _oldest(records: Iterable[Record]) -> Record:
    return min(records, key=lambda record: record.last_at)


def _refused(code: str, last: Record, contradicts: tuple[Signed, Signed] | None = None) -> Refused:
    return Refused(refusal(code), last.signed, last.sequence, contradicts)


def _untimely(signed: Signed, now: float) -> Refusal | None:
    age_s = now - signed.heartbeat.sent_at_ms / 1e3
    if age_s > MAX_AGE_S:
        return refusal("too_old", f"the heartbeat is {age_s:.0f} s old")
    if age_s < -MAX_AHEAD_S:
        return refusal("from_the_future", f"the heartbeat is from {-age_s:.0f} s in the future")
    return None
