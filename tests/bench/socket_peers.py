"""Raw sockets: the blocking client that asks, and the plain server that it also asks.

`python -m tests.bench.socket_peers PATH BYTES` is that server: a thread a client, and for
each request a canned answer of so many bytes; 0 gives the request back.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgpack

from tests.bench.place import REPOSITORY

_CHUNK_BYTES = 1 << 16
_CONNECT_DEADLINE_S = 10.0
_ANSWER_DEADLINE_S = 10.0


class Asker:
    """A blocking client that knows how long the answer is, or where it ends."""

    def __init__(self, path: str) -> None:
        self._socket = connect(path)

    def ask(self, request: bytes, answer_bytes: int) -> None:
        self._socket.sendall(request)
        left = answer_bytes
        while left > 0:
            left -= len(self._receive())

    def ask_msgpack(self, request: bytes) -> int:
        """Read one whole MessagePack value; returns its size."""
        self._socket.sendall(request)
        unpacker = msgpack.Unpacker()
        while True:
            unpacker.feed(self._receive())
            try:
                unpacker.skip()
            except msgpack.OutOfData:
                continue
            return int(unpacker.tell())

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(_CHUNK_BYTES)
        if not data:
            raise SystemExit("cannot measure: the server closed the connection")
        return data


def connect(path: str) -> socket.socket:
    until = time.monotonic() + _CONNECT_DEADLINE_S
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(_ANSWER_DEADLINE_S)
        try:
            client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            client.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return client


@contextmanager
def plain_server(path: Path, answer_bytes: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.socket_peers", str(path), str(answer_bytes)]
    server = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        yield str(path)
    finally:
        server.kill()
        server.wait()


def _serve(path: str, answer_bytes: int) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_answer, args=(client, answer_bytes), daemon=True).start()


def _answer(client: socket.socket, answer_bytes: int) -> None:
    canned = bytes(answer_bytes)
    with client:
        while data := client.recv(_CHUNK_BYTES):
            client.sendall(canned or data)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
