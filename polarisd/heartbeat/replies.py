"""What a validator answers, read by a miner that does not trust it.  Pure.

A key that is not understood is passed over, so that validators may be newer; what is of the
wrong kind counts as not said.  Texts are cut and cleaned: they end on a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polarisd.api.chain import PortSeen
from polarisd.heartbeat.addresses import read_address
from polarisd.heartbeat.document import Signed, parse_envelope
from polarisd.heartbeat.reasons import REASONS

MAX_REPLY_BYTES = 64 << 10
MAX_TEXT = 200
MAX_PORTS = 16
# Beyond, no calendar shows it; and a look, or a verdict, that is so old tells nothing.
_MAX_TIME_S = 4_102_444_800.0
_MAX_AGE_S = 30 * 86400.0
ANSWERS = ("open", "ssh", "closed", "silent", "not_tried")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A heartbeat was taken.  None is what the validator did not say, or not so that it makes
    sense; ages are in seconds, times since 1970."""

    seen_address: str | None
    ports: tuple[PortSeen, ...]
    look_age_s: float | None
    verdict: str | None
    verdict_at: float | None
    next_beat_s: float | None
    muted: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """It was refused.  `code` is a row of REASONS, or else empty; `latest` is unverified."""

    code: str
    text: str
    latest: Signed | None


def read_reply(status: int, document: Mapping[str, Any]) -> Reply | Rejection:
    """Of a handler that answered; whatever it says is one of the two."""
    if status == 200:
        return _reply(document)
    code = document.get("code")
    latest = parse_envelope(document.get("latest"))
    return Rejection(
        code=code if isinstance(code, str) and code in REASONS else "",
        text=clean(document.get("message")) or f"it answers with HTTP status {status}",
        latest=latest if isinstance(latest, Signed) else None,
    )


def clean(text: object, limit: int = MAX_TEXT) -> str | None:
    """One line of what can be printed, or None if nothing is left."""
    if not isinstance(text, str):
        return None
    words = "".join(c if c.isprintable() else " " for c in text[: 8 * limit]).split()
    line = " ".join(words)
    return (line if len(line) <= limit else line[: limit - 1] + "…") or None


def _reply(data: Mapping[str, Any]) -> Reply:
    seen, look, verdict = (_map(data.get(name)) for name in ("seen", "look", "verdict"))
    address = seen.get("address")
    found = read_address(address) if isinstance(address, str) else None
    age_s = _seconds(look.get("age_ms"), _MAX_AGE_S)
    text = clean(verdict.get("text"))
    return Reply(
        seen_address=str(found) if found else None,
        ports=_ports(look.get("ports")) if age_s is not None else (),
        look_age_s=age_s,
        verdict=text,
        verdict_at=_seconds(verdict.get("at_ms")) if text else None,
        next_beat_s=_number(data.get("next_beat_s"), _MAX_AGE_S),
        muted=clean(data.get("muted")),
    )


def _ports(rows: object) -> tuple[PortSeen, ...]:
    found = {}
    for row in rows[:MAX_PORTS] if isinstance(rows, list) else ():
        port, answer = _port(_map(row).get("port")), _map(row).get("answer")
        if port and answer in ANSWERS:
            found[port] = PortSeen(port=port, answer=answer)
    return tuple(found[port] for port in sorted(found))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object, most: float) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= most else None


def _seconds(milliseconds: object, most_s: float = _MAX_TIME_S) -> float | None:
    number = _number(milliseconds, most_s * 1e3)
    return None if number is None else number / 1e3


def _port(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 65536 else None
