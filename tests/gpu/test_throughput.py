"""On a real GPU: a benchmark from end to end, and figures that such a GPU can have.

What the fake CuPy cannot show: that cuBLAS takes these types, layouts and sizes, that the
figures come near the datasheet and never above it, and how long it all takes.  Skipped
without a GPU and CuPy.
"""

from __future__ import annotations

import os
import sys
from time import monotonic
from typing import Any

import pytest

from polarisd.api.benchmark import TESTS
from polarisd.api.reading import known
from polarisd.bench import reference
from tests.worker.process import Worker

# Of the datasheet's peak.  The most is what a clock above the nominal one can add; no copy
# is that slow, and no product of this size, on a GPU that is neither hot nor shared.
LEAST = {
    "gemm_bf16": 0.5,
    "gemm_fp16": 0.5,
    "gemm_int8": 0.3,
    "gemm_tf32": 0.4,
    "gemm_fp32": 0.5,
    "memory_copy": 0.7,
    "memory_read": 0.6,
    "h2d_pinned": 0.3,
    "d2h_pinned": 0.3,
    "vram_capacity": 0.8,
}
MOST = 1.1
Frames = list[dict[str, Any]]


def run(**job: object) -> tuple[Frames, float]:
    """All frames of a job, and how long it took.  Skips where there is no GPU to use."""
    worker = Worker(os.environ, stderr=sys.__stderr__.fileno() if sys.__stderr__ else 2)
    started = monotonic()
    try:
        frames = list(worker.ask(backend="cupy", **job).frames())
    finally:
        worker.close()
    if frames[-1].get("code") in ("no_stack", "no_gpu"):
        pytest.skip(f"needs a GPU and CuPy: {frames[-1]['message']}")
    assert frames[-1] == {"kind": "done"}
    return frames, monotonic() - started


def values(frames: Frames) -> dict[str, Any]:
    return {frame["test"]: frame["value"] for frame in frames if frame["kind"] == "figure"}


@pytest.fixture(scope="module", params=[True, False], ids=["quick", "full"])
def benchmark(request: pytest.FixtureRequest) -> tuple[Frames, float, bool]:
    frames, took_s = run(job="bench", quick=request.param)
    return frames, took_s, request.param


def lacks(frames: Frames) -> set[str]:
    """What the tensor cores of that generation cannot do."""
    capability = float(frames[0]["device"]["compute_capability"])
    return {"gemm_bf16", "gemm_tf32"} if capability < 8 else set()


def test_every_figure_is_known(benchmark: tuple[Frames, float, bool]) -> None:
    frames, _, _ = benchmark
    found = values(frames)
    assert set(found) == set(TESTS)
    unknown = {test for test, value in found.items() if not isinstance(value, float)}
    assert unknown == lacks(frames), found


def test_it_is_done_in_time(benchmark: tuple[Frames, float, bool]) -> None:
    _, took_s, quick = benchmark
    assert took_s < (20 if quick else 75)


def test_repeats_agree(benchmark: tuple[Frames, float, bool]) -> None:
    frames, _, _ = benchmark
    for frame in frames:
        if frame["kind"] == "figure" and isinstance(frame["spread"], float):
            assert frame["spread"] < 0.5, frame


@pytest.mark.parametrize("test", LEAST)
def test_a_figure_is_near_the_datasheets(benchmark: tuple[Frames, float, bool], test: str) -> None:
    frames, _, _ = benchmark
    name, value = frames[0]["device"]["name"], values(frames)[test]
    peak = known(reference.load().peak(name, test))
    if peak is None:
        pytest.skip(f"{name} has no reference of {test}")
    if test in lacks(frames):
        pytest.skip(f"{name} cannot do {test}")
    assert LEAST[test] * peak < value < MOST * peak


def test_products_have_the_order_that_their_units_have(
    benchmark: tuple[Frames, float, bool],
) -> None:
    """Tensor cores are faster than the others, or they were not used."""
    frames, _, _ = benchmark
    found = values(frames)
    for test in {"gemm_bf16", "gemm_fp16"} - lacks(frames):
        assert found[test] > 1.2 * found["gemm_fp32"], found


def test_a_run_that_is_broken_off_leaves_no_memory_behind() -> None:
    before = values(run(job="bench", quick=True, tests=["vram_capacity"])[0])["vram_capacity"]
    worker = Worker(os.environ, stderr=sys.__stderr__.fileno() if sys.__stderr__ else 2)
    try:
        worker.ask(job="bench", backend="cupy", quick=False).wait_for("figure")
        worker.end_sending()
        assert worker.wait() == 0
    finally:
        worker.close()
    after = values(run(job="bench", quick=True, tests=["vram_capacity"])[0])["vram_capacity"]
    assert after >= before - (64 << 20)


def test_the_check_passes() -> None:
    assert [frame["kind"] for frame in run(job="check")[0]] == ["hello", "done"]
