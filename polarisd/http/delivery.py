"""How a request to somebody else's face ends: an answer, or why there is none.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

from polarisd.http.refusals import CATALOGUE as REFUSALS

MAX_RETRY_AFTER_S = 3600.0
# From when on a difference between two clocks is worth a word.
NOTABLE_OFFSET_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """`passing`: whether the same may succeed later."""

    passing: bool
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply that the receiver has signed.  Times are UTC, `server_time` by their clock;
    `clock_offset_s` is how far their clock is ahead of ours, give or take half of
    `round_trip_s`.  `status` may be an error that is not one of `refusals`."""

    status: int
    document: dict[str, object]
    replied_at: float
    server_time: float
    round_trip_s: float
    clock_offset_s: float
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """`code` is a row of `CATALOGUE`, or of `refusals.CATALOGUE` if the other side refused.

    `clock_offset_s`, where it is known, is how far their clock is ahead of ours.
    `proven`: whether the receiver has signed this refusal.
    """

    code: str
    text: str
    remedy: str
    passing: bool
    retry_after_s: float | None = None
    clock_offset_s: float | None = None
    proven: bool = False


Delivery = Union[Answer, Undelivered]


def _failing(remedy: str, *, passing: bool = True) -> Failing:
    return Failing(passing=passing, remedy=remedy)


CATALOGUE: Mapping[str, Failing] = {
    "bad_endpoint": _failing("an endpoint is ip:port or [ip]:port", passing=False),
    "refused": _failing("nothing listens there: is polarisd running, and its port mapped?"),
    "unreachable": _failing("check the address, the firewall and the routes to it"),
    "timed_out": _failing("check the load and the network of the other side"),
    "cut_off": _failing("it closed the connection; try again, and see its log"),
    "not_polaris": _failing("something else answers at this endpoint; check address and port"),
    "bad_reply_signature": _failing("somebody may be between; check the endpoint's network"),
    "other_hotkey": _failing("ask the chain for the endpoint of this hotkey again"),
    "reply_too_large": _failing("it answers more than its protocol allows; is it up to date?"),
    "bad_reply": _failing("it answers what is no JSON object; is it up to date?"),
}


def undelivered(code: str, text: str) -> Undelivered:
    failing = CATALOGUE[code]
    return Undelivered(code=code, text=text, remedy=failing.remedy, passing=failing.passing)


def refused(
    code: str, text: str, *, retry_after_s: float | None, clock_offset_s: float | None, proven: bool
) -> Undelivered:
    """The other side's refusal, in its words, with our remedy."""
    remedy = REFUSALS[code].remedy
    if code == "stale" and clock_offset_s is not None:
        text, remedy = _of_clocks(text, clock_offset_s)
    return Undelivered(
        code=code,
        text=text,
        remedy=remedy,
        passing=REFUSALS[code].passing,
        retry_after_s=None if retry_after_s is None else min(retry_after_s, MAX_RETRY_AFTER_S),
        clock_offset_s=clock_offset_s,
        proven=proven,
    )


def _of_clocks(text: str, offset_s: float) -> tuple[str, str]:
    if abs(offset_s) < NOTABLE_OFFSET_S:
        return text, "the request was too long under way; check the network and the load here"
    where = "behind" if offset_s > 0 else "ahead of"
    return (
        f"the clock here is {abs(offset_s):.0f} s {where} that of the other side",
        "set the clock here: timedatectl set-ntp true; if it is right, theirs is wrong",
    )
