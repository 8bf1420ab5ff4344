"""Graphs: a gap is empty, zero is the lowest mark, nothing leaves its rows."""

from hypothesis import given
from hypothesis import strategies as st

from polarisctl.monitor import graph
from polarisctl.monitor.frame import text_of
from polarisctl.monitor.glyphs import ASCII, CONSOLE, FULL, Glyphs, choose

NUMBERS = st.none() | st.floats(-1e12, 1e12)
SETS = st.sampled_from([FULL, CONSOLE, ASCII])


def drawn(values: graph.Values, rows: int, high: float, glyphs: Glyphs = FULL) -> list[str]:
    return text_of(graph.bars(values, rows, 0.0, high, glyphs, lambda _value: "util"))


@given(st.lists(NUMBERS, max_size=40), st.integers(1, 8), st.floats(-10, 1e6), SETS)
def test_bars_have_a_cell_per_value_and_are_empty_only_for_gaps(
    values: list[float | None], rows: int, high: float, glyphs: Glyphs
) -> None:
    lines = drawn(values, rows, high, glyphs)
    assert len(lines) == rows
    assert all(len(line) == len(values) for line in lines)
    assert [char == " " for char in lines[-1]] == [value is None for value in values]


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 8))
def test_a_greater_value_is_never_drawn_lower(one: float, other: float, rows: int) -> None:
    low, high = sorted((one, other))
    levels = [graph.level(value, 0, 100, rows * 8) for value in (low, high)]
    assert levels[0] <= levels[1] <= rows * 8


def test_zero_full_and_gap_look_different() -> None:
    assert drawn([0.0, None, 100.0], 1, 100.0) == ["▁ █"]
    assert drawn([0.0, None, 100.0], 1, 100.0, ASCII) == ["_ #"]
    assert drawn([0.0, None, 100.0], 2, 100.0) == ["  █", "▁ █"]


def test_what_is_beyond_the_limit_is_drawn_full() -> None:
    assert drawn([712.0], 1, 700.0) == ["█"]


def test_the_part_under_the_edge_is_quieter() -> None:
    block = graph.bars([100.0, 10.0], 2, 0.0, 100.0, FULL, lambda _value: "util")
    assert [style for _, style in block[1]] == ["util-body", "util"]


def test_a_meter_of_something_unknown_is_empty() -> None:
    assert text_of([graph.meter(None, 6, FULL, "disk")]) == ["      "]
    assert text_of([graph.meter(0.5, 6, ASCII, "disk")]) == ["###..."]


def test_the_glyphs_follow_the_terminal() -> None:
    assert choose(True, "xterm-256color", False) is FULL
    assert choose(True, "linux", False) is CONSOLE
    assert choose(True, "xterm", True) is ASCII
    assert choose(False, "xterm", False) is ASCII
