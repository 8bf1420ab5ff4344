"""journald's end of its socket, for tests."""

from __future__ import annotations

import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Journald:
    """The socket of a journal, and what was sent to it, in its own protocol."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.bind(str(path))

    def entry(self) -> dict[str, str]:
        data = self.socket.recv(1 << 20)
        found: dict[str, str] = {}
        while data:
            line, data = data.split(b"\n", 1)
            name, separator, value = line.partition(b"=")
            if not separator:
                (length,) = struct.unpack("<Q", data[:8])
                value, end, data = data[8 : 8 + length], data[8 + length], data[9 + length :]
                assert end == ord("\n")
            assert name.decode() not in found
            found[name.decode()] = value.decode()
        return found

    def stop(self) -> None:
        self.socket.close()
        self.path.unlink()


@contextmanager
def journald() -> Iterator[Journald]:
    with tempfile.TemporaryDirectory() as directory:
        journal = Journald(Path(directory) / "socket")
        try:
            yield journal
        finally:
            journal.socket.close()
