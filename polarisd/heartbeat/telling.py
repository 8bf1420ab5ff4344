"""What a miner's owner is told of a validator that did not take a heartbeat, and what to do.  Pure.

For `peers`.  The remedies are ours: what a validator writes is shown as its word, never as
advice.  docs/heartbeat.md lists the codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from polarisd.heartbeat.reasons import CLOCK, REASONS

WAITING, OK, UNREACHABLE, REFUSED, MUTED = "waiting", "ok", "unreachable", "refused", "muted"

# As the window of a request's nonce: what is signed further ahead is refused.
CLOCK_OFF_S = 2.0
# What a clock that is off makes a validator refuse.
_CLOCK_CODES = frozenset(("stale", "too_old", "from_the_future"))
_PASSING = "nothing to do: polarisd tries again, less and less often"
_THEIRS = "nothing to do here: it is for the validator's operator"
_ENTRY = f"{_THEIRS}; or, where heartbeat.validators names it, correct that entry"
_UPGRADE = "upgrade polaris on this machine, or wait until the validator has upgraded"
_MOVED = (
    "wait, if it moved: the new endpoint comes from the chain; where heartbeat.validators names "
    "it, correct its hotkey or its address"
)
_OURS_PERHAPS = (
    "if other validators answer: nothing to do; else see whether this machine may open "
    "connections to the internet: sudo polarisctl doctor"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row: the state that it puts a validator in, and the remedy."""

    state: str
    remedy: str


TROUBLES = {
    # It cannot be reached, or it is not the validator that answers.
    "refused": Trouble(UNREACHABLE, _ENTRY),
    "unreachable": Trouble(UNREACHABLE, _OURS_PERHAPS),
    "timed_out": Trouble(UNREACHABLE, _OURS_PERHAPS),
    "cut_off": Trouble(UNREACHABLE, _PASSING),
    "not_polaris": Trouble(UNREACHABLE, _ENTRY),
    "bad_reply_signature": Trouble(
        UNREACHABLE, f"{_THEIRS}, unless somebody between here and there alters what it says"
    ),
    "other_hotkey": Trouble(UNREACHABLE, _MOVED),
    "reply_too_large": Trouble(UNREACHABLE, _UPGRADE),
    "bad_reply": Trouble(UNREACHABLE, _UPGRADE),
    "bad_endpoint": Trouble(UNREACHABLE, _ENTRY),
    # It asks for time, or does not count what it takes.
    "rate_limited": Trouble(
        MUTED, "nothing to do: polarisd sends less often; does another machine use this hotkey?"
    ),
    **dict.fromkeys(("busy", "late", "stopping", "too_slow", "internal"), Trouble(MUTED, _PASSING)),
    **{code: Trouble(MUTED, REASONS[code].remedy) for code in ("full", "not_ready")},
    "muted": Trouble(MUTED, "it gives its reason; else ask its operator"),
    # It refuses the request.
    "stale": Trouble(REFUSED, CLOCK),
    "replayed": Trouble(REFUSED, _PASSING),
    "wrong_receiver": Trouble(REFUSED, _MOVED),
    "not_allowed": Trouble(REFUSED, REASONS["not_registered"].remedy),
    **dict.fromkeys(
        (
            "malformed",
            "bad_document",
            "unsigned",
            "unsupported_crypto",
            "bad_signature",
            "not_found",
            "wrong_method",
            "too_large",
            "length_required",
            "rejected",
        ),
        Trouble(REFUSED, _UPGRADE),
    ),
    # It refuses the heartbeat.
    **{
        code: Trouble(REFUSED, reason.remedy)
        for code, reason in REASONS.items()
        if reason.status != 503
    },
    # Nothing can be sent, or not usefully.
    "unnumbered": Trouble(WAITING, "check the disk that holds the state directory"),
    "hotkey_elsewhere": Trouble(
        REFUSED,
        "give each machine a hotkey of its own: sudo polarisctl register on one of the two",
    ),
}


def code_of(code: str) -> str:
    """A row of TROUBLES for any code, also that of a newer validator."""
    return code if code in TROUBLES else "rejected"


@dataclass(frozen=True, slots=True)
class ClockOff:
    """By the median of so many validators; positive when our clock is ahead."""

    ahead_s: float
    validators: int

    @property
    def text(self) -> str:
        whose = (
            "of the one validator that says the time"
            if self.validators == 1
            else f"of {self.validators} validators, by their median"
        )
        return f"this machine's clock is {_off(self.ahead_s)} that {whose}"


def clock_off(ahead_s: Iterable[float]) -> ClockOff | None:
    """None if nothing tells, or the clock is right.  A single liar among three moves nothing."""
    told = list(ahead_s)
    if not told or abs(median(told)) <= CLOCK_OFF_S:
        return None
    return ClockOff(median(told), len(told))


def explained(code: str, text: str, ahead_s: float | None, off: ClockOff | None) -> tuple[str, str]:
    """Detail and remedy.  Where it is about time: which of the two clocks is off."""
    remedy = TROUBLES[code].remedy
    if code not in _CLOCK_CODES:
        return text, remedy
    if off is not None:
        return f"{text}; {off.text}", CLOCK
    if ahead_s is not None and abs(ahead_s) > CLOCK_OFF_S:
        theirs = f"its clock is {_off(-ahead_s)} ours, and most validators agree with ours"
        return f"{text}; {theirs}", _THEIRS
    return text, remedy


def _off(ahead_s: float) -> str:
    return f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'}"
