"""For the tests of polarisctl: a scripted daemon, and polarisctl run against it.

The daemon is a thread behind a real Unix socket that answers from a script.
"""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polarisctl.main import main
from polarisd.api import errors, wire

HELLO = {"version": "0.1.0", "protocol_major": 1, "protocol_minor": 0, "pid": 7, "access": "admin"}
ROOT = Path(__file__).parents[2]
BRIEF_S = 0.05
WAIT_S = 10.0  # what nothing here comes near, unless it hangs

Answer = object  # a result, a ControlError, or a function of the params


class Peer:
    """A daemon that answers each method as scripted, and notes what it was asked."""

    def __init__(self, path: Path, answers: dict[str, Answer]) -> None:
        self.path = path
        self.answers = {"hello": HELLO, **answers}
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.writes: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._listener.settimeout(WAIT_S)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                session, _ = self._listener.accept()
            except OSError:
                return
            with session:
                session.settimeout(WAIT_S)
                with suppress(OSError):  # of a client that goes in the middle, as tests want
                    self._session(session)

    def _session(self, session: socket.socket) -> None:
        decoder = wire.Decoder()
        while data := session.recv(1 << 16):
            self.writes.append(data)
            decoder.feed(data)
            for frame in decoder:
                msgid, method, params = wire.parse_request(frame)
                assert msgid is not None
                self.asked.append((method, params))
                session.sendall(self._answer(msgid, method, params))

    def _answer(self, msgid: int, method: str, params: dict[str, object]) -> bytes:
        answer = self.answers.get(method)
        if answer is None:
            answer = errors.ControlError(errors.UNKNOWN_METHOD, f"no method {method}")
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, errors.ControlError):
            return wire.error_reply(msgid, answer)
        return wire.reply(msgid, answer)


@contextmanager
def daemon(path: Path, **answers: Answer) -> Iterator[Peer]:
    peer = Peer(path, answers)
    try:
        yield peer
    finally:
        peer.close()


@contextmanager
def raw_daemon(path: Path, talk: Callable[[socket.socket], None]) -> Iterator[None]:
    """A peer of one session, which `talk` holds byte by byte and then ends."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(1)

    def serve() -> None:
        session, _ = listener.accept()
        with session:
            session.settimeout(WAIT_S)
            talk(session)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(WAIT_S)
        listener.close()
        assert not thread.is_alive()


def ctl(*words: str, **environ: str) -> tuple[int, str, str]:
    """Run polarisctl in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = main(list(words), stdout=out, stderr=err, environ={"LANG": "C.UTF-8", **environ})
    return code, out.getvalue(), err.getvalue()


def asked(peer: Peer) -> list[tuple[str, dict[str, object]]]:
    """What it was asked, greetings left out."""
    return [request for request in peer.asked if request[0] != "hello"]


def run(peer: Peer, *words: str, **environ: str) -> tuple[int, str, str]:
    return ctl(*words, POLARIS_SOCKET=str(peer.path), **environ)


def program(path: Path, text: str) -> Path:
    """An executable of a few lines of Python."""
    path.write_text(f"#!{sys.executable} -IS\n{text}")
    path.chmod(0o755)
    return path


def process(*words: str, program: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """polarisctl in a process of its own, for what it becomes another program for."""
    code = (
        "import sys; from polarisctl.main import main\n"
        f"sys.argv[0] = {program!r}; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env={"PATH": "", "LANG": "C.UTF-8", "PYTHONPATH": ":".join(sys.path), **environ},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def requests(session: socket.socket, count: int) -> list[int]:
    """The message ids of the next `count` requests."""
    decoder = wire.Decoder()
    ids: list[int | None] = []
    while len(ids) < count:
        decoder.feed(session.recv(1 << 16))
        ids += [wire.parse_request(frame)[0] for frame in decoder]
    return [msgid for msgid in ids if msgid is not None]


def greet_and_reply(session: socket.socket, result: object) -> None:
    hello, call = requests(session, 2)
    session.sendall(wire.reply(hello, HELLO) + wire.reply(call, result))
