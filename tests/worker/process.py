"""A worker process, and the daemon's end of it."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import IO, Any

import msgpack

from polarisd.bench import intake

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


class Worker:
    """Runs; through pipes, or with `through_socket` through one socket, as under systemd."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        stderr: IO[bytes] | int,
        through_socket: bool = False,
    ) -> None:
        path = os.pathsep.join(filter(None, (environ.get("PYTHONPATH"), str(ROOT))))
        ends = socket.socketpair() if through_socket else None
        self._socket = ends[0] if ends else None
        theirs = ends[1].fileno() if ends else subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polarisd.bench.worker.main"],
            env={**environ, "PYTHONPATH": path},
            stdin=theirs,
            stdout=theirs,
            stderr=stderr,
        )
        if ends:
            ends[1].close()
        self._unpacker = msgpack.Unpacker()

    def send(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.sendall(data)
            return
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, **job: object) -> Worker:
        self.send(msgpack.packb(job))
        return self

    def frames(self) -> Iterator[dict[str, Any]]:
        """Each as it comes, and to the daemon's liking, until the process ends."""
        until = monotonic() + DEADLINE_S
        while data := self._receive(until):
            self._unpacker.feed(data)
            for frame in filter(None, self._unpacker):
                if frame["kind"] != "message":  # those are a validator's to judge
                    intake.read(frame)
                yield frame

    def _receive(self, until: float) -> bytes:
        if self._socket is not None:
            fd = self._socket.fileno()
        else:
            assert self.process.stdout is not None
            fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], max(0.0, until - monotonic()))[0]:
            raise AssertionError("the worker says nothing")
        return os.read(fd, 1 << 16)

    def wait_for(self, kind: str) -> dict[str, Any]:
        """The next frame of that kind; the ones before it are let go."""
        for frame in self.frames():
            if frame["kind"] == kind:
                return frame
        raise AssertionError(f"the worker ended and said no {kind}")

    def end_sending(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_WR)
        else:
            assert self.process.stdin is not None
            self.process.stdin.close()

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout, self._socket):
            if pipe is not None:
                pipe.close()
