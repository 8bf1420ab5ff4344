"""The last minutes: how many points, which ones, and that they fit into a frame."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import wire
from polarisd.api.encode import to_wire
from polarisd.api.gpu import Sample
from polarisd.gpu.rates import THROTTLE_REASONS
from polarisd.history import MAX_POINTS, History
from tests.unit.build import GIB, NOW, host, sample, unknown_where, uuid_of

UUID = uuid_of(0)
ALWAYS = 0.0


def fill(history: History, *times: float, uuid: str = UUID, **changes: Any) -> None:
    for at in times:
        history.add_gpu(uuid, sample(read_at=at, **changes))


def track(history: History, uuid: str = UUID, since: float = ALWAYS) -> dict[str, list[Any]]:
    reply: Any = history.since(since)
    columns: dict[str, list[Any]] = reply["gpus"][uuid]
    return columns


def seconds(first: int, count: int, step_s: float = 1.0) -> list[float]:
    return [NOW + first + i * step_s for i in range(count)]


def test_columns_are_what_was_sampled_oldest_first() -> None:
    history = History(1, 600)
    fill(history, NOW, throttle=("hw_thermal", "hw_slowdown"))
    fill(history, NOW + 1, utilisation_percent=3, throttle=())
    assert track(history) == {
        "read_at": [NOW, NOW + 1],
        "utilisation_percent": [97, 3],
        "memory_busy_percent": [55, 55],
        "vram_used_bytes": [int(71.2 * GIB)] * 2,
        "power_w": [688.4, 688.4],
        "temperature_c": [64, 64],
        "sm_clock_mhz": [1755, 1755],
        "memory_clock_mhz": [2619, 2619],
        "throttle": ["hw_thermal+hw_slowdown", ""],
    }


def test_what_was_unknown_is_none_and_never_zero() -> None:
    history = History(1, 600)
    history.add_gpu(UUID, unknown_where(sample(read_at=NOW)))
    assert track(history).pop("read_at") == [NOW]
    assert all(column == [None] for name, column in track(history).items() if name != "read_at")
    history.add_host(replace(unknown_where(host()), read_at=NOW))
    columns: Any = history.since(ALWAYS)["host"]
    assert columns.pop("read_at") == [NOW]
    assert all(column == [None] for column in columns.values())


def test_the_hosts_columns() -> None:
    history = History(1, 600)
    history.add_host(host())
    assert history.since(ALWAYS)["host"] == {
        "read_at": [NOW - 1],
        "cpu_percent": [37.2],
        "memory_used_bytes": [231 * GIB],
        "network_tx_bps": [12.3e6],
        "network_rx_bps": [4.5e6],
    }


@pytest.mark.parametrize("name", ["memory_total_bytes", "memory_available_bytes"])
def test_memory_used_is_not_made_up(name: str) -> None:
    history = History(1, 600)
    history.add_host(unknown_where(host(), name))
    columns: Any = history.since(ALWAYS)["host"]
    assert columns["memory_used_bytes"] == [None]


def test_only_what_is_newer_is_sent() -> None:
    history = History(1, 600)
    fill(history, *seconds(0, 10))
    assert track(history, since=NOW + 7)["read_at"] == [NOW + 8, NOW + 9]
    assert track(history, since=NOW + 99)["read_at"] == []


# Bounds.


@pytest.mark.parametrize(
    ("interval_s", "span_s", "points"),
    [(1, 600, 600), (0.1, 600, 600), (1, 60, 60), (60, 3600, 60), (60, 60, 1), (0.1, 3600, 600)],
)
def test_a_track_is_as_long_as_asked_for_and_bounded(
    interval_s: float, span_s: float, points: int
) -> None:
    history = History(interval_s, span_s)
    assert history.interval_s == pytest.approx(span_s / points)
    fill(history, *seconds(0, 1000, history.interval_s))
    assert len(track(history)["read_at"]) == points <= MAX_POINTS


@pytest.mark.parametrize("tick_s", [0.1, 0.3, 0.5, 1.0])
def test_neither_bursts_nor_fast_samples_push_the_minutes_out(tick_s: float) -> None:
    """Ten minutes kept at a point a second are ten minutes at whatever pace."""
    history = History(tick_s, 600)
    fill(history, *seconds(0, round(1000 / tick_s), tick_s))
    times = track(history)["read_at"]
    assert len(times) <= MAX_POINTS
    assert times[-1] - times[0] >= 0.9 * 600


@given(st.lists(st.floats(-0.05, 0.05), min_size=50, max_size=50))
def test_ticks_that_come_a_little_early_are_no_burst(jitter: list[float]) -> None:
    history = History(1, 600)
    fill(history, *(NOW + i + off for i, off in enumerate(jitter)))
    assert len(track(history)["read_at"]) == len(jitter)


def test_a_sample_that_was_seen_is_not_added_again() -> None:
    history = History(1, 600)
    fill(history, NOW, NOW, NOW + 0.001)
    assert track(history)["read_at"] == [NOW]


def test_a_clock_that_is_set_back_leaves_no_points_of_the_future() -> None:
    history = History(1, 600)
    fill(history, *seconds(-3603, 2), NOW, *seconds(-3600, 5))
    assert track(history)["read_at"] == [*seconds(-3603, 2), *seconds(-3600, 5)]


def test_nor_does_a_gpu_that_is_not_read_any_more() -> None:
    history = History(1, 600)
    fill(history, NOW - 3601, NOW)
    fill(history, NOW, uuid=uuid_of(1))
    for at in (NOW, NOW - 3600):
        history.add_host(replace(host(), read_at=at))
    reply: Any = history.since(ALWAYS)
    assert {u: columns["read_at"] for u, columns in reply["gpus"].items()} == {UUID: [NOW - 3601]}
    assert reply["host"]["read_at"] == [NOW - 3600]


@given(st.lists(st.floats(0, 1e4), min_size=1))
def test_time_runs_forwards_whatever_the_clock_did(times: list[float]) -> None:
    history = History(1, 600)
    for at in times:
        fill(history, NOW + at)
        history.add_host(replace(host(), read_at=NOW + at))
    reply: Any = history.since(ALWAYS)
    for columns in (track(history), reply["host"]):
        assert columns["read_at"] == sorted(columns["read_at"])
        assert columns["read_at"][-1] <= NOW + times[-1]


def test_resizing_keeps_the_newest() -> None:
    history = History(1, 600)
    fill(history, *seconds(0, 600))
    history.resize(1, 60)
    assert track(history)["read_at"] == seconds(540, 60)
    history.resize(1, 3600)
    assert track(history)["read_at"] == seconds(540, 60)
    assert history.interval_s == 6
    fill(history, *seconds(600, 60))
    assert track(history)["read_at"] == [*seconds(540, 60), *seconds(605, 10, 6.0)]


def test_a_machine_that_changes_its_gpus_for_ever_fills_no_memory() -> None:
    history = History(1, 600)
    for number in range(100):
        fill(history, 9.0 + number, uuid=uuid_of(number))
    kept: Any = history.since(ALWAYS)["gpus"]
    assert set(kept) == {uuid_of(number) for number in range(36, 100)}


def test_a_forgotten_gpu_is_forgotten_here_too() -> None:
    history = History(1, 600)
    fill(history, NOW)
    history.forget(UUID)
    history.forget(uuid_of(9))
    assert history.since(ALWAYS)["gpus"] == {}


# One frame.

LARGE = sample(vram_used_bytes=2**40, power_w=688.123, sm_clock_mhz=2**17, memory_clock_mhz=2**17)


def filled(gpus: int, each: Sample) -> History:
    history = History(1, 600)
    for number in range(gpus):
        for at in seconds(0, 600):
            history.add_gpu(uuid_of(number), replace(each, read_at=at))
    for at in seconds(0, 600):
        history.add_host(replace(host(), read_at=at))
    return history


def reply_bytes(history: History) -> int:
    return len(wire.reply(2**32 - 1, to_wire(history.since(ALWAYS))))


def test_sixteen_gpus_for_ten_minutes_fit_into_a_frame_as_they_are() -> None:
    history = filled(16, replace(LARGE, throttle=("sw_power_cap",)))
    assert reply_bytes(history) < wire.MAX_FRAME_BYTES
    assert len(track(history)["read_at"]) == 600
    assert history.since(ALWAYS)["interval_s"] == 1


@pytest.mark.parametrize("gpus", [16, 64])
def test_whatever_more_there_is_is_thinned_out_to_fit(gpus: int) -> None:
    """The newest point is always among what is sent."""
    history = filled(gpus, replace(LARGE, throttle=tuple(THROTTLE_REASONS.values())))
    reply: Any = history.since(ALWAYS)
    assert wire.MAX_FRAME_BYTES / 3 < reply_bytes(history) < wire.MAX_FRAME_BYTES
    for columns in (*reply["gpus"].values(), reply["host"]):
        times = columns["read_at"]
        assert times[-1] == NOW + 599
        assert {b - a for a, b in pairwise(times)} == {reply["interval_s"]}
        assert {len(column) for column in columns.values()} == {len(times)}
