"""A reading is a value or the reason why there is none.

Everything measured on a host is a `Reading`: never a sentinel, never zero for
"cannot tell".  On the wire an Unknown is `{"unknown": reason, "detail": text}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, Union

NOT_READ_YET = "not_read_yet"
NOT_SUPPORTED = "not_supported"
DRIVER_TOO_OLD = "driver_too_old"
NO_PERMISSION = "no_permission"
NO_DRIVER = "no_driver"
GPU_LOST = "gpu_lost"
GPU_MISSING = "gpu_missing"
TIMED_OUT = "timed_out"
DRIVER_ERROR = "driver_error"
READ_ERROR = "read_error"
ERROR = "error"
NOT_KNOWN = "not_known"
NOT_REGISTERED = "not_registered"
NOT_PUBLISHED = "not_published"

REASONS = {
    NOT_READ_YET: "not read yet",
    NOT_SUPPORTED: "this hardware or mode does not offer it",
    DRIVER_TOO_OLD: "the driver is too old to say",
    NO_PERMISSION: "polarisd may not read it",
    NO_DRIVER: "no NVIDIA driver answers",
    GPU_LOST: "the GPU has fallen off the bus",
    GPU_MISSING: "the GPU is no longer there",
    TIMED_OUT: "the driver did not answer in time",
    DRIVER_ERROR: "the driver reported an error",
    READ_ERROR: "the system could not be read",
    ERROR: "it was tried and failed",
    NOT_KNOWN: "nobody has said",
    NOT_REGISTERED: "the hotkey has no UID on this subnet",
    NOT_PUBLISHED: "the chain names no endpoint for this hotkey",
}


@dataclass(frozen=True, slots=True)
class Unknown:
    """The absence of a value: `reason` is a key of REASONS, `detail` free text."""

    reason: str
    detail: str = ""


T = TypeVar("T")
Reading = Union[T, Unknown]


def known(reading: Reading[T]) -> T | None:
    """The value, or None where there is none: for decisions, never for display."""
    return None if isinstance(reading, Unknown) else reading
