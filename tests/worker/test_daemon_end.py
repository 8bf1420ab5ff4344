"""The worker's behaviour to the daemon: it goes when told, and takes no nonsense."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import msgpack
import pytest

from polarisd.bench.worker.frames import MAX_FRAME_BYTES
from tests.worker.conftest import WorkerFactory

FULL = {"job": "bench", "backend": "cupy", "quick": False}


@pytest.mark.parametrize("through_socket", [False, True])
@pytest.mark.parametrize("said", [{}, {"hang_launch": 40}])
def test_it_ends_when_nothing_more_will_come(
    worker: WorkerFactory, said: dict[str, Any], through_socket: bool
) -> None:
    asked = worker(through_socket=through_socket, **said).ask(**FULL)
    asked.wait_for("figure")
    asked.end_sending()
    assert asked.wait() == 0


def test_it_ends_before_it_has_a_job(worker: WorkerFactory) -> None:
    it = worker()
    it.end_sending()
    assert it.wait() == 0
    assert list(it.frames()) == []


def test_it_works_through_a_socket(worker: WorkerFactory) -> None:
    asked = worker(through_socket=True).ask(job="check", backend="cupy")
    assert [frame["kind"] for frame in asked.frames()] == ["hello", "done"]


def test_it_can_be_killed(worker: WorkerFactory) -> None:
    asked = worker(hang_launch=1).ask(**FULL)
    pid = asked.wait_for("hello")["pid"]
    os.kill(pid, signal.SIGKILL)
    assert asked.wait() == -signal.SIGKILL


def test_an_interrupt_from_the_terminal_is_the_daemons_affair(worker: WorkerFactory) -> None:
    asked = worker().ask(**{**FULL, "quick": True, "tests": ["memory_copy"]})
    asked.wait_for("hello")
    asked.process.send_signal(signal.SIGINT)
    assert list(asked.frames())[-1] == {"kind": "done"}


def test_what_libraries_print_is_not_among_the_frames(
    worker: WorkerFactory, stderr_path: Path
) -> None:
    asked = worker(chatter=True).ask(job="check", backend="cupy")
    assert [frame["kind"] for frame in asked.frames()] == ["hello", "done"]
    said = stderr_path.read_bytes()
    assert b"hello from the fake CuPy" in said
    assert b"bytes from the fake libcuda" in said


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xc1", "cannot decode"),
        (msgpack.packb(7), "no map"),
        (msgpack.packb(["job"]), "no map"),
        (msgpack.packb({1: "bench"}), "not allowed for map key"),
        (msgpack.packb({}), "no job None"),
        (msgpack.packb({"job": "mine"}), "no job 'mine'"),
        (msgpack.packb({"job": ["bench"], "backend": "numpy"}), "no job ['bench']"),
        (msgpack.packb({"job": "bench"}), "no backend"),
        (msgpack.packb({"job": "bench", "backend": "opencl"}), "no backend 'opencl'"),
        (msgpack.packb({"job": "bench", "backend": "numpy", "tests": ["x"]}), "no such tests"),
        (msgpack.packb({"job": "bench", "backend": "numpy", "tests": [[]]}), "no such tests"),
        (msgpack.packb({"job": "bench", "backend": "numpy", "tests": "x"}), "no such tests"),
        (msgpack.packb({"job": "bench", "backend": "numpy", "quick": 1}), "quick neither"),
        (b"\xdb\x7f\xff\xff\xff" + bytes(MAX_FRAME_BYTES + 1), "larger than"),
        (msgpack.packb({"job": bytes(MAX_FRAME_BYTES)}), "larger than"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_a_bad_first_frame_is_told(worker: WorkerFactory, data: bytes, message: str) -> None:
    it = worker()
    it.send(data)
    (frame,) = it.frames()
    assert frame["kind"] == "failed" and frame["code"] == "bad_job"
    assert message in frame["message"]
    assert it.wait() == 0
