"""For the tests of polarisctl: random snapshots, from the types of polarisd.api."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from polarisd.api.reading import REASONS, Unknown
from polarisd.api.snapshot import Snapshot

unknowns = st.builds(
    lambda reason, detail: {"unknown": reason, "detail": detail},
    st.sampled_from([*REASONS, "a_reason_of_tomorrow"]),
    st.text(max_size=30),
)
_SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=60) | st.sampled_from(["ok", "error", "warning", "NVIDIA H100"]),
    int: st.integers(-1, 1 << 50),
    float: st.floats() | st.floats(0, 1e12),
    bool: st.booleans(),
}


def wire_values(kind: object) -> st.SearchStrategy[Any]:
    """What may come over the wire where polarisd.api declares `kind`."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind is Unknown:
        return unknowns
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {f.name: wire_values(hints[f.name]) for f in fields(kind)}
        return st.fixed_dictionaries(known)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*(wire_values(arg) for arg in args))
    assert origin is tuple and args[1] is ..., f"no strategy for {kind}"
    return st.lists(wire_values(args[0]), max_size=3)


snapshots = wire_values(Snapshot)


@st.composite
def torn_snapshots(draw: st.DrawFn) -> dict[str, Any]:
    """A snapshot of another version of the daemon: a field missing or of another type."""
    torn: dict[str, Any] = draw(snapshots)
    at: Any = torn
    for _ in range(draw(st.integers(0, 4))):
        inner = [v for v in (at.values() if isinstance(at, dict) else at) if v and _holds(v)]
        if not inner:
            break
        at = draw(st.sampled_from(inner))
    if isinstance(at, dict):
        key = draw(st.sampled_from(sorted(at)))
        if draw(st.booleans()):
            del at[key]
        else:
            at[key] = draw(
                st.none()
                | st.integers()
                | st.text(max_size=5)
                | st.lists(st.none(), max_size=2)
                | unknowns
            )
    return torn


def _holds(value: object) -> bool:
    return isinstance(value, (dict, list))
