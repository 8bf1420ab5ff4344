"""Benchmarks from the request to the end, each with a worker process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from polarisd.api.benchmark import CANCELLED, COMPLETED, FAILED
from polarisd.api.errors import INVALID_PARAMS, NOT_FOUND, REFUSED, ControlError
from polarisd.api.gpu import LOST, OK, GpuProcess
from polarisd.bench import runner as benches
from polarisd.bench.store import FILE, Store
from polarisd.claims import Claim
from tests.unit.bench_support import (
    ALL_SENT,
    DONE,
    FIGURES,
    HELLO,
    OBEY,
    TESTS,
    A,
    B,
    Bench,
    free,
    gone,
    running,
)
from tests.unit.build import uuid_of
from tests.unit.keeper_support import kinds


def kept(bench: Bench) -> list[dict[str, Any]]:
    """What a daemon after this one would find."""
    return Store(bench.directory / FILE).newest("", 0, 100)


async def refused(bench: Bench, *gpus: str, **changes: Any) -> ControlError:
    with pytest.raises(ControlError) as error:
        await bench.request(*gpus, **changes)
    assert error.value.hint
    return error.value


async def test_a_run_from_beginning_to_end(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (bench.step("begin"), HELLO, bench.step("go"), FIGURES, DONE, OBEY)
        with bench.world.heard() as events:
            answer = await bench.request(A)
            assert answer == {"runs": [{"run": 1, "gpu_uuid": A}], "skipped": []}
            await bench.until_running()
            assert bench.world.withheld == {A: ("benchmark_running",), B: ()}
            assert [record["outcome"] for record in kept(bench)] == [""]
            bench.go("begin")
            bench.go("go")
            run = await bench.end()
        assert (run.outcome, run.problem, run.gpu_name) == (COMPLETED, "", "NVIDIA H100 80GB HBM3")
        assert [figure.test for figure in run.figures] == list(TESTS)
        assert run.versions["seen_by_cuda"] == A
        assert run.driver_version == "570.86.15"
        assert run.figures[0].conditions.samples == 1
        assert run.figures[0].conditions.power_limit_w == 700.0
        assert bench.snapshot.benchmarks == ()
        assert bench.world.withheld == {A: (), B: ()}
        assert gone(bench.started[0])
        assert ("benchmark_ended", A) in kinds(events)
        answer = await bench.answer()
        assert (answer["left_out"], answer["problem"]) == (0, "")
        assert [found["outcome"] for found in answer["runs"]] == [COMPLETED]
    [record] = kept(bench)
    assert (record["run"], record["outcome"], len(record["figures"])) == (1, COMPLETED, 2)
    assert bench.bursts[0] == (0.1, 3.0)


@pytest.mark.logs_errors("no_gpus")
async def test_a_processor_is_measured_without_a_gpu(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.cards = ()
        bench.show()
        await bench.request(backend="numpy")
        run = await bench.end()
    assert (run.outcome, run.gpu_uuid, run.backend) == (COMPLETED, "", "numpy")
    assert run.gpu_name == bench.snapshot.host.cpu_model == "AMD EPYC 9654 96-Core Processor"
    assert run.versions["seen_by_cuda"] == ""
    assert run.figures[0].conditions.samples == 0
    assert bench.bursts == []


async def test_gpus_are_measured_one_after_the_other(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, bench.step("go"), FIGURES, DONE, OBEY)
        answer = await bench.request()
        assert answer["runs"] == [{"run": 1, "gpu_uuid": A}, {"run": 2, "gpu_uuid": B}]
        await bench.until_running()
        assert bench.world.withheld == {A: ("benchmark_running",), B: ()}
        assert len(bench.snapshot.benchmarks) == 1
        waiting, runs = (await bench.answer())["runs"]
        assert (waiting["run"], waiting["outcome"], waiting["figures"]) == (2, "", [])
        assert (runs["run"], runs["outcome"]) == (1, "")
        bench.go("go")
        assert [(await bench.end()).gpu_uuid, (await bench.end()).gpu_uuid] == [A, B]


async def test_what_is_asked_of_a_gpu_that_is_measured_already_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, OBEY)
        await bench.request(A)
        assert "benchmark 1 of it" in (await refused(bench, A)).message
        await bench.until_running()
        assert (await refused(bench, A)).code == REFUSED
        answer = await bench.request()
        assert answer["runs"] == [{"run": 2, "gpu_uuid": B}]
        assert [skipped["gpu_uuid"] for skipped in answer["skipped"]] == [A]


@pytest.mark.logs_errors("gpu_lost", "no_gpus")
async def test_what_is_not_fit_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.cards = (free(0, LOST), free(1))
        bench.show()
        assert "it is lost" in (await refused(bench, A)).message
        assert (await refused(bench, uuid_of(9))).code == NOT_FOUND
        assert (await refused(bench, A, backend="host")).code == INVALID_PARAMS
        with bench.claims.held([B], Claim("lease 3", "leased")):
            message = (await refused(bench)).message
        assert message.splitlines() == [
            f"cannot measure {A}: it is lost",
            f"cannot measure {B}: it is taken by lease 3",
        ]
        bench.has_cupy = False
        assert (await refused(bench, B)).hint == "sudo polarisctl gpu-setup"
        # Where CuPy would be of no use, nobody is told to fetch it.
        assert "it is lost" in (await refused(bench, A)).message
        bench.cards = ()
        bench.show()
        assert (await refused(bench)).message == "there is no GPU to measure"
        assert bench.started == []


async def test_for_a_driver_that_is_too_old_no_stack_is_fetched(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.has_cupy = False
        bench.driver_version = "515.105.01"
        bench.show()
        error = await refused(bench)
        assert "the driver is 515.105.01, and CUDA 12 needs 525.60.13" in error.message
        assert "gpu-setup" not in error.hint


async def test_who_uses_a_gpu_is_asked_anew_each_time(tmp_path: Path) -> None:
    """A process that came since the last look is not disturbed."""
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, bench.step("go"), FIGURES, DONE, OBEY)
        await bench.request(A, B)
        await bench.until_running()
        user = GpuProcess(pid=4711, kind="compute", vram_bytes=1, name="train.py")
        bench.cards = (free(0), free(1, OK, user))
        bench.go("go")
        first, second = await bench.end(), await bench.end()
    assert (first.outcome, second.outcome) == (COMPLETED, FAILED)
    assert "it is in use by train.py (4711)" in second.problem
    assert len(bench.started) == 1


async def test_a_driver_that_does_not_say_who_uses_a_gpu(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    bench = Bench(tmp_path)
    bench.driver_answers = False
    bench.world.now += 1
    assert "it cannot be told" in (await refused(bench, A)).message


async def test_cancelling_what_runs_and_what_waits(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, FIGURES, ALL_SENT, {"do": "hang"})
        await bench.request(A, B)
        await bench.until_all_sent()
        assert await bench.runner.cancel(2) == [2]
        waiting = await bench.end()
        assert (waiting.run, waiting.outcome, waiting.figures) == (2, CANCELLED, ())
        assert await bench.runner.cancel(1) == [1]
        assert await bench.runner.cancel(0) in ([1], [])  # again, while it is being ended
        ran = await bench.end()
        assert (ran.run, ran.outcome, len(ran.figures)) == (1, CANCELLED, 2)
        assert gone(bench.started[0])
        assert bench.world.withheld == {A: (), B: ()}
        with pytest.raises(ControlError) as error:
            await bench.runner.cancel(1)
        assert error.value.code == NOT_FOUND
        assert await bench.runner.cancel(0) == []
        bench.steps = (HELLO, FIGURES, DONE, OBEY)
        await bench.request(A)
        assert (await bench.end()).outcome == COMPLETED
    assert [record["outcome"] for record in kept(bench)] == [COMPLETED, CANCELLED, CANCELLED]


async def test_cancelling_while_the_worker_starts(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = ({"do": "hang"},)
        await bench.request(A)
        await bench.until_running()
        await bench.runner.cancel(0)
        run = await bench.end()
        assert (run.outcome, run.versions) == (CANCELLED, {})
        assert all(gone(pipe) for pipe in bench.started)


async def test_the_end_of_the_daemon_is_the_end_of_the_worker(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = (HELLO, FIGURES, ALL_SENT, {"do": "hang"})
        await bench.request(A, B)
        await bench.until_all_sent()
    assert gone(bench.started[0])
    second, first = kept(bench)
    assert (first["outcome"], first["problem"]) == (CANCELLED, "the daemon was stopped")
    assert len(first["figures"]) == 2
    assert (second["outcome"], second["figures"]) == (CANCELLED, [])
    assert bench.world.withheld == {A: (), B: ()}


async def test_a_client_that_leaves_takes_no_run_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        asked = trio.CancelScope()

        async def ask() -> None:
            with asked:
                await bench.request(A)

        bench.steps = (bench.step("go"), HELLO, FIGURES, DONE, OBEY)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await bench.until_running()
            asked.cancel()
        bench.go("go")
        assert (await bench.end()).outcome == COMPLETED


async def test_the_queue_has_a_bound(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.steps = ({"do": "hang"},)
        await bench.request(backend="host")
        await bench.until_running()
        for _ in range(benches.MAX_WAITING):
            await bench.request(backend="host")
        assert "64 benchmarks wait already" in (await refused(bench, backend="host")).message
        assert len(await bench.runner.cancel(0)) == benches.MAX_WAITING + 1
