"""Counters to rates: wraps, resets, first samples; and what is never invented."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.gpu import Sample
from polarisd.api.reading import Unknown
from polarisd.gpu.rates import (
    THROTTLE_REASONS,
    counter_rate,
    throttle_names,
    to_sample,
    unread_sample,
)
from polarisd.gpu.raw import RawSample
from tests.unit.build import raw_sample, readings_of, records, unknown_where

RATES = {
    "pcie_tx_bps": ("pcie_tx_bytes", 1_000_000),
    "pcie_rx_bps": ("pcie_rx_bytes", 2_000_000),
    "nvlink_tx_bps": ("nvlink_tx_kib", 3_000 * 1024),
    "nvlink_rx_bps": ("nvlink_rx_kib", 4_000 * 1024),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("elapsed_s", [0.1, 1.0, 30.0])
def test_a_rate_is_what_was_counted_a_second(rate: str, elapsed_s: float) -> None:
    sample = to_sample(raw_sample(100), raw_sample(100 + elapsed_s))
    assert getattr(sample, rate) == pytest.approx(RATES[rate][1], rel=1e-3)


@pytest.mark.parametrize("rate", RATES)
def test_the_first_sample_has_no_rate(rate: str) -> None:
    assert getattr(to_sample(None, raw_sample()), rate) == Unknown(reading.NOT_READ_YET)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("elapsed_s", [0.0, -1.0])
def test_no_time_and_time_that_runs_back_have_no_rate(rate: str, elapsed_s: float) -> None:
    before = raw_sample(100)
    after = raw_sample(100 + elapsed_s, **{RATES[rate][0]: 10**15})
    value = getattr(to_sample(before, after), rate)
    assert isinstance(value, Unknown) and value.reason == reading.NOT_READ_YET


@pytest.mark.parametrize("rate", RATES)
def test_a_wrap_or_reset_is_skipped_and_the_next_rate_is_right(rate: str) -> None:
    counter = RATES[rate][0]
    high, low = raw_sample(1, **{counter: 2**32 - 5}), raw_sample(2, **{counter: 7})
    value = getattr(to_sample(high, low), rate)
    assert value == Unknown(reading.NOT_READ_YET, "the counter was reset or wrapped")
    unit = RATES[rate][1] // round(RATES[rate][1] / (1024 if "kib" in counter else 1))
    assert getattr(to_sample(low, raw_sample(3, **{counter: 17})), rate) == 10 * unit


@pytest.mark.parametrize("rate", RATES)
def test_a_counter_that_stands_still_is_a_rate_of_zero(rate: str) -> None:
    counter = RATES[rate][0]
    still = to_sample(raw_sample(1, **{counter: 5}), raw_sample(2, **{counter: 5}))
    assert getattr(still, rate) == 0.0


@pytest.mark.parametrize("rate", RATES)
def test_the_reason_for_no_counter_is_the_reason_for_no_rate(rate: str) -> None:
    counter = RATES[rate][0]
    refused = Unknown(reading.NO_PERMISSION, "why")
    blind = raw_sample(2, **{counter: refused})
    assert getattr(to_sample(raw_sample(1), blind), rate) == refused
    assert getattr(to_sample(blind, raw_sample(3)), rate) == Unknown(reading.NOT_READ_YET)


@given(records(RawSample), records(RawSample))
def test_no_two_samples_make_a_negative_rate(before: RawSample, now: RawSample) -> None:
    sample = to_sample(before, now)
    for name in (*RATES, "power_w"):
        value = getattr(sample, name)
        assert isinstance(value, Unknown) or value >= 0


@given(records(RawSample))
def test_what_is_unknown_stays_so_with_its_reason(now: RawSample) -> None:
    sample = to_sample(None, now)
    same = set(Sample.__dataclass_fields__) & set(RawSample.__dataclass_fields__)
    assert {name: getattr(sample, name) for name in same} == {n: getattr(now, n) for n in same}
    if isinstance(now.throttle_mask, Unknown):
        assert sample.throttle == now.throttle_mask
    if isinstance(now.energy_mj, Unknown):
        assert sample.energy_j == now.energy_mj


@given(records(RawSample), st.integers(0, 2**63), st.floats(0.001, 1000), st.integers(0, 2**40))
def test_a_rate_times_the_time_is_what_was_counted(
    raw: RawSample, start: int, elapsed_s: float, counted: int
) -> None:
    before = raw_sample(0, pcie_tx_bytes=start)
    after = raw_sample(elapsed_s, pcie_tx_bytes=start + counted)
    rate = counter_rate(before, after, lambda s: s.pcie_tx_bytes, 1)
    assert rate == pytest.approx(counted / elapsed_s)


# Power.


def power_w(before: RawSample | None, now: RawSample) -> Any:
    return to_sample(before, now).power_w


def test_power_is_the_mean_by_the_energy_counter() -> None:
    assert power_w(raw_sample(100), raw_sample(101)) == pytest.approx(300.0)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="the first sample"),
        pytest.param(raw_sample(99.9), id="a burst"),
        pytest.param(raw_sample(99, energy_mj=10**12), id="the counter was reset"),
        pytest.param(raw_sample(99, energy_mj=30_000_000), id="the counter stands still"),
        pytest.param(unknown_where(raw_sample(99), "energy_mj"), id="it was unknown before"),
        pytest.param(raw_sample(101), id="the clock went back"),
    ],
)
def test_else_it_is_the_drivers_average(before: RawSample | None) -> None:
    assert power_w(before, raw_sample(100)) == pytest.approx(650.0)


def test_power_is_never_made_up() -> None:
    blind = unknown_where(raw_sample(101), "power_mw", "energy_mj")
    assert power_w(raw_sample(100), blind) == blind.power_mw
    assert power_w(None, blind) == blind.power_mw


def test_power_is_known_by_energy_where_the_driver_has_no_average() -> None:
    now = unknown_where(raw_sample(101), "power_mw")
    assert power_w(raw_sample(100), now) == pytest.approx(300.0)


def test_energy_is_in_joules() -> None:
    assert to_sample(None, raw_sample(energy_mj=1_234_500)).energy_j == pytest.approx(1234.5)


# The rest.


@given(st.integers(0, 2**64 - 1))
def test_throttle_names_are_those_of_the_bits(mask: int) -> None:
    names = throttle_names(mask)
    assert isinstance(names, tuple)
    assert set(names) == {name for bit, name in THROTTLE_REASONS.items() if mask & bit}
    assert len(names) == len(set(names))


def test_the_reasons_are_the_closed_list_of_the_protocol() -> None:
    assert " ".join(THROTTLE_REASONS.values()) == (
        "idle application_clocks sw_power_cap hw_slowdown sync_boost sw_thermal hw_thermal "
        "hw_power_brake display_clocks"
    )
    assert [*THROTTLE_REASONS] == [1 << i for i in range(9)]


def test_an_unread_sample_says_why_in_every_reading() -> None:
    sample = unread_sample(reading.TIMED_OUT, 12.5, "after 2 s")
    assert sample.read_at == 12.5
    assert set(readings_of(sample)) == {Unknown(reading.TIMED_OUT, "after 2 s")}
