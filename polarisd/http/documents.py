"""JSON as it travels: one object, bounded in size, depth and numbers.  Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

MAX_DEPTH = 16
MAX_ITEMS = 10_000
MAX_INT_DIGITS = 20  # of a number of 64 bits


class BadDocument(Exception):
    """The text says what is wrong with it, and repeats nothing of it."""


def dump(document: Mapping[str, object]) -> bytes:
    """Compact UTF-8.  ValueError or TypeError if it is no JSON, which is a bug of ours."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def parse(body: bytes) -> dict[str, object]:
    """Raises BadDocument."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadDocument("it is not UTF-8") from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        raise BadDocument(f"it is nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise BadDocument(f"it is not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(document, dict):
        raise BadDocument("it is not a JSON object")
    _look_through(document)
    return document


def _look_through(document: dict[str, object]) -> None:
    level: list[object] = [document]
    items = 0
    for _ in range(MAX_DEPTH):
        inner = [value for container in level for value in _inside(container)]
        items += len(inner)
        if items > MAX_ITEMS:
            raise BadDocument(f"it has more than {MAX_ITEMS} items")
        for value in inner:
            if isinstance(value, str) and not _is_text(value):
                raise BadDocument("a string in it holds half a character")
        level = [value for value in inner if isinstance(value, (dict, list))]
        if not level:
            return
    raise BadDocument(f"it is nested deeper than {MAX_DEPTH} levels")


def _inside(container: object) -> Iterable[object]:
    if isinstance(container, dict):
        return [*container, *container.values()]
    return container if isinstance(container, list) else ()


def _is_text(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which no encoding can."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadDocument("a name is there twice in one object")
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_INT_DIGITS:
        raise BadDocument(f"a number has more than {MAX_INT_DIGITS} digits")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadDocument("a number is too large")
    return value


def _constant(name: str) -> float:
    raise BadDocument(f"{name} is not JSON")
