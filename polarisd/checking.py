"""Plain maps into frozen dataclasses, strictly, telling every problem at once.

`config` uses it for the file, the control server for the params of a request.
Nothing is coerced (only a whole number stands for a fraction) and no unknown
key passes.  The only importer of cattrs; of polarisd it imports `constraints`,
whose names it hands on.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from polarisd.constraints import (
    AbsolutePath,
    Constraint,
    Matches,
    MaxItems,
    MaxLength,
    Range,
    accepted,
    fits,
    quoted,
    shown,
)

__all__ = [
    "AbsolutePath",
    "CheckFailed",
    "Matches",
    "MaxItems",
    "MaxLength",
    "Problem",
    "Range",
    "check",
    "first_few",
]

MAX_TOLD = 50

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: `path` is dotted, empty for the whole."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class CheckFailed(Exception):
    """The data does not describe what was asked for; `problems` has all reasons."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def first_few(texts: Sequence[str]) -> list[str]:
    """What a person reads of many problems, and how many there are besides."""
    more = len(texts) - MAX_TOLD
    return [*texts[:MAX_TOLD], *([f"and {more} more"] if more > 0 else [])]


def check(cls: type[T], data: Mapping[str, object]) -> T:
    """Make the dataclass `cls` (and those in it) of plain data.

    A class may have a method `problems(self) -> Iterable[Problem]` for rules
    between its fields, with paths relative to itself.  It is asked once each
    field is right by itself.

    Error handling: raises CheckFailed; anything else is a bug in `cls`.
    """
    try:
        made: T = _converter().get_structure_hook(cls)(data, cls)
    except (ClassValidationError, _Refused) as error:
        raise CheckFailed(_problems(error, "", cls)) from None
    return made


class _Refused(Exception):
    """What our hooks raise: problems with paths relative to the value at hand."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


def _refuse(value: object, kind: Any) -> _Refused:
    return _Refused(Problem("", f"must be {accepted(kind)}, not {shown(value)}"))


# One converter for the process: what it holds is a cache of functions made from
# classes, and making them anew would cost a request a thousandfold.
@cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    for plain in (bool, int, float, str):
        converter.register_structure_hook(plain, _plain_hook(plain))
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    converter.register_structure_hook_factory(_is_annotated, _annotated_hook)
    converter.register_structure_hook_factory(is_dataclass, _dataclass_hook)
    return converter


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,)


def _is_annotated(kind: Any) -> bool:
    return get_origin(kind) is Annotated


def _plain_hook(kind: type) -> Hook:
    def structure(value: Any, _: Any) -> Any:
        if not fits(kind, value):
            raise _refuse(value, kind)
        return kind(value)

    return structure


def _literal_hook(kind: Any) -> Hook:
    choices = get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        # `1 == True`, so the type is compared as well.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise _refuse(value, kind)
        return value

    return structure


def _list_hook(kind: Any, converter: Converter) -> Hook:
    items_kind = GenericAlias(list, get_args(kind)[:1])
    items = converter.get_structure_hook(items_kind)

    def structure(value: Any, _: Any) -> Any:
        if not fits(kind, value):
            raise _refuse(value, kind)
        return tuple(items(value, items_kind))

    return structure


def _annotated_hook(kind: Any, converter: Converter) -> Hook:
    base = get_args(kind)[0]
    inner = converter.get_structure_hook(base)
    constraints = tuple(c for c in kind.__metadata__ if isinstance(c, Constraint))

    def structure(value: Any, _: Any) -> Any:
        # Before the items: a list that is too long is refused unread.
        if not fits(base, value) or not all(c.holds(value) for c in constraints):
            raise _refuse(value, kind)
        return inner(value, base)

    return structure


def _dataclass_hook(cls: Any, converter: Converter) -> Hook:
    # cattrs by itself reads string annotations without their constraints.
    overrides: dict[str, Any] = {
        name: override(struct_hook=_bound(converter.get_structure_hook(hint), hint))
        for name, hint in _hints(cls).items()
    }
    fill = make_dict_structure_fn(cls, converter, **overrides)
    has_rules = hasattr(cls, "problems")

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _refuse(value, cls)
        made = fill(value, cls)
        if has_rules and (found := tuple(made.problems())):
            raise _Refused(*found)
        return made

    return structure


def _bound(hook: Hook, kind: Any) -> Hook:
    return lambda value, _: hook(value, kind)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _problems(error: BaseException, path: str, kind: Any) -> Iterator[Problem]:
    """Walk cattrs's tree of exceptions, whose notes say where each arose."""
    match error:
        case _Refused(problems=found):
            yield from (Problem(_join(path, p.path), p.message) for p in found)
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields, key=str):
                yield _unknown_key(path, key, error.cl)
        case ClassValidationError():
            noted, others = error.group_exceptions()
            for inner, note in noted:
                yield from _problems(inner, _join(path, note.name), _hints(error.cl)[note.name])
            for inner in others:
                yield from _problems(inner, path, error.cl)
        case IterableValidationError():
            for inner, item_note in error.group_exceptions()[0]:
                yield from _problems(inner, f"{path}[{item_note.index}]", item_note.type)
        case KeyError():
            yield Problem(path, f"is missing; must be {accepted(kind)}")
        case _:
            raise error


def _join(path: str, name: str) -> str:
    if not path or not name:
        return path or name
    return f"{path}{name}" if name.startswith("[") else f"{path}.{name}"


def _unknown_key(path: str, key: object, cls: Any) -> Problem:
    names = [field.name for field in fields(cls)]
    text = str(key)
    close = difflib.get_close_matches(text[:100], names, n=1)
    if close:
        advice = f"did you mean {close[0]}?"
    elif names:
        advice = f"accepted here: {', '.join(names)}"
    else:
        advice = "nothing is accepted here"
    bare = len(text) <= 60 and text.isascii() and text.replace("-", "_").isidentifier()
    return Problem(_join(path, text if bare else quoted(text)), f"is not a known key; {advice}")
