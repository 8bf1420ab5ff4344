"""What NVML saw of a GPU while a figure was taken: why a figure is what it is.  Pure.

For `measuring`, which collects the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TypeVar

from polarisd.api.benchmark import Conditions
from polarisd.api.gpu import Sample
from polarisd.api.reading import NOT_READ_YET, NOT_SUPPORTED, Reading, Unknown

T = TypeVar("T")

_NONE_IN_TIME = Unknown(NOT_READ_YET, "no reading of the GPU fell into the time of this test")
_NO_GPU = Unknown(NOT_SUPPORTED, "no GPU took part")


def conditions(
    samples: Iterable[Sample], started_at: float, ended_at: float, power_limit_w: Reading[float]
) -> Conditions:
    """Medians of clocks and power, the highest temperature, every throttle reason seen.

    Of readings that are partly unknown, those that are known count.
    """
    within = [sample for sample in samples if started_at <= sample.read_at <= ended_at]
    return Conditions(
        samples=len(within),
        sm_clock_mhz=_median(within, lambda s: s.sm_clock_mhz),
        memory_clock_mhz=_median(within, lambda s: s.memory_clock_mhz),
        power_w=_median(within, lambda s: s.power_w),
        power_limit_w=power_limit_w,
        temperature_c=_highest(within, lambda s: s.temperature_c),
        throttle=_every(within, lambda s: s.throttle),
    )


def without_gpu() -> Conditions:
    """Those of a processor, of which NVML says nothing."""
    return Conditions(
        samples=0,
        sm_clock_mhz=_NO_GPU,
        memory_clock_mhz=_NO_GPU,
        power_w=_NO_GPU,
        power_limit_w=_NO_GPU,
        temperature_c=_NO_GPU,
        throttle=_NO_GPU,
    )


def _median(
    samples: Sequence[Sample], reading: Callable[[Sample], Reading[int] | Reading[float]]
) -> Reading[float]:
    known = _known(samples, reading)
    return known if isinstance(known, Unknown) else float(median(known))


def _highest(
    samples: Sequence[Sample], reading: Callable[[Sample], Reading[int]]
) -> Reading[float]:
    known = _known(samples, reading)
    return known if isinstance(known, Unknown) else float(max(known))


def _every(
    samples: Sequence[Sample], reading: Callable[[Sample], Reading[tuple[str, ...]]]
) -> Reading[tuple[str, ...]]:
    """In the order in which they were first seen."""
    known = _known(samples, reading)
    if isinstance(known, Unknown):
        return known
    return tuple(dict.fromkeys(name for names in known for name in names))


def _known(
    samples: Sequence[Sample], reading: Callable[[Sample], T | Unknown]
) -> list[T] | Unknown:
    """Those that are known; the last reason if none is."""
    found = [reading(sample) for sample in samples]
    known = [value for value in found if not isinstance(value, Unknown)]
    unknown = [value for value in found if isinstance(value, Unknown)]
    return known or (unknown[-1] if unknown else _NONE_IN_TIME)
