"""What `polarisctl benchmark` prints of its runs: figures in words, tables, verdicts."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polarisctl import cells, values
from polarisctl.benchmark import advice, past, table, trend, wording
from polarisctl.benchmark.advice import verdict
from polarisctl.render.page import Page
from polarisctl.terminal import Terminal
from polarisd.api.benchmark import BACKENDS, CUPY, TESTS, Figure
from polarisd.api.reading import NOT_KNOWN, Unknown
from tests.unit.benchmark_samples import H100, conditions, figure, figures, on_the_processor, run
from tests.unit.ctl_random import wire_values
from tests.unit.ctl_samples import uuid_of

GOLDEN = Path(__file__).parent / "golden_benchmark"
LABELS = {uuid_of(0): "GPU 0"}
NONE = Unknown(NOT_KNOWN, "the reference of RTX A5000 has none")
HOT: dict[str, Any] = {"sm_clock_mhz": 1410.0, "throttle": ("sw_power_cap", "sw_thermal")}
HOT |= {"temperature_c": 87.0}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def page_of(*runs: dict[str, Any], before: Sequence[Any] = (), columns: int = 1000) -> str:
    page = Page(Terminal(columns=columns))
    for one in runs:
        table.add_run(page, one, trend.earlier(one, before), LABELS)
    return page.text()


EARLIER = tuple(run(number) for number in range(1, 6))
SCENES: dict[str, tuple[dict[str, Any], tuple[dict[str, Any], ...]]] = {
    "healthy": (run(6), EARLIER),
    "hot": (run(7, figures=figures(0.6, **HOT)), EARLIER),
    "first": (run(1, quick=True), ()),
    "processor": (on_the_processor(7), (on_the_processor(6),)),
    "cancelled": (
        run(7, outcome="cancelled", figures=figures()[:2]),
        (run(6, figures=figures(0.9)),),
    ),
}


class TestGolden:
    @pytest.mark.parametrize("columns", [80, 120])
    @pytest.mark.parametrize("name", SCENES)
    def test_it_is_drawn_as_agreed(self, name: str, columns: int) -> None:
        """To take what is drawn now as right: POLARIS_GOLDEN=write pytest, then read the diff."""
        one, before = SCENES[name]
        text = page_of(one, before=before, columns=columns) + "\n"
        path = GOLDEN / f"{name}_{columns}.txt"
        if os.environ.get("POLARIS_GOLDEN") == "write":
            path.write_text(text)
        assert text == path.read_text()
        assert max(map(cells.width_of, text.splitlines())) <= columns

    @pytest.mark.parametrize("columns", [80, 120])
    def test_the_history(self, columns: int) -> None:
        page = Page(Terminal(columns=columns))
        runs = [*EARLIER, run(7, outcome="failed", quick=True, figures=figures(0.6)[:1])]
        for group in past.groups([*runs, on_the_processor(8)]):
            past.add_group(page, group, LABELS)
        path = GOLDEN / f"history_{columns}.txt"
        if os.environ.get("POLARIS_GOLDEN") == "write":
            path.write_text(page.text() + "\n")
        assert page.text() + "\n" == path.read_text()


class TestWording:
    @pytest.mark.parametrize(
        ("test", "value", "unit", "text"),
        [
            ("gemm_bf16", 794.5e12, "op/s", "794.5 TFLOP/s"),
            ("gemm_fp16", 1745e12, "op/s", "1745 TFLOP/s"),
            ("gemm_bf16", 51.23e9, "op/s", "51.2 GFLOP/s"),
            ("gemm_int8", 1.979e15, "op/s", "1979 TOP/s"),
            ("int32_rate", 999.96e9, "op/s", "1.00 TOP/s"),
            ("memory_copy", 3.0e12, "byte/s", "3.00 TB/s"),
            ("h2d_pinned", 55.6e9, "byte/s", "55.6 GB/s"),
            ("vram_capacity", 84.7e9, "byte", "78.9 GiB"),
            ("of tomorrow", 12.0, "parsec", "12.0 parsec"),
        ],
    )
    def test_units_are_those_of_datasheets(
        self, test: str, value: float, unit: str, text: str
    ) -> None:
        assert wording.measured({"test": test, "value": value, "unit": unit}) == text

    @given(st.floats(1e-3, 1e18))
    @example(9.995)
    @example(999.95e9)
    def test_what_is_read_back_is_what_was_written(self, value: float) -> None:
        text = wording.scaled(value, "B/s")
        number, prefix = re.fullmatch(r"([0-9.]+) ([kMGT]?)B/s", text).groups()  # type: ignore[union-attr]
        read = float(number) * 1000.0 ** "_kMGT".index(prefix or "_")
        assert read == pytest.approx(value, rel=0.006, abs=0.005)
        assert len(number) <= 5 or prefix == "T"
        assert float(number) < 1000 or prefix == "T"

    @given(st.floats(), st.sampled_from(["op/s", "byte/s", "byte", "", "?"]))
    def test_whatever_the_value_it_can_be_said(self, value: float, unit: str) -> None:
        text = wording.measured({"test": "gemm_bf16", "value": value, "unit": unit})
        assert text == text.strip()
        assert "nan" not in text
        assert "inf" not in text

    def test_the_tests_and_backends_are_those_of_the_daemon(self) -> None:
        assert tuple(wording.TESTS) == TESTS
        assert tuple(wording.BACKENDS) == BACKENDS
        assert wording.GPU_BACKEND == CUPY
        assert set(past._DEAREST) == set(TESTS)

    @pytest.mark.parametrize("backend", ["host", "numpy", "", "of tomorrow"])
    def test_what_is_no_gpu_is_said_loudly(self, backend: str) -> None:
        text = page_of(run(backend=backend))
        assert f"\n*** {wording.not_a_gpu(backend)} ***\n" in text
        assert "GPU" in wording.not_a_gpu(backend)

    def test_a_gpu_has_no_such_warning(self) -> None:
        assert "***" not in page_of(run())

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_all_is_labelled_self_reported(self, backend: str) -> None:
        assert "\nself-reported: " in page_of(run(backend=backend))


class TestNotes:
    def test_an_empty_cell_has_its_reason(self) -> None:
        text = page_of(run())
        assert "– measured of proof_compute: not supported: not in this version\n" in text
        assert "int32_rate; share of peak of int32_rate: not known: the reference of" in text
        assert "– trend of all: no earlier run to compare with\n" in text

    def test_a_condition_that_is_not_known_has_its_reason(self) -> None:
        seen = conditions(power_w=Unknown("not_supported", "nvmlDeviceGetPowerUsage"))
        text = page_of(run(figures=[figure(conditions=seen)]))
        assert "\n– power of gemm_bf16: not supported: nvmlDeviceGetPowerUsage\n" in text

    def test_an_empty_cell_of_the_history_has_its_reason(self) -> None:
        failed = figure("memory_copy", value=Unknown("error", "it computes wrongly"))
        runs = [
            run(9, outcome="", figures=figures()[:1]),
            *(run(n, outcome="cancelled", figures=figures()[:1]) for n in range(8, 0, -1)),
            run(0, figures=[figure("gemm_bf16"), failed, figure("gemm_int8")]),
            run(1, figures=[figure("memory_copy")]),
        ]
        page = Page(Terminal(columns=1000))
        past.add_group(page, runs, LABELS)
        titles, *_, a, b, c, d = page.text().splitlines()[2:]
        assert titles.split()[3:] == ["gemm_bf16", "gemm_int8", "memory_copy"]
        assert a == "– run 9: it has not come to this yet"
        assert b == "– run 8, 7, 6, 5, 4, 3 and 2 more: it ended before it came to this"
        assert c == "– run 0: memory_copy was not measured: error: it computes wrongly"
        assert d == "– run 1: not asked for"

    def test_a_test_that_failed_says_why(self) -> None:
        broken = figure(value=Unknown("error", "CUDA error 700"))
        assert "– measured of gemm_bf16: error: CUDA error 700" in page_of(run(figures=(broken,)))

    def test_a_run_that_failed_says_what_to_do(self) -> None:
        failed = run(outcome="failed", problem="no compiler", remedy="install it", figures=())
        assert page_of(failed).endswith("\nfailed: no compiler\n→ install it")


def rated(test: str = "gemm_bf16", share: float = 1.0, of: str = "good", **seen: Any) -> Figure:
    whole = {"good": NONE, "peak": NONE, of: 100.0}
    return figure(test, value=100.0 * share, conditions=conditions(**seen), **whole)


class TestVerdict:
    def test_a_remedy_names_the_gpu(self) -> None:
        slow = run(figures=[figure("h2d_pinned", value=10e9)])
        assert "with polarisctl gpus 0;" in page_of(slow)
        unnamed = advice.verdict(slow).remedies[0]
        assert f"with polarisctl gpus {uuid_of(0)};" in unnamed

    @pytest.mark.parametrize(
        ("share", "word", "sick"),
        [
            *((1.02, "good", False), (0.95, "good", False), (0.949, "ordinary", False)),
            *((0.85, "ordinary", False), (0.84, "slow", False), (0.5, "slow", False)),
            *((0.49, "bad", True), (0.0, "bad", True)),
        ],
    )
    def test_beside_a_good_card(self, share: float, word: str, sick: bool) -> None:
        found = verdict(run(figures=(rated(share=share), rated("memory_copy"))))
        assert found.text.startswith(
            f"{word}: {100 * min(share, 1):.0f} % of what a good H100 80GB HBM3 reaches in "
        )
        assert found.sick == sick
        assert bool(found.remedies) == (word in ("slow", "bad"))

    @pytest.mark.parametrize(("share", "sick"), [(0.9, False), (0.34, False), (0.33, True)])
    def test_beside_the_datasheet_where_nothing_else_is_known(
        self, share: float, sick: bool
    ) -> None:
        found = verdict(
            run(figures=(rated(share=share, of="peak"), rated("gemm_fp16", 0.9, "peak")))
        )
        assert found.sick == sick
        assert ("less than a third of the datasheet's peak in gemm_bf16" in found.text) == sick
        assert "no good figure of another" in found.text

    def test_a_good_figure_counts_more_than_the_peak(self) -> None:
        both = figure(value=30.0, good=31.0, peak=100.0)
        assert verdict(run(figures=(both,))).text.startswith("good: 97 % of what a good")

    def test_with_nothing_known_nothing_is_said(self) -> None:
        found = verdict(run(figures=(figure(good=NONE, peak=NONE),)))
        assert found.text == "there is nothing to compare H100 80GB HBM3 with"
        assert not found.sick

    def test_a_processor_is_never_good_nor_bad(self) -> None:
        found = verdict(on_the_processor(figures=(rated(share=0.01),)))
        assert "says nothing of a GPU" in found.text
        assert (found.sick, found.remedies) == (False, ())

    @pytest.mark.parametrize(
        ("low", "remedy"),
        [
            (rated(share=0.7, throttle=("sw_power_cap", "hw_thermal")), "clean its fans"),
            (rated(share=0.7, throttle=("hw_power_brake",)), "check the supply"),
            (rated(share=0.7), f"nvidia-smi -i {uuid_of(0)} -pl WATTS"),
            (rated(share=0.7, throttle=()), "sudo polarisctl doctor"),
            (rated(share=0.7, throttle=Unknown("timed_out")), "sudo polarisctl doctor"),
            (rated("h2d_pinned", 0.4, throttle=("hw_thermal",)), "PCIe link"),
            (rated("vram_capacity", 0.7, "peak"), "what else holds its memory"),
        ],
    )
    def test_the_remedy_is_that_of_the_cause(self, low: Figure, remedy: str) -> None:
        (told,) = verdict(run(figures=(low, rated("gemm_fp16")))).remedies
        assert remedy in told

    @given(st.lists(wire_values(Figure), max_size=4), st.sampled_from([*BACKENDS, "", "x"]))
    def test_nothing_that_comes_makes_it_fail(self, made: Any, backend: str) -> None:
        one = {**run(), "figures": made, "backend": backend}
        found = verdict(one)
        assert found.text
        assert not (found.sick and backend != CUPY)
        for columns in (20, 80, 120):
            text = page_of(one, before=(run(6),), columns=columns)
            assert max(map(cells.width_of, text.splitlines())) <= columns


def test_limits_are_in_order() -> None:
    assert advice.SICK_OF_PEAK < advice.SICK_OF_GOOD < advice.ORDINARY < advice.AS_GOOD < 1
    assert all(values.number({"v": value}, "v") for value, *_ in H100.values())
