"""Whether a run's figures are good, in words, and what to do if not.  Pure.

A figure is set beside what a good card of its model reaches where that is known; else
beside the datasheet's peak, of which good cards reach anything from two fifths (small
cards at their power limit) to all.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl import values
from polarisctl.benchmark import causes, wording
from polarisctl.benchmark.wording import percent, share_of
from polarisctl.terminal import BAD, DIM, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from polarisctl.render.readings import Record

# Cards of one node differ by 5 %, and more than 15 % below a good one is no accident.
AS_GOOD = 0.95
ORDINARY = 0.85
# Below these something is wrong with the machine: exit code 5.
SICK_OF_GOOD = 0.5
SICK_OF_PEAK = 1 / 3

_HEAT = "it is too hot: clean its fans and filters, check the airflow"
_BY_REASON = {
    "hw_thermal": _HEAT,
    "sw_thermal": _HEAT,
    "hw_power_brake": "the power supply makes it slow down: check the supply and its cables",
    "hw_slowdown": "the hardware slows it down: check temperature, power cables and supply",
    "application_clocks": "its clocks are held down: sudo nvidia-smi -i UUID -rac",
    "sw_power_cap": "it runs into its power limit: see whether that is its default with "
    "polarisctl gpus WHICH; sudo nvidia-smi -i UUID -pl WATTS",
}
_LINK = (
    "check its PCIe link under load with polarisctl gpus WHICH; reseat the card or its riser, and "
    "look for the slot's speed in the BIOS"
)
_MEMORY = "see what else holds its memory: polarisctl gpus WHICH"
_ELSE = "measure again while nothing else runs on this machine; then sudo polarisctl doctor"


@dataclass(frozen=True)
class Verdict:
    text: str
    style: str
    remedies: tuple[str, ...] = ()
    sick: bool = False


def verdict(run: Record, which: str = "") -> Verdict:
    """One sentence on the whole run, and what to do about the figures that are low.

    `which` is what polarisctl is to be told of the GPU: its index, or else its UUID.
    """
    if warning := wording.not_a_gpu(values.text(run, "backend") or ""):
        return Verdict(f"not to be compared with any GPU: {warning}", DIM)
    good, peak = _shares(run, "good"), _shares(run, "peak")
    judged = {_test(figure) for _, figure in good}
    unjudged = [(share, figure) for share, figure in peak if _test(figure) not in judged]
    sick = [figure for share, figure in good if share < SICK_OF_GOOD]
    little = [figure for share, figure in unjudged if share < SICK_OF_PEAK]
    text, style, low = _beside_good(run, good) if good else _beside_peak(run, peak)
    if sick:
        text, style = text.replace("slow", "bad", 1), BAD
    if little:
        tests = ", ".join(map(_test, little))
        text = f"bad: less than a third of the datasheet's peak in {tests}; {text}"
        style = BAD
    low += [figure for figure in little if figure not in low]
    low += [f for share, f in unjudged if _test(f) == "vram_capacity" and share < ORDINARY]
    return Verdict(text, style, _remedies(run, low, which), sick=bool(sick or little))


def _shares(run: Record, what: str) -> list[tuple[float, Record]]:
    """The figures as shares of their `good` or `peak`, the lowest first."""
    found = [
        (share, figure)
        for figure in values.maps(run, "figures")
        if (share := share_of(figure, what)) is not None
    ]
    return sorted(found, key=lambda pair: pair[0])


def _beside_good(run: Record, good: list[tuple[float, Record]]) -> tuple[str, str, list[Record]]:
    low, lowest = good[0]
    reached = f"{percent(low)} of what a good {wording.model(run)} reaches in {_test(lowest)}"
    if len(good) > 1:
        reached += f", the lowest of the {len(good)} tests with a known good figure"
    if low >= AS_GOOD:
        return f"good: {reached}", GOOD, []
    if low >= ORDINARY:
        return f"ordinary: {reached}; cards of one kind differ by 5 %", GOOD, []
    return f"slow: {reached}", WARN, [figure for share, figure in good if share < ORDINARY]


def _beside_peak(run: Record, peak: list[tuple[float, Record]]) -> tuple[str, str, list[Record]]:
    name = wording.model(run)
    if not peak:
        return f"there is nothing to compare {name} with", DIM, []
    ends = dict.fromkeys((percent(peak[0][0]), percent(peak[-1][0])))
    reached = f"it reaches {' to '.join(ends)} of its datasheet's peaks"
    return f"no good figure of another {name} is known; {reached}", DIM, []


def _remedies(run: Record, figures: list[Record], which: str) -> tuple[str, ...]:
    """Of the figures given; none where none is low."""
    if not figures:
        return ()
    uuid = values.text(run, "gpu_uuid") or "UUID"
    found = dict.fromkeys(text for figure in figures for text in _for(figure))
    named = (text.replace("UUID", uuid).replace("WHICH", which or uuid) for text in found)
    return tuple(named) or (_ELSE,)


def _for(figure: Record) -> Iterator[str]:
    test = _test(figure)
    if test in causes.LINK_TESTS:
        yield _LINK
    elif test == "vram_capacity":
        yield _MEMORY
    else:
        held = values.names(figure, "conditions", "throttle") or ()
        found = [text for reason, text in _BY_REASON.items() if reason in held]
        # A card at its power limit is as it should be, unless there is nothing else.
        yield from found[:1]


def _test(figure: Record) -> str:
    return values.text(figure, "test") or "a test without a name"
