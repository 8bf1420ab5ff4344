"""systemd's end of the notification socket, for tests."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


class Manager:
    """The socket on which systemd listens to a service."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)

    def told(self) -> str:
        return self.socket.recv(4096).decode("ascii")

    def has_been_told_nothing(self) -> bool:
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(5)


@contextmanager
def manager(address: str | None = None) -> Iterator[Manager]:
    with tempfile.TemporaryDirectory() as directory:
        made = Manager(address or f"{directory}/notify")
        try:
            yield made
        finally:
            made.socket.close()
