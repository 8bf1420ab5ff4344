"""What a value may be, and how that is said to a person.

Constraints stand in `Annotated[...]` on the fields of dataclasses that
`checking` fills.  Pure; imports the standard library only.
"""

from __future__ import annotations

import json
import math
import re
import types
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date, time
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
_SHOWN_CHARACTERS = 60


class Constraint(ABC):
    """A rule for a value that is already of the right type."""

    @abstractmethod
    def holds(self, value: Any) -> bool: ...

    @abstractmethod
    def says(self, base: str) -> str:
        """What stands after "must be"; `base` is what the type alone accepts."""


@dataclass(frozen=True)
class Range(Constraint):
    """A number between two bounds, both accepted."""

    low: float
    high: float

    def holds(self, value: Any) -> bool:
        return bool(self.low <= value <= self.high)

    def says(self, base: str) -> str:
        return f"{base} from {self.low:.12g} to {self.high:.12g}"


@dataclass(frozen=True)
class MaxItems(Constraint):
    """A list of at most `limit` items."""

    limit: int

    def holds(self, value: Any) -> bool:
        return len(value) <= self.limit

    def says(self, base: str) -> str:
        return f"{base} of at most {self.limit} items"


@dataclass(frozen=True)
class MaxLength(Constraint):
    """A string of at most `limit` characters."""

    limit: int

    def holds(self, value: Any) -> bool:
        return len(value) <= self.limit

    def says(self, base: str) -> str:
        return f"{base} of at most {self.limit} characters"


@dataclass(frozen=True)
class Matches(Constraint):
    """A string that `pattern` matches from end to end; `what` names it."""

    pattern: str
    what: str

    def holds(self, value: Any) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def says(self, base: str) -> str:
        return self.what


@dataclass(frozen=True)
class AbsolutePath(Constraint):
    """A path from the root, already tidy, of at most `max_bytes` in UTF-8."""

    max_bytes: int = 4095

    def holds(self, value: Any) -> bool:
        return (
            value.startswith("/")
            and value.strip("/") != ""
            and value.isprintable()
            and len(value.encode(errors="replace")) <= self.max_bytes
            and not {".", ".."}.intersection(value.split("/"))
        )

    def says(self, base: str) -> str:
        return f'an absolute path of at most {self.max_bytes} bytes with no ".." in it'


def fits(kind: Any, value: object) -> bool:
    """Whether `value` is of `kind`, a plain type or a list; True for other kinds."""
    if kind is float:
        return type(value) in (int, float) and _is_finite(value)
    if kind in _NAMES:
        return type(value) is kind
    return isinstance(value, (list, tuple)) if get_origin(kind) is tuple else True


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def accepted(kind: Any) -> str:
    """What the type `kind` accepts, to stand after "must be"."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        text = accepted(args[0])
        for constraint in args[1:]:
            text = constraint.says(text) if isinstance(constraint, Constraint) else text
        return text
    if origin is Literal:
        choices = [json.dumps(choice) for choice in args]
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if origin in (Union, types.UnionType):
        return " or ".join(accepted(arg) for arg in args if arg is not type(None))
    if origin is tuple:
        return "a list"
    return "a table" if is_dataclass(kind) else _NAMES.get(kind, "something else")


def shown(value: object) -> str:
    """A value as the person wrote it, short and free of control characters."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case str():
            return quoted(value)
        case int():
            return str(value) if abs(value) < 10**18 else "a number that large"
        case float():
            return repr(value)
        case date() | time():
            return f"the date or time {value}"
        case Mapping():
            return "a table"
        case list() | tuple():
            return f"a list of {len(value)} items"
    return f"a value of type {type(value).__name__}"


def quoted(text: str) -> str:
    """`text` in quotes, on one line, cut where it gets long."""
    plain = json.dumps(text[: _SHOWN_CHARACTERS + 1], ensure_ascii=False)[1:-1]
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in plain)
    if len(safe) > _SHOWN_CHARACTERS:
        safe = safe[:_SHOWN_CHARACTERS] + "..."
    return f'"{safe}"'
