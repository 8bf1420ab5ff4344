"""A polarisd process with a socket, a state directory and a configuration of its own."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from types import MappingProxyType

import bittensor_core
import psutil

from tests.daemon.client import DEADLINE_S, RawClient

ROOT = Path(__file__).resolve().parents[2]
Sections = Mapping[str, Mapping[str, object]]
NO_CHANGES: Sections = MappingProxyType({})


class Polarisd:
    """Not started yet.  `start` waits for READY, as systemd does."""

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str],
        config: Sections = NO_CHANGES,
        *,
        module: str = "polarisd.main",
    ) -> None:
        self._module = module
        self.directory = directory
        self.socket_path = directory / "run" / "s"
        self.state_directory = directory / "state"
        self.driver_directory = directory / "driver"
        self.config_path = directory / "polaris.toml"
        # whatever this machine has installed is not what is tested
        self.environ = {"POLARIS_GPU_STACKS": "", **with_tree(environ)}
        self.process: subprocess.Popen[bytes] | None = None
        self.told: list[str] = []
        self.options: list[str] = []
        self.expects_traceback = False
        self.user: int | None = None
        self.api_port = 0
        for made in (self.socket_path.parent, self.state_directory, self.driver_directory):
            made.mkdir(exist_ok=True)
        self._log = directory / "log"
        self._log.touch()
        self.configure(config)

    def configure(self, config: Sections) -> None:
        """Write the configuration file: that of these tests, with `config` over it."""
        sections: dict[str, dict[str, object]] = {
            "control": {"socket_path": str(self.socket_path)},
            "state": {"directory": str(self.state_directory)},
            "gpu": {"sample_interval_s": 0.1, "condition_interval_s": 5},
        }
        for name, keys in config.items():
            sections.setdefault(name, {}).update(keys)
        lines: list[str] = []
        for name, keys in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in keys.items()]
        self.config_path.write_text("\n".join(lines) + "\n")

    def give_hotkey(self, seed: bytes, **config: Mapping[str, object]) -> str:
        """A credential as systemd hands it on, and a port of its own to be reached at;
        `config` as `configure` takes it.  The address of the hotkey."""
        credentials = self.directory / "credentials"
        credentials.mkdir(exist_ok=True)
        content, ss58 = keyfile(seed)
        (credentials / "polaris_hotkey").write_bytes(content)
        self.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
        self.api_port = free_port()
        sections = {"network": {"listen_address": "127.0.0.1"}, **config}
        self.configure({"ports": {"api": self.api_port}, **sections})
        return ss58

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it and wait for nothing."""
        self.told = []
        notify = self.directory / "notify"
        notify.unlink(missing_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(notify))
        notify.chmod(0o666)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", self._module),
                    *("--config", str(self.config_path)),
                    *self.options,
                ],
                env={**self.environ, "NOTIFY_SOCKET": str(notify)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else (),
            )
        return self.process

    def start(self) -> Polarisd:
        self.spawn()
        self.wait_told("READY=1")
        return self

    def wait_told(self, line: str) -> None:
        """Until the daemon has told systemd that; all that it told is kept in `told`."""
        assert self.process is not None
        until = monotonic() + DEADLINE_S
        while line not in self.told:
            assert self.process.poll() is None, f"polarisd ended:\n{self.log()}"
            assert monotonic() < until, f"{line} did not come:\n{self.log()}"
            if select.select([self._notify], [], [], 0.1)[0]:
                self.told += self._notify.recv(1 << 16).decode().splitlines()

    def client(self) -> RawClient:
        return RawClient(self.socket_path)

    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        found = psutil.Process(self.pid).children()
        return [child.pid for child in found if child.status() != psutil.STATUS_ZOMBIE]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit code."""
        assert self.process is not None
        code = self.process.wait(DEADLINE_S)
        while select.select([self._notify], [], [], 0)[0]:
            self.told += self._notify.recv(1 << 16).decode().splitlines()
        self._notify.close()
        return code

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """After a test, however it went; whoever still runs must stop in order."""
        if self.process is not None and self.process.poll() is None:
            try:
                code = self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait()
                raise
            assert code == 0, self.log()
        if self.process is not None:
            self._notify.close()


def keyfile(seed: bytes) -> tuple[bytes, str]:
    """A hotkey as bittensor writes it, and its address."""
    pair = bittensor_core.Keypair.create_from_seed(seed)
    return bytes(bittensor_core.serialized_keypair_to_keyfile_data(pair)), pair.ss58_address


def free_port() -> int:
    """Which nobody has, and which is not handed out before some time has gone by."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_tree(environ: Mapping[str, str]) -> dict[str, str]:
    """That environment, in which Python also finds this tree."""
    path = os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH"))))
    return {**environ, "PYTHONPATH": path}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
