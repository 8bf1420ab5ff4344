"""A daemon of fake GPUs for as long as a benchmark needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.place import Place
from tests.fakes.nvml import FakeNvml

READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Running:
    """`ready_s` is the time from exec to READY=1; `env` is for its clients."""

    pid: int
    socket_path: str
    ready_s: float
    env: dict[str, str]


def machine(place: Place, gpus: int) -> FakeNvml:
    """A machine of its own for each process that is measured, so that calls can be counted."""
    return FakeNvml.create(tempfile.mkdtemp(dir=place.directory), "h100", gpus)


@contextmanager
def running(place: Place, fake: FakeNvml, *, library: bool = True) -> Iterator[Running]:
    """`library=False` is a machine without a driver."""
    home = Path(tempfile.mkdtemp(dir=place.directory))
    (home / "state").mkdir()
    config = home / "polaris.toml"
    config.write_text(
        f'[control]\nsocket_path = "{home}/sock"\nmax_sessions = 128\n'
        f'[state]\ndirectory = "{home}/state"\n'
    )
    env = fake.env(library=library)
    command = [str(place.polarisd), "--config", str(config)]
    with _notify_socket(home) as (address, listener), open(home / "log", "wb") as log:
        begun = time.perf_counter()
        daemon = subprocess.Popen(
            command, env={**env, "NOTIFY_SOCKET": address}, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            _wait_until_ready(listener, home / "log")
            ready_s = time.perf_counter() - begun
            client_env = {**env, "POLARIS_SOCKET": f"{home}/sock", "LANG": "C.UTF-8"}
            yield Running(daemon.pid, f"{home}/sock", ready_s, client_env)
        finally:
            daemon.terminate()
            try:
                daemon.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@contextmanager
def _notify_socket(home: Path) -> Iterator[tuple[str, socket.socket]]:
    address = os.fspath(home / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(READY_DEADLINE_S)
        yield address, listener


def _wait_until_ready(listener: socket.socket, log: Path) -> None:
    try:
        while b"READY=1" not in listener.recv(4096):
            pass
    except TimeoutError:
        raise SystemExit(f"cannot measure: polarisd did not start:\n{log.read_text()}") from None
