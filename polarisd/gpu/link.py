"""The daemon's end of the NVML child: start it, talk to it, end it.  I/O only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgpack
import trio

from polarisd.gpu import raw

# A child that hangs inside the kernel does not die of SIGKILL until the driver
# lets go; then it is left to be reaped later instead of holding up the daemon.
_REAP_DEADLINE_S = 2.0
_SEND_DEADLINE_S = 2.0
# Each holds memory and a hung kernel thread, and the next would hang as they do.
_MAX_STRAYS = 2

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from polarisd.gpu.probe.main import main; main()"


class LinkLost(Exception):
    """The child cannot be used any more; the text says why."""


class Child(Protocol):
    """What is left of a process: `poll` reaps it if it has died."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...


class Strays:
    """Children that SIGKILL has not ended yet, because they hang inside the kernel."""

    def __init__(self) -> None:
        self._left: list[Child] = []

    def add(self, child: Child) -> None:
        self._left.append(child)

    def check(self) -> None:
        """Reap those that have died.  LinkLost while too many have not."""
        self._left = [child for child in self._left if child.poll() is None]
        if len(self._left) >= _MAX_STRAYS:
            pids = ", ".join(str(child.pid) for child in self._left)
            raise LinkLost(
                f"{len(self._left)} earlier NVML processes ({pids}) hang in the driver and "
                "cannot be ended, so no other is started"
            )


def probe_argv() -> list[str]:
    """The child on this very interpreter and module path, isolated as we are."""
    path = [os.path.abspath(entry) for entry in sys.path]
    return [sys.executable, "-I", "-S", "-c", _BOOT, *path]


class Link:
    """Frames to and from one child."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._stdin = process.stdin
        self._stdout = process.stdout

    async def request(self, kinds: Iterable[str], tick: int) -> None:
        """Ask every GPU for a sample, a condition or both.  Raises LinkLost.

        In one write, so that the child sees all that is wanted before it begins.
        """
        request = b"".join(msgpack.packb([kind, tick]) for kind in kinds)
        with trio.move_on_after(_SEND_DEADLINE_S) as scope:
            try:
                await self._stdin.send_all(request)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise LinkLost("the NVML process has ended") from None
        if scope.cancelled_caught:
            raise LinkLost("the NVML process takes no more requests")

    async def frames(self) -> AsyncIterator[list[object]]:
        """Every frame until the child ends.  Raises LinkLost on nonsense."""
        unpacker = msgpack.Unpacker(max_buffer_size=raw.MAX_FRAME_BYTES)
        while data := await self._stdout.receive_some(1 << 16):
            try:
                unpacker.feed(data)
                for frame in unpacker:
                    if not isinstance(frame, list) or not frame:
                        raise LinkLost(f"the NVML process sent {frame!r:.80}")
                    yield frame
            except (ValueError, msgpack.UnpackException) as error:
                raise LinkLost(f"the NVML process sent nonsense: {error}") from None


@asynccontextmanager
async def open_link(environ: Mapping[str, str], strays: Strays) -> AsyncIterator[Link]:
    """A running child; killed, with whatever hangs in it, on the way out.

    LinkLost while too many earlier ones hang.
    """
    strays.check()
    process = await trio.lowlevel.open_process(
        probe_argv(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environ),
    )
    try:
        yield Link(process)
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(_REAP_DEADLINE_S):
            await _end(process)
        if process.returncode is None:
            strays.add(process)


async def _end(process: trio.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    assert process.stdin is not None and process.stdout is not None
    await process.stdin.aclose()
    await process.stdout.aclose()
    await process.wait()
