"""Requests that were already taken: none is taken twice.  Pure; `entry` keeps two of these.

Bounded in time (the freshness window), in signers, and in nonces of each signer, so that
none pushes out another's.  When there is no room a request is refused, never forgotten.

Times are those of the wall clock, which somebody may set.  As long as it is not set back by
more than the window, what was let go is too old for ever.  When it is, an era ends: nothing
older than the new time is taken, nor anything from a time in which requests were taken
before.  A clock that was wrong took next to none, for others' were right.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

from polarisd.http.auth import AHEAD_S, BACK_S, Caller
from polarisd.http.refusals import Refusal, refuse

_BACK_NS = int(BACK_S * 1e9)
WINDOW_S = BACK_S + AHEAD_S
# Whose nonces are past is looked at for so many signers with each request.
_SWEPT_AT_ONCE = 64
# Of times in which requests were taken; those between which nothing came for `_PAUSE_NS`
# are kept apart.  When there are more, the two that are nearest become one.
_MOST_SPANS = 16
_PAUSE_NS = 60 * 10**9

_Span = tuple[int, int]


@dataclass(slots=True)
class _Signer:
    """In order of arrival."""

    arrived: deque[int] = field(default_factory=deque)
    seen: set[int] = field(default_factory=set)

    def forget(self, oldest_ns: int) -> None:
        """Nonces that are too old to be fresh; one that is not keeps those behind it."""
        while self.arrived and self.arrived[0] < oldest_ns:
            self.seen.discard(self.arrived.popleft())


class Nonces:
    """`started_ns`: nothing older is taken, for who knows what was taken before a restart."""

    def __init__(self, *, started_ns: int, most_signers: int, most_of_signer: int) -> None:
        self._began_ns = self._latest_ns = started_ns  # of this era
        # From the lowest nonce to the highest, without a pause; and those before this one,
        # which a clock that is not set back has all left behind.
        self._taken: _Span | None = None
        self._spans: list[_Span] = []
        self._most_signers = most_signers
        self._most_of_signer = most_of_signer
        self._signers: dict[str, _Signer] = {}  # the one that came longest ago first

    def __len__(self) -> int:
        return sum(len(signer.seen) for signer in self._signers.values())

    def has_taken(self, caller: Caller, now_ns: int) -> bool:
        """Whether it was taken and is remembered, or may have been in an era that is over."""
        self._look_at_clock(now_ns)
        signer = self._signers.get(caller.hotkey)
        return self._has_been(caller.nonce_ns) or (
            signer is not None and caller.nonce_ns in signer.seen
        )

    def take(self, caller: Caller, now_ns: int) -> Refusal | None:
        """None if it is new, and from now on it is not.  Call it for proven, fresh callers."""
        self._look_at_clock(now_ns)
        if caller.nonce_ns < max(self._began_ns, self._latest_ns - _BACK_NS):
            return refuse(
                "stale", "the request was signed before this side was started, or its clock set"
            )
        if self._has_been(caller.nonce_ns):
            return refuse("stale", "the clock here was set back, and this time has been before")
        self._sweep(now_ns - _BACK_NS)
        signer = self._signers.pop(caller.hotkey, None)
        if signer is None:
            if len(self._signers) >= self._most_signers:
                return refuse("busy", "too many hotkeys are asking at once", retry_after_s=WINDOW_S)
            signer = _Signer()
        self._signers[caller.hotkey] = signer
        signer.forget(now_ns - _BACK_NS)
        return self._add(signer, caller.nonce_ns)

    def _add(self, signer: _Signer, nonce_ns: int) -> Refusal | None:
        if nonce_ns in signer.seen:
            return refuse("replayed", "this request was already taken")
        if len(signer.seen) >= self._most_of_signer:
            return refuse(
                "rate_limited",
                f"this hotkey sent {self._most_of_signer} requests within {WINDOW_S:g} s",
                retry_after_s=WINDOW_S,
            )
        signer.arrived.append(nonce_ns)
        signer.seen.add(nonce_ns)
        low, high = self._taken or (nonce_ns, nonce_ns)
        if nonce_ns > high + _PAUSE_NS:  # or else a clock that leaps ahead joins then and now
            self._end_span()
            low = nonce_ns
        self._taken = min(low, nonce_ns), max(high, nonce_ns)
        return None

    def _end_span(self) -> None:
        if self._taken is not None:
            self._spans = _joined([*self._spans, self._taken])
        self._taken = None

    def _look_at_clock(self, now_ns: int) -> None:
        if now_ns < max(self._began_ns, self._latest_ns - _BACK_NS):
            self._end_span()
            self._began_ns = self._latest_ns = now_ns
            self._signers.clear()
        self._latest_ns = max(self._latest_ns, now_ns)

    def _has_been(self, nonce_ns: int) -> bool:
        return any(low <= nonce_ns <= high for low, high in self._spans)

    def _sweep(self, oldest_ns: int) -> None:
        """Let go of signers whose nonces are all past, the one that came longest ago first."""
        for _ in range(min(_SWEPT_AT_ONCE, len(self._signers))):
            name = next(iter(self._signers))
            eldest = self._signers[name]
            eldest.forget(oldest_ns)
            if eldest.seen:
                return
            del self._signers[name]


def _joined(spans: list[_Span]) -> list[_Span]:
    """As few as are kept: what lies between two is then not taken either."""
    spans = sorted(spans)
    while len(spans) > _MOST_SPANS:
        gaps = [after[0] - before[1] for before, after in pairwise(spans)]
        at = gaps.index(min(gaps))
        spans[at : at + 2] = [(spans[at][0], max(spans[at][1], spans[at + 1][1]))]
    return spans
