"""Benchmarks when the daemon has died before, or the disk does not take what they find."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from polarisd.api.benchmark import CANCELLED, COMPLETED, FAILED
from polarisd.bench.store import FILE, Store
from tests.unit.bench_support import (
    ALL_SENT,
    FIGURES,
    HELLO,
    OBEY,
    TESTS,
    A,
    Bench,
    locked,
    running,
)


def kept(bench: Bench) -> list[dict[str, Any]]:
    """What a daemon after this one would find."""
    return Store(bench.directory / FILE).newest("", 0, 100)


async def test_a_run_that_was_begun_when_the_daemon_died_has_failed(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, OBEY)
        await bench.request(A)
        await bench.until_running()
        died_with = (tmp_path / FILE).read_bytes(), (tmp_path / f"{FILE}-wal").exists()
    assert not died_with[1]
    (tmp_path / FILE).write_bytes(died_with[0])
    async with running(tmp_path) as bench:
        [record] = (await bench.answer())["runs"]
        assert (record["outcome"], record["problem"]) == (FAILED, "the daemon ended while it ran")
        assert record["ended_at"]["unknown"] == "not_known"
        assert (await bench.request(A))["runs"] == [{"run": 2, "gpu_uuid": A}]


async def test_what_was_measured_when_the_daemon_died_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, FIGURES, ALL_SENT, {"do": "hang"})
        await bench.request(backend="numpy")
        await bench.until_all_sent()
        while len(kept(bench)[0]["figures"]) < len(TESTS):
            await bench.settle()
        died_with = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(died_with)
    async with running(tmp_path) as bench:
        [record] = (await bench.answer())["runs"]
    assert (record["outcome"], record["problem"]) == (FAILED, "the daemon ended while it ran")
    assert [figure["test"] for figure in record["figures"]] == list(TESTS)
    assert record["gpu_name"] == "AMD EPYC 9654 96-Core Processor"
    assert record["versions"]


@pytest.mark.logs_errors("cannot keep benchmarks")
async def test_a_disk_that_takes_nothing_costs_no_figure(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        (tmp_path / FILE).unlink()
        (tmp_path / FILE).mkdir()
        await bench.request(A)
        assert (await bench.end()).outcome == COMPLETED
        answer = await bench.answer()
        assert "unable to open" in answer["problem"]
        [record] = answer["runs"]
        assert len(record["figures"]) == 2
        assert [fault.code for fault in bench.snapshot.faults] == ["benchmarks_not_kept"]
        (tmp_path / FILE).rmdir()
        assert (await bench.answer())["problem"] == ""
        assert bench.snapshot.faults == ()
    assert [record["outcome"] for record in kept(bench)] == [COMPLETED]


@pytest.mark.logs_errors("cannot keep benchmarks: .*locked")
async def test_a_history_that_is_locked_holds_up_neither_people_nor_the_end(tmp_path: Path) -> None:
    with ExitStack() as until_stopped:
        async with running(tmp_path) as bench:
            bench.steps = (HELLO, {"do": "hang"})
            for _ in range(12):
                await bench.request(backend="numpy")
            await bench.until_running()
            until_stopped.enter_context(locked(tmp_path / FILE))
            begun = time.monotonic()
            for _ in range(6):
                await bench.request(backend="numpy")
            for number in (5, 6):
                assert await bench.runner.cancel(number) == [number]
            assert time.monotonic() - begun < 3
            begun = time.monotonic()
        assert time.monotonic() - begun < 5
        for _ in range(18):
            assert (await bench.end()).outcome == CANCELLED
