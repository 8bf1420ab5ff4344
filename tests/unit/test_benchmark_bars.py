"""Progress as lines: bars that fit, whatever the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl import cells
from polarisctl.benchmark import bars
from polarisctl.benchmark.bars import ENDED, RUNNING, WAITING, Entry, lines
from polarisctl.terminal import Terminal
from tests.unit.ctl_samples import NOW

PLAIN = Terminal(is_tty=True)
ENTRIES = st.lists(
    st.builds(
        Entry,
        run=st.integers(1, 99),
        gpu_uuid=st.just("GPU-1"),
        label=st.sampled_from(["GPU 0", "GPU 11", "processor"]),
        state=st.sampled_from([WAITING, RUNNING, ENDED]),
        test=st.sampled_from(["", "gemm_bf16", "vram_capacity"]),
        share=st.floats(0, 1),
        started_at=st.none() | st.floats(NOW - 1e6, NOW + 10),
        result=st.sampled_from([None, {"outcome": "completed"}, {"outcome": "failed"}]),
    ),
    max_size=20,
)


def entry(number: int = 7, **changes: object) -> Entry:
    base: dict[str, object] = {"run": number, "gpu_uuid": "GPU-1", "label": f"GPU {number}"}
    return Entry(**{**base, **changes})  # type: ignore[arg-type]


def drawn(
    *entries: Entry, terminal: Terminal = PLAIN, columns: int = 80, rows: int = 9
) -> list[str]:
    return lines(entries, now=NOW, terminal=terminal, columns=columns, rows=rows)


def test_one_that_runs() -> None:
    one = entry(state=RUNNING, test="gemm_int8", share=0.25, started_at=NOW - 20)
    assert drawn(one) == [f"GPU 7  {'█' * 7}{'░' * 23}  25 %  gemm_int8  20 s, 60 s left"]
    ascii_only = Terminal(is_tty=True, unicode=False)
    assert drawn(one, terminal=ascii_only) == [
        f"GPU 7  [{'#' * 7}{'-' * 21}]  25 %  gemm_int8  20 s, 60 s left"
    ]
    assert drawn(one, columns=40) == ["GPU 7    25 %  gemm_int8  20 s, 60 s left"[:39] + "…"]


def test_one_that_has_just_begun_does_not_guess() -> None:
    assert drawn(entry(state=RUNNING, share=0.04, started_at=NOW - 9))[0].endswith("starting  9 s")
    assert drawn(entry(state=RUNNING, share=0.5))[0].endswith(" 50 %  starting")


def test_those_that_wait_or_have_ended() -> None:
    done = entry(11, state=ENDED, result={"outcome": "completed"})
    assert drawn(entry(), done) == ["GPU 7   waiting for its turn", "GPU 11  completed"]


def test_one_that_waits_for_somebody_elses() -> None:
    assert drawn(entry(behind=True)) == ["GPU 7  benchmark 7 waits for others"]
    assert "waits" not in drawn(entry(behind=True, state=RUNNING))[0]


def test_on_a_low_terminal_those_that_run_are_shown() -> None:
    states = [ENDED, ENDED, WAITING, RUNNING, WAITING, WAITING]
    found = drawn(*(entry(n, state=state) for n, state in enumerate(states)), rows=3)
    assert [line.split("  ")[0] for line in found[:2]] == ["GPU 3", "GPU 2"]
    assert found[2] == "and 4 more: 2 waiting, 2 ended"


@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_colours_are_where_the_terminal_has_them(outcome: str) -> None:
    one = entry(state=ENDED, result={"outcome": outcome})
    assert "\x1b[" not in drawn(one)[0]
    assert f"{outcome}\x1b[0m" in drawn(one, terminal=Terminal(is_tty=True, colour=True))[0]


@given(ENTRIES, st.integers(1, 130), st.integers(1, 30), st.booleans(), st.booleans())
def test_they_fit(
    entries: list[Entry], columns: int, rows: int, colour: bool, unicode: bool
) -> None:
    terminal = Terminal(is_tty=True, colour=colour, unicode=unicode)
    found = drawn(*entries, terminal=terminal, columns=columns, rows=rows)
    assert len(found) == min(len(entries), rows)
    for line in found:
        bare = re.sub(r"\x1b\[[0-9;]*m", "", line)
        assert cells.width_of(bare) <= columns
        assert unicode or bare.isascii()


@given(st.floats(0, 1), st.integers(bars.LEAST_BAR_CELLS, 60))
def test_a_bar_is_as_full_as_it_should_be(share: float, width: int) -> None:
    bar = bars._bar(share, width, True)
    assert len(bar) == width
    assert bar.count("█") == int(share * width)
