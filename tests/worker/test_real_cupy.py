"""The worker on the real CuPy, as far as that goes on a machine without a GPU."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from tests.fakes.cupy.real import real_environ, stand_ins
from tests.worker.conftest import WorkerFactory


def has(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def test_without_cublas_the_remedy_is_named(worker: WorkerFactory) -> None:
    frames = list(worker(environ=real_environ()).ask(job="check", backend="cupy").frames())
    if frames[0]["kind"] == "hello" or frames[0]["code"] == "no_gpu":
        pytest.skip("cuBLAS is here")
    (failed,) = frames
    assert failed["code"] == "no_stack"
    assert "cublas" in failed["message"]
    assert failed["hint"] == "sudo polarisctl gpu-setup"


def test_without_a_driver_it_says_so(worker: WorkerFactory, tmp_path: Path) -> None:
    environ = stand_ins(tmp_path)
    if has("libcuda.so.1"):
        pytest.skip("an NVIDIA driver is here")
    (failed,) = worker(environ=environ).ask(job="check", backend="cupy").frames()
    assert failed["code"] == "no_gpu"
    assert "libcuda.so.1 cannot be loaded" in failed["message"]
    assert failed["hint"] == "install the NVIDIA driver"
