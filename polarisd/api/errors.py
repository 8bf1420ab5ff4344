"""Error codes of the control protocol, and the map in which an error travels.

Codes are plain strings rather than an Enum because polarisctl imports this
module before it prints its first character, and `enum` alone would cost it a
third of a bare interpreter's start.
"""

from __future__ import annotations

BAD_FRAME = "bad_frame"
FRAME_TOO_LARGE = "frame_too_large"
UNKNOWN_METHOD = "unknown_method"
INVALID_PARAMS = "invalid_params"
NOT_PERMITTED = "not_permitted"
NOT_FOUND = "not_found"
TOO_MANY_SESSIONS = "too_many_sessions"
TOO_MANY_WATCHES = "too_many_watches"
TOO_SLOW = "too_slow"
IDLE = "idle"
BAD_CONFIG = "bad_config"
PROTOCOL_MISMATCH = "protocol_mismatch"
STOPPING = "stopping"
REFUSED = "refused"
INTERNAL = "internal"

ALL_CODES = (
    BAD_FRAME,
    FRAME_TOO_LARGE,
    UNKNOWN_METHOD,
    INVALID_PARAMS,
    NOT_PERMITTED,
    NOT_FOUND,
    TOO_MANY_SESSIONS,
    TOO_MANY_WATCHES,
    TOO_SLOW,
    IDLE,
    BAD_CONFIG,
    PROTOCOL_MISMATCH,
    STOPPING,
    REFUSED,
    INTERNAL,
)

# Whatever the text, an error fits into a frame: a character takes six bytes at most.
MAX_TEXT_LENGTH = 1 << 16


class ControlError(Exception):
    """An expected failure of a request: a code, what is wrong, what to do.

    Raised by a handler it becomes the error of the reply; raised by the client
    it is that reply.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def to_wire(self) -> dict[str, str]:
        return {
            "code": self.code,
            "message": _shortened(self.message),
            "hint": _shortened(self.hint),
        }


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT_LENGTH else text[: MAX_TEXT_LENGTH - 1] + "…"


def from_wire(error: object) -> ControlError:
    """Read the error map of a reply; anything malformed is reported as such."""
    if isinstance(error, dict):
        return ControlError(
            str(error.get("code", INTERNAL)),
            str(error.get("message", "the daemon gave no message")),
            str(error.get("hint", "")),
        )
    return ControlError(INTERNAL, f"the daemon sent a malformed error: {error!r:.200}")
