"""Frozen dataclasses to MessagePack-able values.  The daemon's side only.

polarisctl reads plain maps, so that it need not import dataclasses (which would
double the time of `polarisctl status`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter

from polarisd.api.reading import Unknown

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls))


@cache
def _getter(cls: type) -> Callable[[object], tuple[object, ...]]:
    names = _field_names(cls)
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda value: (only(value),)
    return attrgetter(*names)


def to_wire(value: object) -> object:
    """Maps for dataclasses, lists for tuples, `{"unknown": ...}` for Unknown."""
    cls = type(value)
    if cls in _PLAIN:
        return value
    if cls is Unknown:
        assert isinstance(value, Unknown)
        return {"unknown": value.reason, "detail": value.detail}
    if is_dataclass(cls):
        return {
            name: item if type(item) in _PLAIN else to_wire(item)
            for name, item in zip(_field_names(cls), _getter(cls)(value), strict=True)
        }
    if isinstance(value, (tuple, list)):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    raise TypeError(f"cannot encode {cls.__name__}")
