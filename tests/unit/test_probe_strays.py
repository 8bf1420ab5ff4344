"""Children that SIGKILL does not end: few, told of, and reaped when they die at last."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from polarisd.gpu.link import LinkLost, Strays, open_link


@pytest.fixture
def left() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that live until a test kills them."""
    processes = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def exists(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Let it die and leave it to be reaped by others."""
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


async def test_no_child_is_started_beside_two_that_hang(
    left: list[subprocess.Popen[bytes]],
) -> None:
    strays = Strays()
    for process in left:
        strays.check()
        strays.add(process)
    pids = f"{left[0].pid}, {left[1].pid}"
    with pytest.raises(LinkLost, match=rf"2 earlier NVML processes \({pids}\) hang"):
        async with open_link(os.environ, strays):
            raise AssertionError("it was started")
    end(left[0])
    strays.check()
    assert not exists(left[0].pid), "it was not reaped"
    assert exists(left[1].pid)


async def test_a_child_that_dies_at_once_is_none() -> None:
    strays = Strays()
    for _ in range(3):
        async with open_link({}, strays):
            pass
    strays.check()
