"""A port of a box's loopback that leads to one of the host's: what a box reaches of us.

A box has no network but to itself; a program of the tests, such as a devnode, runs on the host.
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
HERE = "127.0.0.1"
CHUNK_BYTES = 1 << 16
CONNECT_TIMEOUT_S = 5

_libc = ctypes.CDLL(None, use_errno=True)


class Tunnel:
    """Passes on whatever comes to `port` in the network of process `pid`, until `close`."""

    def __init__(self, pid: int, port: int, host_port: int) -> None:
        self._host_port = host_port
        self._listener = in_network_of(pid, lambda: socket.create_server((HERE, port)))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for sock in (self._listener, *self._open):
            _end(sock)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                ours = socket.create_connection((HERE, self._host_port), CONNECT_TIMEOUT_S)
            except OSError:
                caller.close()  # nobody is there, which the box notices
                continue
            ours.settimeout(None)
            self._open |= {caller, ours}
            for pair in ((caller, ours), (ours, caller)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                target.sendall(data)
        # both threads come here: the end of one direction is the end of the connection
        _end(source)
        _end(target)
        self._open -= {source, target}


def in_network_of(pid: int, make: Callable[[], T]) -> T:
    """What `make` returns when called in another process's network; sockets stay in it."""
    made: list[T] = []
    raised: list[BaseException] = []

    def enter() -> None:
        # a thread of its own: it goes, and no other ever was anywhere else
        try:
            with open(f"/proc/{pid}/ns/net", "rb") as network:
                if _libc.setns(network.fileno(), CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            made.append(make())
        except BaseException as error:  # handed on to who asked
            raised.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return made[0]


def _end(sock: socket.socket) -> None:
    """Also for a thread that waits for it, which close() alone would leave waiting."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
