"""For the tests of `polarisctl gpu-setup`: a host of directories, an index, scripted workers."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import pytest

from polarisctl.commands import gpu_setup
from polarisctl.context import Arguments, Context
from polarisctl.gpu_stack import lock as locks
from polarisctl.gpu_stack.fetch import Waits
from polarisctl.gpu_stack.host import Host
from polarisctl.gpu_stack.lock import Lock, Wheel
from polarisctl.gpu_stack.place import Place
from polarisctl.gpu_stack.web import Web
from polarisd.api.errors import ControlError
from polarisd.bench.stack import Candidate, Stack, find_stack
from tests.fakes.wheel_index import IndexServer, Member, make_lock, make_wheel

TAG = "cp311"
CUPY = "cupy_cuda12x-14.2.0-cp311-cp311-manylinux2014_x86_64.whl"
CUBLAS = "nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl"

DRIVER = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Thu Jan  1 00:00:00 UTC 2026\n"

# A worker that answers with these frames; after the last word it waits for the end of its input,
# and without one it just ends.
WORKER = """\
import sys
sys.stdin.buffer.read1()
sys.stdout.buffer.write(bytes.fromhex({frames!r}))
sys.stdout.flush()
if {waits!r}:
    sys.stdin.buffer.read()
"""
HELLO = {"kind": "hello", "device": {"name": "NVIDIA H100"}, "versions": {"cupy": "14.2.0"}}
DONE = {"kind": "done"}
GOOD = (HELLO, DONE)
NO_GPU = {"kind": "failed", "code": "no_gpu", "message": "there is no GPU", "hint": "look"}
WRONG = {"kind": "failed", "code": "wrong_answer", "message": "the answer is wrong", "hint": ""}


def make_wheels(directory: Path, content: bytes = b"VERSION = 1\n") -> list[Path]:
    directory.mkdir(exist_ok=True)
    cupy = [Member("cupy/__init__.py", content), Member("nvidia/__init__.py", b"")]
    cublas = [Member("nvidia/__init__.py", b""), Member("nvidia/cublas/lib/x.so", b"so" * 4000)]
    return [make_wheel(directory, CUPY, cupy), make_wheel(directory, CUBLAS, cublas)]


def lock_of(wheels: Sequence[Path], index_url: str = "") -> Lock:
    return locks.parse(json.loads(make_lock({TAG: wheels}, index_url)))


def wheel_named(lock: Lock, filename: str) -> Wheel:
    return next(wheel for wheel in lock.pythons[TAG] if wheel.filename == filename)


def worker(*frames: object) -> list[str]:
    """The command of a worker that says this."""
    packed = b"".join(msgpack.packb(frame) for frame in frames).hex()
    waits = any(isinstance(f, dict) and f.get("kind") in ("done", "failed") for f in frames)
    return [sys.executable, "-I", "-c", WORKER.format(frames=packed, waits=waits)]


@dataclass
class Clock:
    """Time that passes when somebody waits, and by `step_s` when somebody looks."""

    step_s: float = 0.0
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def look(self) -> float:
        self.now += self.step_s
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def waits(self) -> Waits:
        return Waits(clock=self.look, sleep=self.sleep)


def host(root: Path, lock: Lock, command: Sequence[str], **changed: object) -> Host:
    def run_worker(stack: Stack) -> Sequence[str]:
        return command

    values: dict[str, object] = {
        "tag": TAG,
        "machine": "x86_64",
        "libc": "2.36",
        "lock": lock,
        "package": Candidate(str(root / "package"), "the package polaris-gpu"),
        "place": Place(root / "polaris-gpu"),
        "libraries": lambda: "",
        "driver": lambda: DRIVER.format("570.86.15"),
        "worker": run_worker,
        "web": Web(deadline_s=0.5),
        "waits": Clock().waits,
        **changed,
    }
    return Host(**values)  # type: ignore[arg-type]  # tests name the fields right or fail


@contextmanager
def serving(server: IndexServer) -> Iterator[IndexServer]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
        assert not thread.is_alive()


@dataclass
class Bench:
    """A host, an index with this version of the wheels, and somebody at the keyboard."""

    root: Path
    server: IndexServer
    euid: int = 0
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    lock: Lock | None = None

    def host(self, frames: Sequence[object] = GOOD, **changed: object) -> Host:
        if self.lock is None:
            self.lock = lock_of(sorted(self.server.directory.glob("*.whl")), self.server.url)
        return host(self.root, self.lock, worker(*frames), **changed)

    def run(self, host: Host | None = None, **given: object) -> int:
        self.out, self.err = io.StringIO(), io.StringIO()
        yes = not given.get("check")
        wanted = {"json": False, "socket": None, **gpu_setup.DEFAULTS, "yes": yes, **given}
        args = Arguments(**wanted)
        context = Context(stdout=self.out, stderr=self.err, environ={}, euid=self.euid)
        return gpu_setup.run(args, context, host or self.host())

    def next_version(self) -> None:
        make_wheels(self.server.directory, b"VERSION = 2\n")
        self.lock = None

    def installed(self) -> str | None:
        """The text of the module that is in use; None if there is none."""
        stack = find_stack((self.host().own,), TAG)
        return (Path(stack.path) / "cupy/__init__.py").read_text() if stack else None

    @property
    def place(self) -> Path:
        return self.root / "polaris-gpu"

    @property
    def downloads(self) -> list[str]:
        return [path for path, _ in self.server.seen if path.startswith("/files/")]


def failure(bench: Bench, host: Host | None = None, **given: Any) -> ControlError:
    with pytest.raises(ControlError) as caught:
        bench.run(host, **given)
    assert caught.value.hint
    return caught.value
