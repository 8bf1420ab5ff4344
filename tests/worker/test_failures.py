"""Everything that can be wrong with a GPU and its libraries is told, with a remedy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cupy import script
from tests.worker.conftest import WorkerFactory
from tests.worker.process import Worker

BENCH = {"job": "bench", "backend": "cupy", "quick": True}
SETUP = "sudo polarisctl gpu-setup"


def failure(frames: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Code, message and hint of the last frame."""
    assert frames[-1]["kind"] == "failed", frames[-1]
    return frames[-1]["code"], frames[-1]["message"], frames[-1]["hint"]


@pytest.mark.parametrize("job", ["bench", "check"])
@pytest.mark.parametrize(
    ("said", "code", "message", "hint"),
    [
        ({"devices": 0}, "no_gpu", "no CUDA-capable device", "nvidia-smi"),
        ({"driver": 0}, "no_gpu", "there is no NVIDIA driver", "install the NVIDIA driver"),
        ({"driver": 11040}, "no_gpu", "too old: it knows CUDA 11.4", "525.60.13"),
        ({"no_cublas": True}, "no_stack", "libcublasLt", SETUP),
        ({"no_nvrtc": True}, "no_compiler", "libnvrtc", SETUP),
        ({"oom_at_bytes": 1000}, "out_of_memory", "out of memory", "nvidia-smi"),
        ({"gemm": "wrong"}, "wrong_answer", "1 of 10240 entries differ", "do not offer it"),
        ({"gemm": 13}, "cuda_error", "cuBLAS says", "Xid"),
        ({"gemm": 15}, "not_supported", "multiplies no type", ""),
        ({"illegal_launch": 1}, "cuda_error", "illegal memory access", "Xid"),
    ],
)
def test_what_is_wrong_from_the_start(
    worker: WorkerFactory, said: dict[str, Any], job: str, code: str, message: str, hint: str
) -> None:
    asked = worker(**said).ask(**{**BENCH, "job": job})
    found = failure(list(asked.frames()))
    assert found[0] == code
    assert message in found[1]
    assert hint in found[2]
    assert asked.wait() == 0


def test_a_gpu_that_dies_on_the_way_ends_the_run(worker: WorkerFactory) -> None:
    tests = ["memory_copy", "memory_read", "int32_rate"]
    frames = list(worker(illegal_launch=24).ask(**BENCH, tests=tests).frames())
    kinds = [frame["kind"] for frame in frames if frame["kind"] != "progress"]
    assert kinds[:2] == ["hello", "figure"] and kinds[-1] == "failed"
    assert failure(frames)[0] == "cuda_error"


def test_memory_that_is_there_twice_is_noticed(worker: WorkerFactory) -> None:
    asked = worker(aliased=4 << 20, memory_bytes=12 << 20, oom_at_bytes=11 << 20).ask(
        **BENCH, tests=["vram_capacity"]
    )
    code, message, hint = failure(list(asked.frames()))
    assert code == "wrong_answer"
    assert "does not read back" in message
    assert "do not offer it" in hint


def blocked(directory: Path, name: str) -> dict[str, str]:
    """An environment in which a module cannot be imported."""
    text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
    (directory / f"{name}.py").write_text(text)
    path = f"{directory}{os.pathsep}{script.SITE}"
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize("library", ["cupy", "numpy"])
def test_without_a_library_the_remedy_is_named(
    worker: WorkerFactory, tmp_path: Path, library: str
) -> None:
    frames = list(worker(environ=blocked(tmp_path, library)).ask(**BENCH).frames())
    code, message, hint = failure(frames)
    assert (code, hint) == ("no_stack", SETUP)
    assert library in message.lower()
    assert len(frames) == 1


def test_without_a_compiler_there_is_no_host_backend(worker: WorkerFactory, tmp_path: Path) -> None:
    frames = list(
        worker(environ={**os.environ, "PATH": str(tmp_path)})
        .ask(job="bench", backend="host", quick=True)
        .frames()
    )
    code, _, hint = failure(frames)
    assert code == "no_compiler"
    assert "g++" in hint


def test_a_bug_is_told_too_and_its_traceback_is_in_the_journal(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('the library is broken')\n")
    printed = tmp_path / "stderr"
    with printed.open("wb") as stderr:
        it = Worker({**os.environ, "PYTHONPATH": str(tmp_path)}, stderr=stderr)
    try:
        (failed,) = it.ask(job="check", backend="numpy").frames()
        assert it.wait() == 0
    finally:
        it.close()
    assert failed["code"] == "internal"
    assert failed["message"] == "RuntimeError: the library is broken"
    assert "report it" in failed["hint"]
    assert "Traceback (most recent call last)" in printed.read_text()
