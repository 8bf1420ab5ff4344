"""Version numbers out of the texts that programs print.  Pure."""

from __future__ import annotations

import re

Version = tuple[int, ...]

# A part longer than nine digits is a build id, not a version.
_NUMBER = re.compile(r"(?<![\w.])v?(\d{1,9}(?:\.\d{1,9})+|\d{1,9})(?![\d])")


def find_version(text: str, after: str = "") -> Version | None:
    """The first dotted number in `text` behind the words `after`, None if there is none.

    "Docker version 20.10.24+dfsg1, build 297e128" -> (20, 10, 24)
    """
    start = text.lower().find(after.lower())
    if start < 0:
        return None
    match = _NUMBER.search(text, start + len(after))
    return tuple(int(part) for part in match[1].split(".")) if match else None


def show(version: Version) -> str:
    return ".".join(str(part) for part in version)


def older(version: Version, than: Version) -> bool:
    """Whether `version` comes before `than`; missing parts count as zero."""
    width = max(len(version), len(than))
    return _padded(version, width) < _padded(than, width)


def _padded(version: Version, width: int) -> Version:
    return version + (0,) * (width - len(version))
