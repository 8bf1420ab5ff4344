"""A figure beside earlier ones: which way it went, and what explains a fall."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.benchmark import causes, trend
from polarisctl.benchmark.causes import LINK_NOT_VISIBLE, NOT_VISIBLE, explain
from polarisctl.benchmark.trend import DOWN, EXPLAINED, LEAST_CHANGE, MOST_RUNS, STEADY, UP, Trend
from polarisd.api.benchmark import TESTS, Conditions, Figure, Run
from polarisd.api.encode import to_wire
from polarisd.api.reading import Unknown
from tests.unit import benchmark_samples as made
from tests.unit.benchmark_samples import conditions, figure, run
from tests.unit.ctl_random import unknowns, wire_values
from tests.unit.ctl_samples import NOW

UNKNOWN = Unknown("not_read_yet")
sane_values = st.floats(1e6, 1e16)


def one(value: float, number: int = 7, spread: float = 0.0, **changes: Any) -> dict[str, Any]:
    return run(number, figures=(figure(value=value, spread=spread),), **changes)


def trend_of(now: dict[str, Any], *before: dict[str, Any]) -> Trend | None:
    return trend.of(now["figures"][0], now, trend.earlier(now, before))


def wired(**seen: Any) -> dict[str, Any]:
    made_of = to_wire(figure(conditions=conditions(**seen)))
    assert isinstance(made_of, dict)
    return made_of


class TestDirection:
    def test_what_it_is_compared_with_is_the_median(self) -> None:
        before = [one(value, number) for number, value in enumerate((90.0, 100.0, 500.0), 1)]
        found = trend_of(one(110.0), *before)
        assert found is not None
        assert found.change == pytest.approx(0.1)
        assert str(found) == "up 10 %, 3 runs"

    def test_within_the_noise_it_is_steady(self) -> None:
        assert str(trend_of(one(98.5), one(100.0, 6))) == "steady, 1 run"
        assert str(trend_of(one(96.0), one(100.0, 6))) == "down 4 %, 1 run"
        assert str(trend_of(one(96.0, spread=0.045), one(100.0, 6))) == "steady, 1 run"
        assert str(trend_of(one(96.0), one(100.0, 6, spread=0.045))) == "steady, 1 run"
        assert str(trend_of(one(92.0, spread=0.3), one(100.0, 6))) == "down 8 %, 1 run"
        both = trend_of(one(70.0, spread=0.9), one(100.0, 6, spread=0.4))
        assert str(both) == "steady, 1 run"

    def test_without_a_value_or_an_earlier_one_there_is_none(self) -> None:
        assert trend_of(one(1.0)) is None
        assert trend_of(run(figures=(figure(value=UNKNOWN),)), one(1.0, 6)) is None
        assert trend_of(one(1.0), run(6, figures=(figure(value=UNKNOWN),))) is None
        assert trend_of(one(1.0), run(6, figures=(figure("memory_copy"),))) is None

    def test_old_runs_are_forgotten(self) -> None:
        before = [one(1.0, -100 - n) for n in range(50)] + [one(5.0, -n) for n in range(MOST_RUNS)]
        assert trend_of(one(5.0), *before) == Trend(STEADY, 0.0, MOST_RUNS)

    @given(sane_values, st.lists(sane_values, min_size=1, max_size=15))
    def test_its_sign_is_that_of_the_change(self, value: float, before: list[float]) -> None:
        found = trend_of(one(value), *(one(v, -n) for n, v in enumerate(before)))
        assert found is not None
        assert found.runs == min(len(before), MOST_RUNS)
        assert found.direction == (
            STEADY if abs(found.change) <= LEAST_CHANGE else UP if found.change > 0 else DOWN
        )
        assert bool(found.why) == (found.change < -EXPLAINED)
        assert min(before) <= value / (1 + found.change) * 1.0001
        assert max(before) >= value / (1 + found.change) * 0.9999

    @given(sane_values, st.lists(sane_values, min_size=1, max_size=8), st.randoms())
    def test_the_order_in_which_runs_come_is_nothing(
        self, value: float, before: list[float], random: Any
    ) -> None:
        runs = [one(v, -n) for n, v in enumerate(before)]
        expected = trend_of(one(value), *runs)
        random.shuffle(runs)
        assert trend_of(one(value), *runs) == expected


class TestLikeWithLike:
    @pytest.mark.parametrize(
        "change",
        [
            {"gpu_uuid": "GPU-of-another-slot"},
            {"backend": "host"},
            {"quick": True},
            {"started_at": NOW + 1},
            {"started_at": UNKNOWN},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_others_are_not_compared_with(self, change: dict[str, Any]) -> None:
        assert trend.earlier(run(), [run(6)]) == [run(6)]
        assert trend.earlier(run(), [run(6, **change)]) == []

    def test_nor_is_a_run_with_itself(self) -> None:
        assert trend.earlier(run(), [run(), run()]) == []

    def test_a_processor_is_known_by_its_name(self) -> None:
        mine, other = made.on_the_processor(6), made.on_the_processor(5, gpu_name="another")
        assert trend.earlier(made.on_the_processor(), [mine, other]) == [mine]

    def test_the_latest_come_first(self) -> None:
        found = trend.earlier(run(), [run(2), run(6), run(4)])
        assert [other["run"] for other in found] == [6, 4, 2]


class TestWhyItFell:
    def why(self, test: str = "gemm_bf16", then: Any = None, **now: Any) -> str:
        low = {**wired(**now), "test": test}
        before = {**wired(**(then or {})), "test": test}
        return explain(low, before, run(), run(6))

    def test_it_runs_slower_for_it_is_hot(self) -> None:
        hot: dict[str, Any] = {
            "sm_clock_mhz": 1410.0,
            "temperature_c": 87.0,
            "throttle": ("sw_thermal",),
        }
        cool: dict[str, Any] = {"sm_clock_mhz": 1980.0, "throttle": ()}
        expected = "SM clock 1410 instead of 1980 MHz, sw_thermal, 87 instead of 64 °C"
        assert self.why(then=cool, **hot) == expected

    def test_a_trend_tells_it(self) -> None:
        seen = conditions(sm_clock_mhz=1410.0, throttle=("sw_power_cap", "hw_power_brake"))
        now = run(figures=(figure(value=500.0, conditions=seen),))
        found = trend_of(now, one(700.0, 6), one(800.0, 5), one(703.0, 4))
        assert found is not None
        assert found.why == "SM clock 1410 instead of 1755 MHz, hw_power_brake"

    def test_the_conditions_are_those_of_the_run_nearest_to_the_median(self) -> None:
        def before(value: float, number: int, clock: float) -> dict[str, Any]:
            seen = conditions(sm_clock_mhz=clock)
            return run(number, figures=(figure(value=value, conditions=seen),))

        now = before(500.0, 7, 1000.0)
        runs = [before(600.0, 6, 1200.0), before(800.0, 5, 1800.0), before(805.0, 4, 1900.0)]
        found = trend_of(now, *runs)
        assert found is not None
        assert found.why == "SM clock 1000 instead of 1800 MHz"

    @pytest.mark.parametrize(
        ("now", "why"),
        [
            ({"power_limit_w": 400.0}, "power limit 400 instead of 700 W"),
            ({"memory_clock_mhz": 1593.0}, "memory clock 1593 instead of 2619 MHz"),
            ({"sm_clock_mhz": 1745.0}, NOT_VISIBLE),
            ({"sm_clock_mhz": 1980.0, "temperature_c": 90.0}, NOT_VISIBLE),
            ({"throttle": ("sw_power_cap", "idle")}, NOT_VISIBLE),
            ({"throttle": ()}, NOT_VISIBLE),
        ],
    )
    def test_single_conditions(self, now: dict[str, Any], why: str) -> None:
        assert self.why(**now) == why

    @pytest.mark.parametrize(
        ("spread", "before", "why"),
        [
            (0.25, 0.012, "repeats 25 % apart instead of 1 %"),
            (0.25, 0.13, NOT_VISIBLE),
            (0.09, 0.012, NOT_VISIBLE),
            (0.25, {"unknown": "not_supported", "detail": ""}, NOT_VISIBLE),
        ],
    )
    def test_a_machine_that_did_something_else(
        self, spread: float, before: object, why: str
    ) -> None:
        now, then = {**wired(), "spread": spread}, {**wired(), "spread": before}
        assert explain(now, then, run(), run(6)) == why

    def test_another_driver_or_library(self) -> None:
        versions = {"cupy": "14.2.0", "cublas": "12.8.4", "new": "1"}
        newer = run(driver_version="580.95.05", versions=versions)
        assert explain(wired(), wired(), newer, run(6)) == (
            "driver 580.95.05 instead of 570.86.15, cublas 12.8.4 instead of 12.9.2"
        )

    @pytest.mark.parametrize("test", causes.LINK_TESTS)
    def test_the_clock_of_the_gpu_says_nothing_of_its_link(self, test: str) -> None:
        assert self.why(test, sm_clock_mhz=345.0, throttle=("hw_thermal",)) == LINK_NOT_VISIBLE

    def test_every_test_is_of_the_clock_or_the_link_or_a_size(self) -> None:
        assert {*causes.CLOCK_TESTS, *causes.LINK_TESTS, "vram_capacity"} == set(TESTS)

    @pytest.mark.parametrize(
        "key", ["sm_clock_mhz", "memory_clock_mhz", "power_limit_w", "throttle"]
    )
    @pytest.mark.parametrize("side", ["now", "then", "both"])
    def test_what_was_not_recorded_explains_nothing(self, key: str, side: str) -> None:
        low = {"throttle": ("hw_slowdown",)} if key == "throttle" else {key: 1.0}
        now = {key: UNKNOWN} if side != "then" else low
        then = {key: UNKNOWN} if side != "now" else {}
        assert self.why(then=then, **now) == NOT_VISIBLE

    @given(wire_values(Conditions), wire_values(Conditions), st.sampled_from(TESTS))
    def test_each_reason_is_a_difference_that_was_recorded(
        self, seen: Any, before: Any, test: str
    ) -> None:
        now, then = {"test": test, "conditions": seen}, {"test": test, "conditions": before}
        same = run()
        said = explain(now, then, same, same)
        assert said
        if seen == before:
            assert said in (NOT_VISIBLE, LINK_NOT_VISIBLE)
        for word, key in (("SM clock", "sm_clock_mhz"), ("power limit", "power_limit_w")):
            if word in said:
                assert seen[key] < before[key]

    figures = wire_values(Figure)
    strange = st.none() | st.integers() | st.text(max_size=5) | unknowns | figures

    @given(strange, strange, st.lists(strange, max_size=3))
    def test_nothing_that_comes_makes_it_fail(self, now: Any, then: Any, others: Any) -> None:
        mine = {"run": 2, "started_at": 2.0, "figures": [now, *others]}
        runs = [{"run": 1, "started_at": 1.0, "figures": [then, *others]}]
        before = trend.earlier(mine, runs)
        assert before == runs
        for item in (now, then):
            if isinstance(item, dict):
                found = trend.of(item, mine, before)
                assert found is None or str(found)


def test_the_samples_have_every_field() -> None:
    assert set(run()) == set(Run.__dataclass_fields__)
