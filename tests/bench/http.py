"""A signed request to the HTTP face, beside the same unsigned to a bare hypercorn and starlette.

Both run at the same time and are asked in turn; what is compared is the processor time
that the server takes for each request.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

from polarisd.http import auth
from polarisd.keys import Hotkey, from_seed
from tests.bench.http_peer import HOTKEY
from tests.bench.place import REPOSITORY, Place
from tests.bench.process import cpu_s, memory_bytes
from tests.bench.result import Row, bounded, compared, number

ROUNDS = 9
ASKED_PER_ROUND = 300
_BODY = json.dumps({"gpus": [f"GPU-{i:036}" for i in range(8)], "sequence": 1}).encode()
_TARGET = 2.5


def run(place: Place) -> Iterator[Row]:
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(_server(kind)) for kind in ("face", "bare")}
        cpu: dict[str, list[float]] = {kind: [] for kind in servers}
        wall: dict[str, list[float]] = {kind: [] for kind in servers}
        for turn in range(-1, ROUNDS):
            for kind, server in servers.items():
                spent_us, took_us = server.ask(_requests(signed=kind == "face"))
                if turn >= 0:  # the first round warms up
                    cpu[kind].append(spent_us)
                    wall[kind].append(took_us)
        refused_us = median(
            servers["face"].ask([_request(_BODY, {})] * ASKED_PER_ROUND, anew=True)[0]
            for _ in range(3)
        )
        memory_mb = memory_bytes(servers["face"].pid)[0] / 1e6
    ours, theirs = (median(cpu[kind]) for kind in ("face", "bare"))
    what = f"CPU of a signed request of {len(_BODY)} bytes and its signed reply"
    yield compared(
        what, ours, "unsigned, bare hypercorn and starlette", theirs, at_most=_TARGET, unit="µs"
    )
    verify_us, sign_us = _cost_of_keys()
    yield Row("of which are sr25519", f"{number(verify_us)} µs checking, {number(sign_us)} signing")
    per_s = {kind: 1e6 / median(wall[kind]) for kind in wall}
    yield Row(
        "signed requests one after another, on one connection",
        f"{number(per_s['face'])} /s",
        f"unsigned, bare: {number(per_s['bare'])} /s",
        per_s["face"] / per_s["bare"],
    )
    yield compared(
        "CPU of an unsigned request that is refused, with its connection",
        refused_us, "a signed one that is taken", ours, unit="µs",
    )  # fmt: skip
    yield bounded("memory of a process with nothing but a face", memory_mb, "MB")


class _Server:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.pid = process.pid
        self._address = ("127.0.0.1", int(process.stdout.readline()))

    def ask(self, requests: Sequence[bytes], *, anew: bool = False) -> tuple[float, float]:
        """Microseconds of processor and of waiting for each.  `anew`: a connection each."""
        begun_cpu, begun = cpu_s(self.pid), time.perf_counter()
        stream: socket.socket | None = None
        for request in requests:
            if stream is None or anew:
                stream = socket.create_connection(self._address)
            stream.sendall(request)
            _reply(stream, refused=anew)
            if anew:
                stream.close()
        if stream is not None:
            stream.close()
        per_us = 1e6 / len(requests)
        return (cpu_s(self.pid) - begun_cpu) * per_us, (time.perf_counter() - begun) * per_us


def _reply(stream: socket.socket, *, refused: bool) -> None:
    data = b""
    while True:
        piece = stream.recv(1 << 16)
        if not piece or (not data and piece.startswith(b"HTTP/1.1 200") == refused):
            raise SystemExit(f"cannot measure the HTTP face: it said {piece!r}")
        data += piece
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            if len(body) >= int(length):
                return


def _requests(*, signed: bool) -> list[bytes]:
    hotkey = from_seed(b"g" * 32)
    return [_request(_BODY, _signature(hotkey) if signed else {}) for _ in range(ASKED_PER_ROUND)]


def _signature(hotkey: Hotkey) -> dict[str, str]:
    return auth.sign(
        hotkey, method="POST", target="/echo", body=_BODY, receiver=HOTKEY.ss58,
        nonce_ns=time.time_ns(),
    )  # fmt: skip


def _request(body: bytes, headers: dict[str, str]) -> bytes:
    fields = {"host": "127.0.0.1", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /echo HTTP/1.1\r\n{lines}\r\n".encode() + body


def _cost_of_keys() -> tuple[float, float]:
    hotkey = from_seed(b"g" * 32)
    headers = [(n.encode(), v.encode()) for n, v in _signature(hotkey).items()]
    claim = auth.read(headers)
    assert isinstance(claim, auth.Claim)
    begun = time.perf_counter()
    for _ in range(ASKED_PER_ROUND):
        auth.check(claim, method="POST", target="/echo", body=_BODY)
    checked = time.perf_counter()
    for _ in range(ASKED_PER_ROUND):
        hotkey.sign(_BODY)
    ended = time.perf_counter()
    per_us = 1e6 / ASKED_PER_ROUND
    return (checked - begun) * per_us, (ended - checked) * per_us


@contextmanager
def _server(kind: str) -> Iterator[_Server]:
    command = [sys.executable, "-m", "tests.bench.http_peer", kind]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _Server(process)
        finally:
            process.terminate()
