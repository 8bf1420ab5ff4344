"""What stands under the table of a run: why figures fell, and why cells are empty.  Pure."""

from __future__ import annotations

from polarisctl import values
from polarisctl.benchmark.wording import NONE
from polarisctl.render import readings
from polarisctl.terminal import DIM, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from polarisctl.benchmark.trend import Trend
    from polarisctl.render.page import Page
    from polarisctl.render.readings import Record

_NAMES = {"good": "share of good", "peak": "share of peak", "spread": "spread"}
_CONDITIONS = {
    "sm_clock_mhz": "SM clock",
    "power_w": "power",
    "power_limit_w": "power limit",
    "temperature_c": "temperature",
    "throttle": "throttle",
}
_ALONE = "no earlier run to compare with"


def add_falls(page: Page, figures: Sequence[Record], trends: Sequence[Trend | None]) -> None:
    """What explains each fall; tests that fell alike together."""
    falls: dict[str, list[tuple[str, float]]] = {}
    for figure, found in zip(figures, trends, strict=True):
        if found is not None and found.why:
            test = values.text(figure, "test") or readings.NOT_KNOWN
            falls.setdefault(found.why, []).append((test, -found.change))
    for why, fell in falls.items():
        tests = ", ".join(test for test, _ in fell)
        ends = dict.fromkeys(f"{100 * end(share for _, share in fell):.0f}" for end in (min, max))
        page.prose(f"{tests} fell by {' to '.join(ends)} %: {why}", style=WARN)


def add_gaps(page: Page, figures: Sequence[Record], trends: Sequence[Trend | None]) -> None:
    """Why some cells say nothing, a line for each reason."""
    whats: dict[str, dict[str, list[str]]] = {}
    # Where none of any figure is known, as of a processor, there are no cells for them.
    has_conditions = any(
        not values.why(values.get(figure, "conditions"), key)
        for figure in figures
        if not values.why(figure, "value")
        for key in _CONDITIONS
    )
    for figure, found in zip(figures, trends, strict=True):
        test = values.text(figure, "test") or readings.NOT_KNOWN
        for name, why in _gaps(figure, found, has_conditions):
            whats.setdefault(why, {}).setdefault(name, []).append(test)
    has_value = sum(not values.why(figure, "value") for figure in figures)
    for why, names in whats.items():
        told = "; ".join(
            f"{name} of {'all' if len(tests) == has_value > 1 else ', '.join(tests)}"
            for name, tests in names.items()
        )
        page.prose(f"{NONE} {told}: {why}", style=DIM)


def _gaps(figure: Record, found: Trend | None, has_conditions: bool) -> Iterator[tuple[str, str]]:
    if why := values.why(figure, "value"):
        yield "measured", why  # what is not there has no share, spread or trend either
        return
    for key, name in _NAMES.items():
        if why := values.why(figure, key):
            yield name, why
    for key, name in _CONDITIONS.items() if has_conditions else ():
        if why := values.why(values.get(figure, "conditions"), key):
            yield name, why
    if found is None:
        yield "trend", _ALONE
