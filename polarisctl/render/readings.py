"""Single readings as text, and why some have none.

Unknown is shown as `n/a`, never as zero; Reasons gathers the reasons that the
daemon sent for the foot of a page.
"""

from __future__ import annotations

import time

from polarisctl import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Record = Mapping[str, object]

NOT_KNOWN = values.NOT_KNOWN


def measured(record: object, key: str, form: Callable[[float], str]) -> str:
    """A number in its form, or n/a."""
    value = values.number(record, key)
    return NOT_KNOWN if value is None else form(value)


def text(record: object, key: str) -> str:
    """Whatever is there, as it is, or n/a."""
    value = values.get(record, key)
    return NOT_KNOWN if value is None or value == "" else str(value)


def percent(value: float) -> str:
    return f"{value:.0f} %"


def watts(value: float) -> str:
    return f"{value:.0f} W"


def celsius(value: float) -> str:
    return f"{value:.0f} °C"


def megahertz(value: float) -> str:
    return f"{value:.0f} MHz"


def count(value: float) -> str:
    return f"{value:.0f}"


def used_of(used: float | None, total: float | None) -> str:
    """`71.2/80.0`: two sizes in GiB."""
    if used is None and total is None:
        return NOT_KNOWN
    return f"{values.gib(used)}/{values.gib(total)}"


def moment(record: object, key: str, now: float) -> str:
    """`2025-11-22 15:38 (3 h)`: an instant in local time, and how long ago."""
    at = values.number(record, key)
    if at is None:
        return NOT_KNOWN
    try:
        return f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(at))} ({values.age(now - at)} ago)"
    except (OverflowError, ValueError, OSError):
        return NOT_KNOWN


def ago(record: object, key: str, now: float) -> str:
    return measured(record, key, lambda at: values.age(now - at))


class Reasons:
    """Which readings of a page are unknown, gathered by reason."""

    def __init__(self) -> None:
        self._whats: dict[str, dict[str, list[str]]] = {}

    def look(self, whose: str, record: object, fields: Mapping[str, str]) -> None:
        """Note which of the fields (key to name) of a record have no value."""
        for key, name in fields.items():
            if reason := values.why(record, key):
                self._whats.setdefault(reason, {}).setdefault(name, []).append(whose)

    def lines(self) -> list[str]:
        """`n/a: power, temperature of GPU 3: gpu lost`, a line for each reason."""
        return [
            f"{NOT_KNOWN}: {'; '.join(_owned(names))}: {reason}"
            for reason, names in self._whats.items()
        ]


def _owned(names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """`power, temperature of GPU 3, GPU 4`: names that the same owners lack, together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for name, owners in names.items():
        together.setdefault(tuple(filter(None, owners)), []).append(name)
    for owners, shared in together.items():
        yield ", ".join(shared) + (f" of {', '.join(owners)}" if owners else "")
