"""Frames from a worker into values, each checked before anything is done with it.  Pure.

For `measuring`.  Nobody else's code runs in a worker, but a broken library may have done
anything to its memory: what is of another type, too long, not finite or not known ends
the run as a failure that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from polarisd.api.benchmark import BACKENDS, TESTS
from polarisd.api.reading import REASONS, Reading, Unknown

# The unit in which each test is told.
UNITS = {
    **dict.fromkeys(TESTS, "op/s"),
    **dict.fromkeys(("memory_copy", "memory_read", "h2d_pinned", "d2h_pinned"), "byte/s"),
    "vram_capacity": "byte",
}
MAX_TEXT = 300
MAX_VERSIONS = 16
MAX_REPEATS = 1 << 20
# Far beyond any hardware, and still exact in a float.
MAX_VALUE = 1e21
MAX_AGE_S = 86_400.0
MAX_PID = 1 << 22

T = TypeVar("T")
Frame = Mapping[str, Any]


class Nonsense(Exception):
    """What the worker sent cannot be; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who measures, and on what."""

    pid: int
    backend: str
    device_name: str
    device_uuid: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """A test that runs; `share` of the whole is done."""

    test: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure as the worker has it; its times count back from now."""

    test: str
    value: Reading[float]
    unit: str
    repeats: int
    spread: Reading[float]
    started_ago_s: float
    ended_ago_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class Done:
    """The worker has nothing more to say."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot go on."""

    code: str
    message: str
    hint: str


Said = Hello | Step | Measured | Done | Failed


def read(frame: object) -> Said:
    """One frame.  Raises Nonsense."""
    if not isinstance(frame, dict):
        raise Nonsense(f"a frame is {frame!r:.60}, not a map")
    kind = frame.get("kind")
    match kind:
        case "hello":
            return _hello(frame)
        case "progress":
            return Step(_test(frame), _number(frame, "share", 1.0))
        case "figure":
            return _measured(frame)
        case "done":
            return Done()
        case "failed":
            return Failed(_text(frame, "code"), _text(frame, "message"), _text(frame, "hint"))
    raise Nonsense(f"a frame is of kind {kind!r:.60}")


def _hello(frame: Frame) -> Hello:
    device = _of_type(frame, "device", dict)
    backend = _text(frame, "backend")
    if backend not in BACKENDS:
        raise Nonsense(f"it runs on {backend!r:.60}, which is no backend")
    return Hello(
        pid=_whole(frame, "pid", MAX_PID),
        backend=backend,
        device_name=_text(device, "name"),
        device_uuid=_text(device, "uuid"),
        versions=_versions(_of_type(frame, "versions", dict)),
    )


def _versions(found: Mapping[Any, Any]) -> dict[str, str]:
    if len(found) > MAX_VERSIONS:
        raise Nonsense(f"it names {len(found)} versions")
    if not all(isinstance(name, str) for name in found):
        raise Nonsense("versions have a name that is no text")
    return {_shortened(name): _text(found, name) for name in found}


def _measured(frame: Frame) -> Measured:
    test, unit = _test(frame), _text(frame, "unit")
    if unit != UNITS[test]:
        raise Nonsense(f"{test} is in {unit!r:.60} instead of {UNITS[test]}")
    started, ended = (
        _number(frame, f"seconds_ago_{name}", MAX_AGE_S) for name in ("started", "ended")
    )
    if ended > started:
        raise Nonsense(f"{test} ended before it began")
    return Measured(
        test=test,
        value=_reading(frame, "value"),
        unit=unit,
        repeats=_whole(frame, "repeats", MAX_REPEATS),
        spread=_reading(frame, "spread"),
        started_ago_s=started,
        ended_ago_s=ended,
        detail=_text(frame, "detail"),
    )


def _test(frame: Frame) -> str:
    test = _text(frame, "test")
    if test not in TESTS:
        raise Nonsense(f"there is no test {test!r:.60}")
    return test


def _reading(frame: Frame, name: str) -> Reading[float]:
    value = frame.get(name)
    if not isinstance(value, dict):
        return _number(frame, name, MAX_VALUE)
    reason = value.get("unknown")
    if not isinstance(reason, str) or reason not in REASONS:
        raise Nonsense(f"{name} is unknown for the reason {reason!r:.60}")
    return Unknown(reason, _text(value, "detail"))


def _number(frame: Frame, name: str, high: float) -> float:
    """From 0 to `high`, which no infinity is, and nothing that is not a number."""
    value: Any = frame.get(name)
    if type(value) not in (int, float) or not 0 <= value <= high:
        raise Nonsense(f"{name} is {_cut(value)}, not a number from 0 to {high:g}")
    return float(value)


def _whole(frame: Frame, name: str, high: int) -> int:
    value = frame.get(name)
    if type(value) is not int or not 0 <= value <= high:
        raise Nonsense(f"{name} is {_cut(value)}, not a whole number from 0 to {high}")
    return value


def _text(frame: Frame, name: str) -> str:
    """Cut where it gets long: what a library says of its failure may be pages."""
    return _shortened(_of_type(frame, name, str))


def _shortened(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text[: MAX_TEXT + 1])
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _of_type(frame: Frame, name: str, kind: type[T]) -> T:
    value = frame.get(name)
    if not isinstance(value, kind):
        raise Nonsense(f"{name} is {_cut(value)}, not of type {kind.__name__}")
    return value


def _cut(value: object) -> str:
    return f"{value!r:.60}"
