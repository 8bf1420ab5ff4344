"""A worker's stdin and stdout as the daemon has them, in the two ways in which one comes to be.

`Spawned` is a child of the daemon; `Connected` is one that systemd starts for a connection
to its socket, in a unit with limits of its own.  `link` makes and ends them.  I/O only.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import trio
from trio.lowlevel import FdStream

log = logging.getLogger(__name__)

_READ_BYTES = 1 << 16
_CONNECT_DEADLINE_S = 5.0
_CREDENTIALS = struct.Struct("iii")  # pid, uid, gid


class Pipe(Protocol):
    """`pid` is the kernel's word, None while it is not known."""

    @property
    def pid(self) -> int | None: ...
    async def send(self, data: bytes) -> None: ...
    async def receive(self) -> bytes:
        """What has come; empty when the worker has ended."""

    async def end_sending(self) -> None:
        """Close its stdin, which tells it to go."""

    def kill(self) -> None: ...
    async def wait_ended(self) -> None: ...
    def has_ended(self) -> bool:
        """Without waiting.  A child that has ended is reaped."""

    def close(self) -> None:
        """Let go of it: nothing else may be asked of it after that."""


class Spawned:
    """A child process; made of one whose stdin and stdout are pipes."""

    def __init__(self, process: trio.Process) -> None:
        assert isinstance(process.stdin, FdStream) and isinstance(process.stdout, FdStream)
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def send(self, data: bytes) -> None:
        await self._stdin.send_all(data)

    async def receive(self) -> bytes:
        return bytes(await self._stdout.receive_some(_READ_BYTES))

    async def end_sending(self) -> None:
        await self._stdin.aclose()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)

    async def wait_ended(self) -> None:
        await self._process.wait()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        self._stdin.close()
        self._stdout.close()


class Connected:
    """A process that has our connection as its stdin and stdout.

    Whose it is, the kernel says with the first bytes that come.  Before that its end is
    seen only from the connection, which then ends too.
    """

    def __init__(self, connection: trio.socket.SocketType) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket = connection
        self._stream = trio.SocketStream(connection)
        self._pidfd: int | None = None
        self._pid: int | None = None
        self._ended = False

    @property
    def pid(self) -> int | None:
        return self._pid

    async def send(self, data: bytes) -> None:
        await self._stream.send_all(data)

    async def receive(self) -> bytes:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            data, ancillary, _, _ = await self._socket.recvmsg(_READ_BYTES, space)
        except ConnectionResetError:  # it ended without reading all that we had sent
            data, ancillary = b"", []
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and data:
                self._take_pid(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0])
        self._ended = self._ended or not data
        return data

    def _take_pid(self, pid: int) -> None:
        if self._pid is None and pid > 1 and pid != os.getpid():
            self._pid = pid
            with suppress(ProcessLookupError):  # it has ended already
                self._pidfd = os.pidfd_open(pid)

    async def end_sending(self) -> None:
        with suppress(trio.BrokenResourceError):
            await self._stream.send_eof()

    def kill(self) -> None:
        if self._pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:
            log.error("may not end the worker (pid %s): it belongs to another user", self._pid)

    async def wait_ended(self) -> None:
        if self._pidfd is not None:
            await trio.lowlevel.wait_readable(self._pidfd)
            return
        while not self._ended:
            await self.receive()

    def has_ended(self) -> bool:
        if self._pidfd is not None:
            return bool(select.select([self._pidfd], [], [], 0)[0])
        while not self._ended:
            try:
                self._ended = not os.read(self._socket.fileno(), _READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self._ended = True
        return self._ended

    def close(self) -> None:
        self._socket.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
            self._ended = True


async def connect(path: Path) -> Connected:
    """OSError if nobody listens there; TimeoutError is one, too."""
    connection = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with trio.move_on_after(_CONNECT_DEADLINE_S) as scope:
            await connection.connect(str(path))
        if scope.cancelled_caught:
            raise TimeoutError(0, "no answer")
        return Connected(connection)
    except BaseException:
        connection.close()
        raise
