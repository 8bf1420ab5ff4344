"""JSON of whatever was decoded from MessagePack: what every verb prints with --json.

Imported only where JSON is wanted, as the json module costs half an interpreter's start.
"""

from __future__ import annotations

import json
from math import isfinite


def json_text(value: object) -> str:
    """One document.  Raises RecursionError where `value` nests deeper than Python can go."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def plain(value: object) -> object:
    """`value` in what JSON can say: a number that is not finite is null, bytes are text."""
    if isinstance(value, dict):
        return {_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
