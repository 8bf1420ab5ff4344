"""How a worker is started: on what path, with what libraries, for which GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from polarisd.bench.launch import candidates, finder, has_cupy, worker_argv, worker_environ
from polarisd.bench.stack import CANDIDATES, DIST_PACKAGES, Candidate, Stack
from polarisd.bench.worker.main import ALIVE

STACK = Stack("/gpu/cp311", "7", ("/gpu/cp311/nvidia/cublas/lib", "/gpu/lib"), {}, "a test")


def test_the_stack_comes_first_and_the_distribution_last() -> None:
    program, *options = worker_argv(STACK)
    assert program == sys.executable
    assert options[:3] == ["-I", "-S", "-c"]
    path = options[4:]
    assert path[0] == STACK.path
    assert path[-1] == DIST_PACKAGES
    assert [os.path.abspath(entry) for entry in sys.path] == path[1:-1]
    assert worker_argv(None)[5:] == worker_argv(STACK)[6:]


def test_the_worker_finds_its_modules_without_any_help() -> None:
    """And ends, with no word but that it lived, when nobody wants anything of it."""
    done = subprocess.run(
        worker_argv(None),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={},
        cwd="/",
        timeout=20,
        check=True,
    )
    assert (done.stdout, done.stderr) == (ALIVE, b"")


def test_cuda_shows_one_gpu_or_none() -> None:
    assert worker_environ({}, "GPU-1", None) == {"CUDA_VISIBLE_DEVICES": "GPU-1"}
    assert worker_environ({"CUDA_VISIBLE_DEVICES": "0,1"}, "", None)["CUDA_VISIBLE_DEVICES"] == ""


def test_the_libraries_of_the_stack_are_found_before_others() -> None:
    ours = os.pathsep.join(STACK.library_dirs)
    assert worker_environ({}, "", STACK)["LD_LIBRARY_PATH"] == ours
    both = worker_environ({"LD_LIBRARY_PATH": "/else"}, "", STACK)["LD_LIBRARY_PATH"]
    assert both == f"{ours}{os.pathsep}/else"


def test_whether_there_is_cupy() -> None:
    assert has_cupy(lambda: STACK)
    assert finder([])() is None


def test_without_a_stack_cupy_may_be_beside_the_daemon(tmp_path: Path) -> None:
    look = "from polarisd.bench.launch import has_cupy; print(has_cupy(lambda: None))"
    (tmp_path / "cupy.py").write_text("raise AssertionError('it was imported')")
    for path, expected in (("", "False\n"), (str(tmp_path), "True\n")):
        done = subprocess.run(
            [sys.executable, "-c", look],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": path},
            cwd=Path(__file__).parents[2],
            check=True,
        )
        assert done.stdout == expected


def test_a_developer_may_say_where_stacks_are() -> None:
    name = "POLARIS_GPU_STACKS"
    assert candidates({}) == CANDIDATES
    assert candidates({name: ""}) == []
    assert candidates({name: "/a:/b"}) == [Candidate("/a", name), Candidate("/b", name)]
