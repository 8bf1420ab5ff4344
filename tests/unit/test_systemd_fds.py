"""Descriptors to systemd and back, between real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from polarisd.systemd import listening_unix_socket
from tests.unit.systemd_support import manager


class TestListeningUnixSocket:
    def test_takes_a_listening_one(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            taken = listening_unix_socket(os.dup(listener.fileno()))
            assert taken is not None
            with taken:
                assert taken.getsockname() == str(tmp_path / "s")

    def test_leaves_anything_else_open_and_alone(self, tmp_path: Path) -> None:
        inet = socket.create_server(("127.0.0.1", 0))
        datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        not_listening = socket.socket(socket.AF_UNIX)
        packets = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        packets.bind(str(tmp_path / "packets"))
        packets.listen()
        pair = socket.socketpair()
        with (
            packets,
            inet,
            datagram,
            not_listening,
            pair[0],
            pair[1],
            (tmp_path / "f").open("w") as file,
        ):
            for wrong in (packets, inet, datagram, not_listening, pair[0], file):
                assert listening_unix_socket(wrong.fileno()) is None
                os.fstat(wrong.fileno())
        with tempfile.TemporaryFile() as gone:
            fd = gone.fileno()
        assert listening_unix_socket(fd) is None


# As the daemon is started: descriptors from 3 on, variables that name this process.
TAKE = """
import os, socket, subprocess, sys
given = [int(fd) for fd in sys.argv[1].split(",")]
held = [os.dup2(fd, 100 + place) for place, fd in enumerate(given)]
for place, fd in enumerate(held):
    os.dup2(fd, 3 + place)
    os.close(fd)
os.environ.update(
    LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)), LISTEN_FDNAMES=sys.argv[2]
)
from polarisd.systemd import Systemd
ours = Systemd.from_environment(os.environ)
"""

STORE = """
import os, signal, socket, sys
from polarisd.systemd import Systemd
ours = Systemd.from_environment(os.environ)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
ours.store_fd(listener, "control")
os.kill(os.getpid(), signal.SIGKILL)
"""

SERVE = (
    TAKE
    + """
listener = ours.stored_socket("control")
assert ours.stored_socket("control") is None
stream, _ = listener.accept()
stream.sendall(b"still here")
"""
)

INSPECT = (
    TAKE
    + """
names = [name for name in os.environ if name.startswith(("LISTEN", "NOTIFY", "WATCHDOG"))]
inheritable = [fd for fd in range(3, 3 + len(given)) if os.get_inheritable(fd)]
found = ours.stored_socket("control")
ours.close_unclaimed()
def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
still_open = [fd for fd in range(3, 3 + len(given)) if is_open(fd)]
print(names, inheritable, found.fileno(), still_open)
"""
)


def run_python(
    code: str, *arguments: str, pass_fds: Sequence[int] = (), notify_socket: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), NOTIFY_SOCKET=notify_socket),
        pass_fds=pass_fds,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_stored_socket_outlives_the_daemon_and_its_clients_are_answered(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with manager() as systemd:
        killed = run_python(STORE, path, notify_socket=systemd.address)
        assert killed.returncode == -9, killed.stderr
        message, fds, _, _ = socket.recv_fds(systemd.socket, 4096, 8)
    assert message == b"FDSTORE=1\nFDNAME=control"
    (fd,) = fds
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(path)  # while there is no daemon
            served = run_python(SERVE, str(fd), "control", pass_fds=fds)
            assert served.returncode == 0, served.stderr
            assert client.recv(100) == b"still here"
    finally:
        os.close(fd)


def test_descriptors_that_are_of_no_use_are_closed_and_none_is_inherited(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as not_listening,
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as second,
        (tmp_path / "file").open("w") as file,
    ):
        for sock, name in ((listener, "a"), (second, "b")):
            sock.bind(str(tmp_path / name))
            sock.listen()
        fds = [sock.fileno() for sock in (not_listening, listener, second, file)]
        names = "control:control:control:of-an-older-version"
        done = run_python(INSPECT, ",".join(map(str, fds)), names, pass_fds=fds)
    assert done.stdout == "[] [] 4 [4]\n", done.stderr


NOTHING_THERE = """
import os
os.closerange(3, 10)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="control")
from polarisd.systemd import Systemd
print(Systemd.from_environment(os.environ).stored_socket("control"))
"""


def test_descriptors_that_are_not_there_are_logged_and_done_without() -> None:
    done = run_python(NOTHING_THERE)
    assert done.stdout == "None\n"
    assert "cannot use descriptor 3 from systemd: [Errno 9]" in done.stderr
    assert "cannot use descriptor 4 from systemd: [Errno 9]" in done.stderr
