"""A worker's pipe, as a child's and as a connection's: frames, its end, and those that stay."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio

from polarisd.api import wire
from polarisd.bench import intake
from polarisd.bench.launch import as_child, through_socket
from polarisd.bench.link import MAX_FRAMES, Link, Start, Strays, WorkerLost, open_link
from polarisd.bench.pipes import Connected, Pipe, Spawned
from tests.fakes import bench_worker
from tests.fakes.bench_worker import Step
from tests.fakes.worker_socket import WorkerSocket
from tests.unit.bench_support import DEADLINE_S, DONE, FIGURES, HELLO, OBEY

JOB = {"backend": "cupy", "gpu_uuid": "GPU-1", "tests": ["gemm_bf16"]}
CHILD, CONNECTION = "child", "connection"
WAYS = (CHILD, CONNECTION)


@contextmanager
def starting(way: str, *steps: Step) -> Iterator[Start]:
    def argv() -> list[str]:
        return bench_worker.argv(*steps)

    if way == CHILD:
        yield as_child(os.environ, lambda: None, lambda _: argv())
        return
    with TemporaryDirectory() as directory:
        path = Path(directory) / "worker.sock"
        listener = WorkerSocket(path, argv, os.environ)
        try:
            yield through_socket(path)
        finally:
            listener.close()


@asynccontextmanager
async def linked(way: str, *steps: Step) -> AsyncIterator[tuple[Link, Strays]]:
    """A link to such a worker, with the job sent.  It must be gone afterwards."""
    strays = Strays()
    with starting(way, *steps) as start, trio.fail_after(DEADLINE_S):
        async with open_link(start, "GPU-1", strays) as link:
            await link.send(JOB)
            yield link, strays
        strays.check()
        strays.check()
        assert link.pid is None or not exists(link.pid)


def exists(pid: int) -> bool:
    """And is no zombie, which is for systemd to reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("way", WAYS)
async def test_frames_go_both_ways(way: str) -> None:
    async with linked(way, HELLO, FIGURES, DONE, OBEY) as (link, _):
        hello = intake.read(await link.receive())
        assert isinstance(hello, intake.Hello)
        assert (hello.pid, hello.device_uuid) == (link.pid, "GPU-1")
        assert isinstance(intake.read(await link.receive()), intake.Step)
        assert isinstance(intake.read(await link.receive()), intake.Measured)
        assert intake.read(await link.receive()) == intake.Done()
        link.let_go()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("steps", [(HELLO,), (HELLO, {"do": "die"})])
async def test_one_that_ends(way: str, steps: tuple[Step, ...]) -> None:
    async with linked(way, *steps) as (link, _):
        with pytest.raises(WorkerLost, match="ended before it was done"):
            await everything(link)


async def test_a_child_that_ends_without_a_word() -> None:
    async with linked(CHILD) as (link, _):
        with pytest.raises(WorkerLost, match="ended before it was done") as lost:
            await everything(link)
        assert "socket" not in lost.value.remedy


async def test_one_that_only_says_that_it_lives() -> None:
    async with linked(CHILD, {"do": "bytes", "hex": "c0", "times": MAX_FRAMES + 1}, OBEY) as it:
        with pytest.raises(WorkerLost, match="sent more than"):
            await it[0].receive()


async def everything(link: Link) -> None:
    while True:
        await link.receive()


@pytest.mark.parametrize("way", WAYS)
async def test_one_that_hangs_is_killed(way: str) -> None:
    async with linked(way, HELLO, {"do": "hang"}) as (link, _):
        await link.receive()
        assert link.pid is not None and exists(link.pid)


@pytest.mark.parametrize("way", WAYS)
async def test_one_that_goes_when_it_is_let_is_not_killed(way: str, tmp_path: Path) -> None:
    """It may take its time: what it does last is done."""
    waits = {"do": "wait", "path": str(tmp_path / "go")}
    async with linked(way, HELLO, waits, OBEY) as (link, _):
        await link.receive()
        link.let_go()
        (tmp_path / "go").touch()


async def test_one_that_does_not_read_its_stdin(mock_clock: trio.testing.MockClock) -> None:
    with starting(CHILD, {"do": "hang"}) as start:
        async with open_link(start, "", Strays()) as link, trio.open_nursery() as nursery:
            nursery.start_soon(refused, link)
            await trio.testing.wait_all_tasks_blocked(0.05)
            mock_clock.jump(60)


async def refused(link: Link) -> None:
    with pytest.raises(WorkerLost, match="does not read"):
        await link.send({"filling": bytes(900_000)})


async def test_what_a_worker_says_before_it_ends_is_heard_though_it_reads_nothing() -> None:
    failed = {"kind": "failed", "code": "no_gpu", "message": "none", "hint": ""}
    async with linked(CHILD, {"do": "send", "frame": failed}) as (link, _):
        assert isinstance(intake.read(await link.receive()), intake.Failed)
        for _ in range(100):
            await link.send({"late": bytes(10_000)})


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(WorkerLost, match=r"worker\.sock: No such file") as lost:
        await through_socket(tmp_path / "worker.sock")("")
    assert "polaris-worker.socket" in lost.value.remedy


async def test_a_connection_that_is_ended_at_once(tmp_path: Path) -> None:
    """As by systemd when there are too many."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        async with open_link(through_socket(path), "", Strays()) as link:
            listener.accept()[0].close()
            await link.send(JOB)
            with pytest.raises(WorkerLost, match="no worker was started") as lost:
                await link.receive()
            assert "systemctl status polaris-worker.socket" in lost.value.remedy
            assert link.pid is None


async def test_before_it_has_said_a_word_a_connection_tells_that_it_is_over() -> None:
    with starting(CONNECTION, OBEY) as start, trio.fail_after(DEADLINE_S):
        pipe = await start("")
        await pipe.send(wire.pack(JOB))
        assert pipe.pid is None
        assert not pipe.has_ended()
        await pipe.end_sending()
        await pipe.wait_ended()
        assert pipe.has_ended()
        pipe.close()


# Those that SIGKILL does not end.


async def sleeping() -> Pipe:
    return Spawned(
        await trio.lowlevel.open_process(
            ["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    )


async def test_no_worker_is_started_beside_two_that_hang() -> None:
    strays = Strays()
    pipes = [await sleeping(), await sleeping()]
    for pipe in pipes:
        strays.check()
        strays.add(pipe)
    with pytest.raises(WorkerLost, match=r"2 earlier workers .* hang in the driver") as lost:
        async with open_link(sleeping_for_nobody, "", strays):
            raise AssertionError("it was started")
    assert f"pid {pipes[0].pid}, pid {pipes[1].pid}" in str(lost.value)
    assert lost.value.remedy
    for pipe in pipes:
        assert pipe.pid is not None
        os.kill(pipe.pid, signal.SIGKILL)
        with trio.fail_after(DEADLINE_S):
            await pipe.wait_ended()
    strays.check()


async def sleeping_for_nobody(gpu_uuid: str) -> Pipe:
    raise AssertionError("it was asked to start")


async def test_a_connection_of_our_own_is_nobody_to_kill() -> None:
    """The kernel names this very process as the other end."""
    ours, theirs = trio.socket.socketpair()
    pipe = Connected(ours)
    await theirs.send(b"x")
    assert await pipe.receive() == b"x"
    assert pipe.pid is None
    pipe.kill()
    assert not pipe.has_ended()
    theirs.close()
    assert pipe.has_ended()
    pipe.close()
