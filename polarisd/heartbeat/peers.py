"""One validator as a miner knows it: what it said last, and when its next heartbeat is due.

For `sender`, which owns the peers.  No I/O: every event is told to it, with its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeVar

from polarisd.api.chain import Validator
from polarisd.api.reading import NOT_KNOWN, NOT_READ_YET, Reading, Unknown
from polarisd.heartbeat.pacing import Pace
from polarisd.heartbeat.replies import Reply
from polarisd.heartbeat.telling import MUTED, OK, TROUBLES, WAITING, ClockOff, code_of, explained

_NOT_YET = Unknown(NOT_READ_YET)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to send to.  `uid` is Unknown for one that is named in the config only."""

    hotkey: str
    endpoint: str
    uid: Reading[int] = field(default=Unknown(NOT_KNOWN))


@dataclass(slots=True, eq=False)
class Peer:
    """`view` has all but what depends on other validators, which `shown` fills in.

    `is_busy` while a heartbeat is on its way to it; `is_owed` when it missed one that was
    urgent, because it was busy or nobody waited for it any more.
    """

    target: Target
    view: Validator
    pace: Pace = field(default_factory=Pace)
    is_busy: bool = False
    is_owed: bool = False
    tried_at: float = -inf
    ahead_s: float | None = None

    def sent(self, at: float, beat_at: float) -> None:
        self.tried_at = beat_at
        self.view = replace(self.view, beats_sent=self.view.beats_sent + 1, sent_at=at)

    def heard(self, ahead_s: float | None, at: float) -> None:
        """Something that it signed has come."""
        self.ahead_s = ahead_s
        told = _NOT_YET if ahead_s is None else ahead_s
        self.view = replace(self.view, heard_at=at, clock_ahead_s=told)

    def took(self, reply: Reply, at: float) -> None:
        look_at = None if reply.look_age_s is None else at - reply.look_age_s
        self.view = replace(
            self.view,
            state=MUTED if reply.muted else OK,
            code="muted" if reply.muted else "",
            detail=reply.muted or "",
            beats_answered=self.view.beats_answered + 1,
            replied_at=at,
            sees_us_as=_reading(reply.seen_address),
            ports=reply.ports,
            looked_at=_reading(look_at),
            verdict=_reading(reply.verdict),
            verdict_at=_reading(reply.verdict_at),
        )

    def failed(self, code: str, text: str) -> None:
        """What it said before stays, with its times."""
        code = code_of(code)
        self.view = replace(self.view, state=TROUBLES[code].state, code=code, detail=text)

    def shown(self, off: ClockOff | None, problem: str, remedy: str) -> Validator:
        """`problem` is what keeps heartbeats from being made at all, if anything does."""
        view = self.view
        if problem:
            return replace(view, state=WAITING, code="unnumbered", detail=problem, remedy=remedy)
        if not view.code:
            return view
        detail, remedy = explained(view.code, view.detail, self.ahead_s, off)
        return replace(view, detail=detail, remedy=remedy)


def placed(target: Target, before: Peer | None) -> Peer:
    """The same one while it is where it was.  One that moved is asked at once, and what it
    said at its old endpoint stays."""
    if before is None:
        return _new(target)
    view = replace(before.view, endpoint=target.endpoint, uid=target.uid)
    if target.endpoint != before.target.endpoint:
        return Peer(target, replace(view, state=WAITING, code="", detail=""))
    before.target, before.view = target, view
    return before


def _new(target: Target) -> Peer:
    view = Validator(
        hotkey=target.hotkey,
        uid=target.uid,
        endpoint=target.endpoint,
        state=WAITING,
        detail="",
        remedy="",
        beats_sent=0,
        beats_answered=0,
        sent_at=_NOT_YET,
        replied_at=_NOT_YET,
        next_at=_NOT_YET,
        sees_us_as=_NOT_YET,
        verdict=_NOT_YET,
        verdict_at=_NOT_YET,
    )
    return Peer(target, view)


def _reading(value: T | None) -> Reading[T]:
    return Unknown(NOT_KNOWN, "the validator did not say") if value is None else value
