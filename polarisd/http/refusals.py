"""Why a request is refused: each code with its HTTP status and what to do about it.  Pure.

`auth`, `nonces`, `entry` and `desk` refuse with these rows, `client` tells them from
what a handler answers, and docs/http.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_TEXT_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`passing`: whether the same request, signed anew, may succeed later."""

    status: int
    passing: bool
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused request; `code` is a row of the catalogue."""

    code: str
    text: str
    remedy: str
    status: int
    retry_after_s: float | None = None

    def document(self) -> dict[str, object]:
        """As it travels."""
        told: dict[str, object] = {
            "code": self.code,
            "message": self.text[:MAX_TEXT_CHARACTERS],
            "hint": self.remedy,
        }
        if self.retry_after_s is not None:
            told["retry_after_s"] = self.retry_after_s
        return told


def _kind(status: int, remedy: str, *, passing: bool = False) -> Kind:
    return Kind(status=status, passing=passing, remedy=remedy)


CATALOGUE: Mapping[str, Kind] = {
    "malformed": _kind(
        400, "send what http.md in /usr/share/doc/polaris describes; is the client up to date?"
    ),
    "bad_document": _kind(
        400, "send one JSON object in UTF-8, not too deep; see http.md in /usr/share/doc/polaris"
    ),
    "unsigned": _kind(401, "sign the request as btauth/1 says"),
    "unsupported_crypto": _kind(401, "sign with an sr25519 hotkey"),
    "stale": _kind(401, "set the clock of the sender: timedatectl set-ntp true", passing=True),
    "bad_signature": _kind(401, "sign exactly what is sent, with the hotkey that is named"),
    "replayed": _kind(401, "sign each request anew, with a nonce of its own", passing=True),
    "wrong_receiver": _kind(403, "ask the chain who serves at this endpoint now"),
    "not_allowed": _kind(403, "register this hotkey on the subnet that is served here"),
    "not_found": _kind(404, "see the routes in http.md; is one side older than the other?"),
    "wrong_method": _kind(405, "see the routes in http.md in /usr/share/doc/polaris"),
    "too_slow": _kind(408, "send the whole request at once", passing=True),
    "length_required": _kind(411, "send the body as a whole, with Content-Length"),
    "too_large": _kind(413, "send less at once; http.md in /usr/share/doc/polaris has the limits"),
    "rate_limited": _kind(429, "wait before asking again", passing=True),
    "internal": _kind(500, "tell the operator there to see: polarisctl logs", passing=True),
    "busy": _kind(503, "ask again later", passing=True),
    "late": _kind(503, "ask again later", passing=True),
    "stopping": _kind(503, "ask again in a minute", passing=True),
}


def refuse(code: str, text: str, *, retry_after_s: float | None = None) -> Refusal:
    kind = CATALOGUE[code]
    return Refusal(
        code=code, text=text, remedy=kind.remedy, status=kind.status, retry_after_s=retry_after_s
    )
