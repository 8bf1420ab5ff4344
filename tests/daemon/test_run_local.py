"""`make run`'s program: a daemon of this tree to look at, which leaves nothing behind."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fakes.nvml import fixtures
from tests.fakes.nvml.fixtures import FakeNvmlFactory

fake_nvml = fixtures.fake_nvml

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, str(ROOT / "packaging/run_local.py")]
DEADLINE_S = 60

pytestmark = pytest.mark.skipif(
    not (Path(sys.executable).parent / "polarisd").exists(),
    reason="polarisd is not installed beside this interpreter: use make test",
)


@pytest.fixture
def environ(fake_nvml: FakeNvmlFactory) -> Iterator[dict[str, str]]:
    """With two GPUs, and a place for temporary files that must be empty in the end; its path
    is short, for a socket comes to be in it."""
    with TemporaryDirectory(prefix="t-") as place:
        yield {**fake_nvml("rtx4090", count=2).env(), "TMPDIR": place, "LC_ALL": "C.UTF-8"}
        assert list(Path(place).iterdir()) == []


def test_without_a_terminal_it_shows_the_status_once(environ: dict[str, str]) -> None:
    done = subprocess.run(
        PROGRAM,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "mode independent" in done.stdout
    assert done.stdout.count("GeForce RTX 4090") == 2
    assert "docs/development.md" in done.stdout
    assert done.stdout.endswith("polarisd has stopped\n")


@pytest.mark.parametrize("leave", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_on_a_terminal_it_shows_the_monitor(environ: dict[str, str], leave: bytes) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(PROGRAM[0], PROGRAM, {**environ, "TERM": "xterm-256color"})
    try:
        text = read_until(terminal, rb"press Enter")
        daemon = int(re.findall(rb"pid (\d+)", text)[0])
        socket_path = re.findall(rb"export POLARIS_SOCKET=(\S+)", text)[0]
        assert len(gpus_through(socket_path)) == 2
        os.write(terminal, b"\n")
        read_until(terminal, rb"\x1b\[\?1049h[\s\S]*RTX 4090")
        os.write(terminal, leave)
        read_until(terminal, rb"polarisd has stopped")
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not Path(f"/proc/{daemon}").exists()


def gpus_through(path: bytes) -> list[str]:
    """The GPUs that another terminal sees."""
    command = [str(Path(sys.executable).parent / "polarisctl"), "gpus", "--json"]
    environ = {**os.environ, "POLARIS_SOCKET": os.fsdecode(path)}
    told = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=DEADLINE_S)
    return [gpu["uuid"] for gpu in json.loads(told.stdout)["gpus"]]


def read_until(terminal: int, pattern: bytes) -> bytes:
    """What the terminal showed, up to `pattern`.  AssertionError at the deadline."""
    text, deadline = b"", time.monotonic() + DEADLINE_S
    while not re.search(pattern, text):
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, text
        text += os.read(terminal, 1 << 16)
    return text
