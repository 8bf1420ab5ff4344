"""What NVML saw while a figure was taken."""

from __future__ import annotations

from dataclasses import fields
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.benchmark import Conditions
from polarisd.api.gpu import Sample
from polarisd.api.reading import NOT_READ_YET, TIMED_OUT, Unknown, known
from polarisd.bench.conditions import conditions, without_gpu
from tests.unit.build import NOW, records, sample

WHY = Unknown(TIMED_OUT, "nvmlDeviceGetClockInfo")


def seen(*samples: Sample, limit_w: Any = 700.0) -> Conditions:
    return conditions(samples, NOW, NOW + 10, limit_w)


def at(second: float, **changes: Any) -> Sample:
    return sample(read_at=NOW + second, **changes)


def test_medians_the_highest_temperature_and_every_reason() -> None:
    found = seen(
        at(0, sm_clock_mhz=1980, power_w=300.0, temperature_c=50, throttle=()),
        at(5, sm_clock_mhz=1700, power_w=690.0, temperature_c=71, throttle=("sw_power_cap",)),
        at(10, sm_clock_mhz=1650, power_w=700.0, temperature_c=70, throttle=("sw_thermal",)),
    )
    assert found == Conditions(
        samples=3,
        sm_clock_mhz=1700.0,
        memory_clock_mhz=2619.0,
        power_w=690.0,
        power_limit_w=700.0,
        temperature_c=71.0,
        throttle=("sw_power_cap", "sw_thermal"),
    )


def test_only_what_was_read_in_that_time_counts() -> None:
    found = seen(at(-0.1, power_w=1.0), at(3, power_w=2.0), at(10.1, power_w=3.0))
    assert (found.samples, found.power_w) == (1, 2.0)


def test_without_a_reading_nothing_is_known() -> None:
    found = seen(at(-5), at(50))
    assert found.samples == 0
    assert found.power_limit_w == 700.0
    for name in ("sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c", "throttle"):
        reading = getattr(found, name)
        assert isinstance(reading, Unknown) and reading.reason == NOT_READ_YET, name


def test_what_is_partly_unknown_is_known_from_the_rest() -> None:
    found = seen(at(1, power_w=WHY, throttle=WHY), at(2, power_w=10.0, throttle=()))
    assert (found.samples, found.power_w, found.throttle) == (2, 10.0, ())


def test_what_no_reading_knows_has_the_last_reason() -> None:
    found = seen(at(1, temperature_c=Unknown(NOT_READ_YET)), at(2, temperature_c=WHY), limit_w=WHY)
    assert (found.temperature_c, found.power_limit_w) == (WHY, WHY)


def test_a_processor_has_none() -> None:
    found = without_gpu()
    assert found.samples == 0
    values = [getattr(found, field.name) for field in fields(found) if field.name != "samples"]
    assert all(isinstance(value, Unknown) for value in values)


@given(st.lists(records(Sample), max_size=5), st.floats(0, 1e12), st.floats(0, 1e12))
def test_whatever_was_read(samples: list[Sample], one: float, other: float) -> None:
    begin, end = sorted((one, other))
    found = conditions(samples, begin, end, 1.0)
    within = [s for s in samples if begin <= s.read_at <= end]
    assert found.samples == len(within)
    powers = [p for s in within if (p := known(s.power_w)) is not None]
    assert known(found.power_w) == (median(powers) if powers else None)
    temperatures = [t for s in within if (t := known(s.temperature_c)) is not None]
    assert known(found.temperature_c) == (float(max(temperatures)) if temperatures else None)
