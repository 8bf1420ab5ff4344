"""Headers that carry a signature, read strictly: each once, short, in one spelling.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MAX_CHARACTERS = 200

# No sign, no space, no leading zero.  What is signed is the digits themselves.
_NANOSECONDS = re.compile(r"[1-9][0-9]{0,19}")
_SIGNATURE = re.compile(r"0x[0-9a-f]{128}")


class BadHeaders(Exception):
    """The text names the header and says what is wrong with it."""


def known(names: Iterable[str]) -> dict[bytes, str]:
    """For `collect`: names as they may arrive, and as we write them."""
    return {name.lower().encode(): name for name in names}


def collect(headers: Iterable[tuple[bytes, bytes]], names: Mapping[bytes, str]) -> dict[str, str]:
    """Those of `headers` that have one of the `names`.  Raises BadHeaders."""
    found: dict[str, str] = {}
    for raw_name, value in headers:
        name = names.get(raw_name.lower())
        if name is None:
            continue
        if name in found:
            raise BadHeaders(f"the header {name} is there twice")
        if len(value) > MAX_CHARACTERS or not value.isascii():
            raise BadHeaders(f"the header {name} is too long, or not ASCII")
        found[name] = value.decode("ascii")
    return found


def nanoseconds(found: Mapping[str, str], name: str) -> int:
    if not _NANOSECONDS.fullmatch(found[name]):
        raise BadHeaders(f"{name} is not a time in nanoseconds")
    return int(found[name])


def signature(found: Mapping[str, str], name: str) -> bytes:
    if not _SIGNATURE.fullmatch(found[name]):
        raise BadHeaders(f"{name} is not 0x and 128 lower-case hex digits")
    return bytes.fromhex(found[name][2:])
