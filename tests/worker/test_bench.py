"""Benchmarks from the first frame to the last."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from polarisd.api.benchmark import TESTS
from tests.worker.conftest import MEMORY_BYTES, WorkerFactory

GPU_ONLY = {
    "gemm_bf16",
    "gemm_fp16",
    "gemm_int8",
    "gemm_tf32",
    "h2d_pinned",
    "d2h_pinned",
    "vram_capacity",
}


def figures(frames: list[dict[str, Any]]) -> dict[str, Any]:
    return {frame["test"]: frame["value"] for frame in frames if frame["kind"] == "figure"}


def test_a_gpu_has_every_figure(worker: WorkerFactory) -> None:
    frames = list(worker().ask(job="bench", backend="cupy", quick=True).frames())
    assert frames[0]["kind"] == "hello"
    assert frames[0]["device"] == {
        "name": "Fake H100",
        "uuid": "GPU-01234567-89ab-cdef-0123-456789abcdef",
        "total_bytes": MEMORY_BYTES,
        "compute_capability": "9.0",
    }
    assert {"cupy", "cublas", "numpy", "kernels"} <= set(frames[0]["versions"])
    assert frames[-1] == {"kind": "done"}
    found = figures(frames)
    assert tuple(found) == TESTS
    assert all(isinstance(value, float) and value > 0 for value in found.values()), found
    # All but the sixteenth that is left alone, and a piece that was too small to ask for.
    assert MEMORY_BYTES * 7 / 8 < found["vram_capacity"] < MEMORY_BYTES
    shares = [frame["share"] for frame in frames if frame["kind"] == "progress"]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] <= 1


@pytest.mark.parametrize("backend", ["host", "numpy"])
def test_a_processor_has_the_figures_that_mean_something(
    worker: WorkerFactory, backend: str, tmp_path: Path
) -> None:
    environ = {**os.environ, "CACHE_DIRECTORY": str(tmp_path / "cache")}
    asked = worker(environ=environ).ask(job="bench", backend=backend, quick=True)
    frames = list(asked.frames())
    assert frames[0]["backend"] == backend and frames[0]["device"]["uuid"] == ""
    assert frames[-1] == {"kind": "done"}
    for test, value in figures(frames).items():
        if test in GPU_ONLY:
            assert value["unknown"] == "not_supported" and value["detail"]
        else:
            assert value > 0
    assert (tmp_path / "cache").exists() == (backend == "host")


def test_only_what_is_asked_for_is_done_in_the_usual_order(worker: WorkerFactory) -> None:
    asked = worker().ask(
        job="bench", backend="cupy", quick=True, tests=["d2h_pinned", "memory_copy"]
    )
    assert list(figures(list(asked.frames()))) == ["memory_copy", "d2h_pinned"]


def test_an_old_gpu_lacks_types_and_has_the_rest(worker: WorkerFactory) -> None:
    tests = ["gemm_bf16", "gemm_fp16", "gemm_tf32"]
    asked = worker(capability=[7, 5]).ask(job="bench", backend="cupy", quick=True, tests=tests)
    frames = list(asked.frames())
    found = figures(frames)
    assert found["gemm_bf16"] == {
        "unknown": "not_supported",
        "detail": "compute capability 7.5; bf16 needs 8.0",
    }
    assert found["gemm_tf32"]["unknown"] == "not_supported"
    assert found["gemm_fp16"] > 0
    assert frames[-1] == {"kind": "done"}


def test_a_test_that_fails_does_not_end_the_others(worker: WorkerFactory) -> None:
    tests = ["gemm_fp32", "memory_copy", "int32_rate"]
    asked = worker(oom_at_bytes=3 << 20).ask(job="bench", backend="cupy", quick=True, tests=tests)
    frames = list(asked.frames())
    found = figures(frames)
    assert found["gemm_fp32"] > 0
    assert found["memory_copy"]["unknown"] == "error"
    assert "out of memory" in found["memory_copy"]["detail"]
    assert found["int32_rate"] > 0
    assert frames[-1] == {"kind": "done"}


def test_memory_that_others_have_is_not_counted(worker: WorkerFactory) -> None:
    asked = worker(used_bytes=4 << 20).ask(
        job="bench", backend="cupy", quick=True, tests=["vram_capacity"]
    )
    (value,) = figures(list(asked.frames())).values()
    assert (4 << 20) < value < (6 << 20)


def test_the_gpu_is_the_one_that_the_job_names(worker: WorkerFactory) -> None:
    uuid = "GPU-aaaaaaaa-0000-0000-0000-000000000000"
    # As CuPy has it when a byte of it is zero.
    asked = worker(uuid="aaaaaaaa").ask(job="check", backend="cupy", gpu_uuid=uuid)
    assert asked.wait_for("hello")["device"]["uuid"] == uuid


@pytest.mark.parametrize("backend", ["cupy", "host", "numpy"])
def test_a_device_that_computes_right_passes_the_check(worker: WorkerFactory, backend: str) -> None:
    frames = list(worker().ask(job="check", backend=backend).frames())
    assert [frame["kind"] for frame in frames] == ["hello", "done"]
