"""What a reply is worth: the receiver's answer, its refusal, or neither.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from polarisd.http import documents, replies
from polarisd.http.delivery import Answer, Delivery, Undelivered, refused, undelivered
from polarisd.http.documents import BadDocument
from polarisd.http.refusals import CATALOGUE as REFUSALS
from polarisd.http.refusals import MAX_TEXT_CHARACTERS
from polarisd.http.replies import Asked, NotSigned

# What a face may say before it knows for whom; anybody on the way could say so too, and
# could as well have said nothing.
_UNSIGNED = {429: "rate_limited", 503: "busy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """`middle_at`: our time half-way between asking and being answered."""

    where: str
    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    middle_at: float
    replied_at: float
    round_trip_s: float


def judge(received: Received, *, asked: Asked, receiver: str) -> Delivery:
    signed = replies.check(
        received.headers, status=received.status, asked=asked, body=received.body
    )
    if isinstance(signed, NotSigned):
        return _unsigned(received, signed)
    where = received.where
    if signed.hotkey != receiver:
        return undelivered("other_hotkey", f"{where} is {signed.hotkey}, not {receiver}")
    try:
        document = documents.parse(received.body)
    except BadDocument as error:
        return undelivered("bad_reply", f"cannot read the reply of {where}: {error}")
    offset_s = signed.time_ns / 1e9 - received.middle_at
    code = document.get("code")
    if received.status >= 400 and isinstance(code, str) and code in REFUSALS:
        return refused(
            code,
            str(document.get("message", code))[:MAX_TEXT_CHARACTERS],
            retry_after_s=_seconds(document.get("retry_after_s")),
            clock_offset_s=offset_s,
            proven=True,
        )
    return Answer(
        status=received.status,
        document=document,
        replied_at=received.replied_at,
        server_time=signed.time_ns / 1e9,
        round_trip_s=received.round_trip_s,
        clock_offset_s=offset_s,
        body=received.body,
    )


def _unsigned(received: Received, signed: NotSigned) -> Undelivered:
    where, code = received.where, _UNSIGNED.get(received.status)
    if not signed.missing:
        return undelivered("bad_reply_signature", f"the reply of {where} is forged: {signed.text}")
    if code is None:
        return undelivered(
            "not_polaris", f"{where} answers with status {received.status}, but {signed.text}"
        )
    after = {name.lower(): value for name, value in received.headers}.get(b"retry-after")
    return refused(
        code,
        f"{where} takes no more requests for now",
        retry_after_s=float(after) if after and after.isdigit() and len(after) < 7 else None,
        clock_offset_s=None,
        proven=False,
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value) if math.isfinite(value) else None
    return None
