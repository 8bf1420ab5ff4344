"""Workers that do not do as they should: each ends its run, says why, and is gone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from polarisd.api.benchmark import DEADLINE, FAILED
from polarisd.api.gpu import LOST, OK, SILENT
from polarisd.api.reading import DRIVER_ERROR, Unknown
from polarisd.api.snapshot import Snapshot
from polarisd.bench.link import MAX_FRAMES
from polarisd.bench.measuring import Patience
from tests.fakes.bench_worker import figure
from tests.unit.bench_support import (
    ALL_SENT,
    DONE,
    FIGURES,
    HELLO,
    OBEY,
    TESTS,
    A,
    free,
    gone,
    running,
)

PATIENCE = Patience()
# By a clock that only the test moves.
FAR_OFF_S = 1e9


def send(**frame: Any) -> dict[str, Any]:
    return {"do": "send", "frame": frame}


GARBAGE = {"do": "bytes", "hex": "c1"}
A_LARGE_FRAME = {"do": "bytes", "hex": "00" * 1024, "times": 1025}
LARGE_HEAD = {"do": "bytes", "hex": "c6 00 20 00 00".replace(" ", "")}

BAD = {
    "dies at once": (({"do": "die"},), "ended before it was done"),
    "dies in the middle": ((HELLO, FIGURES, {"do": "die"}), "ended before it was done"),
    "ends without a word": ((HELLO,), "ended before it was done"),
    "closes its stdout and hangs": (
        (HELLO, {"do": "close"}, {"do": "hang"}),
        "ended before it was done",
    ),
    "sends garbage": ((HELLO, GARBAGE, OBEY), "nonsense: cannot decode"),
    "sends a frame without end": ((HELLO, LARGE_HEAD, A_LARGE_FRAME, OBEY), "nonsense: a frame is"),
    "sends no map": ((HELLO, {"do": "bytes", "hex": "07"}, OBEY), "nonsense: a frame is 7"),
    "floods": ((HELLO, {"do": "flood"}), f"more than {MAX_FRAMES} frames"),
    "does not say hello": ((FIGURES, DONE, OBEY), "its first word is not hello"),
    "says hello twice": ((HELLO, HELLO, OBEY), "it said hello twice"),
    "has another pid": (({"do": "hello", "pid": 1}, OBEY), "and says that it is 1"),
    "has another GPU": (
        (
            {
                "do": "hello",
                "device": {"name": "", "uuid": "GPU-other", "total_bytes": 0},
            },
            OBEY,
        ),
        "it has GPU-other instead of",
    ),
    "has another backend": (({"do": "hello", "backend": "numpy"}, OBEY), "on numpy instead of"),
    "is done too early": ((HELLO, DONE, OBEY), f"without a figure of {', '.join(TESTS)}"),
    "repeats a figure": ((HELLO, FIGURES, FIGURES, OBEY), "was not asked for, or came before"),
    "has a figure that nobody wants": (
        (HELLO, send(**figure("gemm_fp32")), OBEY),
        "a figure of gemm_fp32 was not asked for",
    ),
    "is not finite": (
        (HELLO, {"do": "figures", "value": float("inf")}, OBEY),
        "value is inf, not a number",
    ),
    "fails": (
        (HELLO, send(kind="failed", code="out_of_memory", message="no memory", hint="free some")),
        "no memory",
    ),
    "fails before hello": (
        (send(kind="failed", code="no_gpu", message="CUDA shows no GPU", hint=""), OBEY),
        "CUDA shows no GPU",
    ),
}


def has_share(share: float, snapshot: Snapshot) -> bool:
    return [(p.share, p.gpu_uuid) for p in snapshot.benchmarks if p.test] == [(share, A)]


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_worker(name: str, tmp_path: Path) -> None:
    steps, why = BAD[name]
    async with running(tmp_path) as bench:
        bench.steps = steps
        await bench.request(A)
        run = await bench.end()
        assert run.outcome == FAILED
        assert why in run.problem
        assert run.remedy
        assert all(gone(pipe) for pipe in bench.started)
        assert bench.claims.of(A) is None


async def test_a_worker_that_cannot_be_started(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.argv = lambda: ["/nowhere/to/be/found"]
        await bench.request(A)
        run = await bench.end()
    assert (run.outcome, run.problem) == (
        FAILED,
        "cannot start a worker: No such file or directory",
    )


async def test_a_test_that_failed_does_not_end_the_run(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        failed = figure(TESTS[0], {"unknown": "error", "detail": "the answer is wrong"})
        bench.steps = (HELLO, send(**failed), send(**figure(TESTS[1])), DONE, OBEY)
        await bench.request(A)
        run = await bench.end()
    assert run.outcome == "completed"
    assert run.figures[0].value == Unknown("error", "the answer is wrong")


async def test_progress_is_published(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        steps = [
            part
            for number in range(3)
            for part in (
                send(kind="progress", test=TESTS[0], share=number / 4),
                bench.step(f"go{number}"),
            )
        ]
        bench.steps = (HELLO, *steps, FIGURES, DONE, OBEY)
        await bench.request(A)
        for number in range(3):
            await bench.until(partial(has_share, number / 4))
            bench.go(f"go{number}")
        await bench.end()


# Deadlines, by a clock that the test moves.


async def test_a_worker_that_never_says_hello(tmp_path: Path, mock_clock: MockClock) -> None:
    async with running(tmp_path, FAR_OFF_S) as bench:
        bench.steps = ({"do": "hang"},)
        await bench.request(A)
        await bench.until_running()
        while not bench.started:
            await bench.settle()
        await bench.settle()
        mock_clock.jump(PATIENCE.hello_s + 1)
        run = await bench.end()
        assert (run.outcome, run.problem) == (FAILED, "the worker was not ready within 90 s")
        assert gone(bench.started[0])


@pytest.mark.parametrize("quick", [True, False])
async def test_a_worker_that_hangs(quick: bool, tmp_path: Path, mock_clock: MockClock) -> None:
    limit_s = PATIENCE.quick_s if quick else PATIENCE.full_s
    async with running(tmp_path, FAR_OFF_S) as bench:
        frames = [send(kind="progress", test=TESTS[0], share=0), send(**figure(TESTS[0]))]
        bench.steps = (HELLO, *frames, {"do": "hang"})
        await bench.request(A, quick=quick)
        await bench.until_running(TESTS[0])
        while not (await bench.answer())["runs"][0]["figures"]:
            await bench.settle()
        mock_clock.jump(limit_s - 1)
        await bench.settle()
        bench.show()
        assert bench.snapshot.benchmarks
        mock_clock.jump(1)
        run = await bench.end()
        assert run.outcome == DEADLINE
        assert run.problem == f"it was not done within {limit_s:g} s; missing: {TESTS[1]}"
        assert [found.test for found in run.figures] == [TESTS[0]]
        assert gone(bench.started[0])
        assert bench.claims.of(A) is None


@pytest.mark.logs_errors("gpu_lost")
async def test_a_gpu_that_is_lost_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, FIGURES, ALL_SENT, {"do": "hang"})
        await bench.request(A)
        await bench.until_all_sent()
        bench.cards = (free(0, LOST),)
        bench.show()
        run = await bench.end()
        assert (run.outcome, len(run.figures)) == (FAILED, 2)
        assert run.problem == "the GPU is lost since the benchmark began"
        assert gone(bench.started[0])


@pytest.mark.logs_errors("no_gpus")
async def test_a_gpu_that_is_taken_out_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, {"do": "hang"})
        await bench.request(A)
        await bench.until_running()
        bench.cards = ()
        bench.show()
        assert "the GPU is missing" in (await bench.end()).problem


async def test_a_driver_that_is_silent_for_a_while(tmp_path: Path, mock_clock: MockClock) -> None:
    """As while the process that reads it is replaced; for long, it is a failure."""
    async with running(tmp_path, FAR_OFF_S) as bench:
        bench.steps = (HELLO, {"do": "hang"})
        await bench.request(A)
        await bench.until_running()
        await bench.settle()
        for _ in range(2):
            for state in (OK, SILENT):
                bench.cards = (free(0, state),)
                bench.show()
                await bench.settle()
            mock_clock.jump(PATIENCE.silent_s - 1)
            await bench.settle()
            assert bench.snapshot.benchmarks
        mock_clock.jump(1)
        run = await bench.end()
        assert (run.outcome, run.problem) == (
            FAILED,
            "the GPU is silent since the benchmark began",
        )


async def test_readings_that_the_driver_fails_are_told_as_such(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        why = Unknown(DRIVER_ERROR, "nvmlDeviceGetClockInfo")
        bench.change_samples(sm_clock_mhz=why)
        await bench.request(A)
        conditions = (await bench.end()).figures[0].conditions
    assert conditions.sm_clock_mhz == why
    assert conditions.memory_clock_mhz == 2619
