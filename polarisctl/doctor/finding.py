"""What a check answers: a verdict, what was found and needed, and what to do.

Every judgement of the doctor returns a Finding; `table` pairs it with the row of
the check that made it; `report` prints both.  Pure; standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.api.reading import NO_PERMISSION, REASONS, Unknown

OK = "ok"
WARNING = "warning"
FAILURE = "failure"
UNKNOWN = "unknown"
SKIPPED = "skipped"

VERDICTS = (OK, WARNING, FAILURE, UNKNOWN, SKIPPED)

# What the system says where that is all that it says: no more than the reason itself.
_DENIED = frozenset(("permission denied", "operation not permitted"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer.

    `needed` may be empty where nothing is (ok, skipped).  `advice` is a sentence
    and `commands` are lines that a shell takes as they stand.
    """

    verdict: str
    found: str
    needed: str = ""
    advice: str = ""
    commands: tuple[str, ...] = ()


def ok(found: str) -> Finding:
    return Finding(OK, found)


def skipped(why: str) -> Finding:
    """The check does not apply to this machine, and `why` says so."""
    return Finding(SKIPPED, why)


def warning(found: str, needed: str, advice: str = "", *commands: str) -> Finding:
    return Finding(WARNING, found, needed, advice, commands)


def failure(found: str, needed: str, advice: str = "", *commands: str) -> Finding:
    return Finding(FAILURE, found, needed, advice, commands)


def unknown(found: str, needed: str, advice: str = "", *commands: str) -> Finding:
    return Finding(UNKNOWN, found, needed, advice, commands)


def cannot_tell(what: str, because: Unknown, needed: str) -> Finding:
    """Unknown for the reason that a gatherer gave; root is advised where it helps."""
    reason = REASONS.get(because.reason, because.reason)
    if because.reason == NO_PERMISSION:
        found = f"cannot read {what}: permission denied"
        if because.detail and because.detail.lower() not in _DENIED:
            found += f" ({because.detail})"
        return unknown(found, needed, "Run with sudo to find out:", "sudo polarisctl doctor")
    detail = because.detail or reason
    return unknown(f"cannot read {what}: {detail}", needed)
