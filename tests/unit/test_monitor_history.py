"""The history behind the graphs: order, bounds, gaps, and what stands for what."""

from statistics import fmean
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polarisctl.monitor.history import (
    KEPT_S,
    MAX_GPUS,
    MAX_POINTS,
    Grid,
    History,
    Series,
)
from tests.terminal import scenes

AT = 1000.0


def series(points: dict[float, float | None]) -> Series:
    one = Series(("x",))
    for at, value in points.items():
        one.append(at, (value,))
    return one


def buckets(one: Series, grid: Grid, hold_s: float = 0.0) -> list[float | None]:
    return one.buckets("x", grid, fmean, hold_s)


def test_each_bucket_has_the_mean_of_its_readings() -> None:
    one = series({990.0: 1.0, 994.0: 3.0, 995.0: 10.0})
    assert buckets(one, Grid(1000.0, 5.0, 3)) == [None, 2.0, 10.0]


def test_an_unknown_reading_is_a_gap_and_not_a_zero() -> None:
    one = series({985.0: 4.0, 990.0: None, 995.0: 6.0})
    assert buckets(one, Grid(1000.0, 5.0, 3), hold_s=20) == [4.0, None, 6.0]


def test_a_reading_stands_for_a_while_and_then_no_more() -> None:
    one = series({991.2: 5.0})
    assert buckets(one, Grid(1000.0, 1.0, 10), hold_s=2.5) == [None, 5.0, 5.0, 5.0] + [None] * 6


@given(st.floats(1e9, 2e9), st.floats(10, 3600), st.integers(1, 300))
def test_the_grid_holds_its_instant_and_moves_by_whole_buckets(
    now: float, span_s: float, count: int
) -> None:
    grid = Grid.ending(now, span_s, count)
    later = Grid.ending(now + grid.bucket_s / 2, span_s, count)
    assert grid.end_at - grid.bucket_s - 1e-3 <= now <= grid.end_at + 1e-3
    moved = (later.end_at - grid.end_at) / grid.bucket_s
    assert abs(moved - round(moved)) < 1e-3
    assert len(grid.edges()) == count + 1


@given(st.lists(st.tuples(st.floats(1e9, 1e9 + 3000), st.floats(0, 100)), max_size=60))
def test_merging_in_any_order_gives_one_ordered_past(points: list[tuple[float, float]]) -> None:
    one = Series(("x",))
    for at, value in points[::2]:
        one.append(at, (value,))
    one.merge({at: (value,) for at, value in points[1::2]})
    assert one.times == sorted(set(one.times))
    assert {at for at, _ in points[1::2]} <= set(one.times)


def test_a_series_is_bounded_in_count_and_in_time() -> None:
    one = Series(("x",))
    for n in range(MAX_POINTS + 100):
        one.append(AT + n / 10, (1.0,))
    assert len(one.times) <= MAX_POINTS
    one.append(AT + 10 * KEPT_S, (1.0,))
    assert one.times == [AT + 10 * KEPT_S]


def test_a_clock_set_back_by_hours_starts_the_past_anew() -> None:
    one = series({AT + 2 * KEPT_S: 1.0})
    one.append(AT, (2.0,))
    assert one.times == [AT]


def test_gpus_that_come_and_go_do_not_pile_up() -> None:
    history = History()
    for n in range(MAX_GPUS + 10):
        gpu = {"uuid": f"GPU-{n}", "sample": {"read_at": AT}}
        history.add_snapshot({"gpus": [gpu]})
    assert len(history.gpus) == MAX_GPUS


def test_a_snapshot_and_the_reply_about_the_same_instant_are_one_reading() -> None:
    history = History()
    history.add_snapshot(scenes.snapshot(scenes.AT, gpus=2))
    history.add_reply(scenes.history(scenes.AT, gpus=2, seconds=60))
    history.add_reply(scenes.history(scenes.AT, gpus=2, seconds=60))
    assert len(history.gpus[scenes.uuid(1)].times) == 60
    assert len(history.host.times) == 60


def test_throttle_reasons_of_a_bucket_are_all_that_held_in_it() -> None:
    history = History()
    reply: dict[str, Any] = {
        "interval_s": 1.0,
        "gpus": {"GPU-x": {"read_at": [1.0, 2.0, 3.5], "throttle": ["a+b", "", None]}},
        "host": {},
    }
    history.add_reply(reply)
    found = history.gpu("GPU-x").reasons(Grid(4.0, 1.0, 4), 0.0)
    assert found == [None, frozenset({"a", "b"}), frozenset(), None]


@given(
    st.recursive(
        st.none() | st.floats() | st.text(max_size=3),
        lambda leaf: (
            st.lists(leaf, max_size=3)
            | st.dictionaries(
                st.sampled_from(["gpus", "host", "read_at", "interval_s", "throttle", "power_w"]),
                leaf,
                max_size=4,
            )
        ),
    )
)
def test_a_malformed_reply_is_taken_as_far_as_it_makes_sense(reply: object) -> None:
    history = History()
    history.add_reply(
        reply if isinstance(reply, dict) else {"gpus": {"GPU-x": reply}, "host": reply}
    )
    assert history.interval_s > 0
    assert all(one.times == sorted(one.times) for one in [history.host, *history.gpus.values()])
