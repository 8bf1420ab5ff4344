"""The devnode's process, and the socket that it is told what to do over."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from tests.devnode import golden
from tests.devnode.options import Options

ROOT = Path(__file__).resolve().parents[2]
END_DEADLINE_S = 20.0
CALL_DEADLINE_S = 30.0
MOST_LOG_BYTES = 1 << 20
Self = TypeVar("Self", bound="Process")


class Process:
    """Not started yet.  `call` blocks until the node has done it."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        self.genesis_hash = ""
        self._port = self.options.port
        self._saved = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._replies: IO[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._told = ""

    # life -------------------------------------------------------------------------------------

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(keep=False)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process is not None, "the node has not been started"
        return self._process.pid

    def start(self) -> None:
        """Returns when it is ready; goes on with what `stop` kept.  RuntimeError with what it said
        if it ends instead."""
        golden.load()  # for the message, if it is missing
        with tempfile.TemporaryDirectory() as directory:
            self._spawn(Path(directory) / "chain")
            self._meet()

    def _spawn(self, saved: Path) -> None:
        if self._saved:
            saved.write_bytes(self._saved)
        options = self.options
        command = [
            sys.executable, "-m", "tests.devnode",
            f"--port={self._port}", f"--seed={options.seed}", f"--interval={options.interval_s}",
            f"--slot-ms={options.slot}", f"--finality-lag={options.finality_lag}",
            f"--spec-version={options.spec_version}", f"--time-offset={options.time_offset_s}",
            *(f"--netuid={netuid}={name}" for netuid, name in options.netuids.items()),
            *([] if options.netuids else ["--only-root"]),
            *(["--instant"] if options.instant else []),
            *([] if options.epoch_consensus else ["--no-epoch-consensus"]),
            *([f"--load={saved}"] if self._saved else []),
        ]  # fmt: skip
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )

    def _meet(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(END_DEADLINE_S)
            self._forget()
            raise RuntimeError(f"cannot start devnode: {self.log()}")
        ready = json.loads(line)
        self._port = ready["port"]
        self.genesis_hash = ready["genesis_hash"]
        self._socket = socket.create_connection(("127.0.0.1", ready["control"]), CALL_DEADLINE_S)
        self._replies = self._socket.makefile("rb")

    def stop(self, *, keep: bool = True) -> None:
        """SIGTERM.  `keep`: the next start goes on with this chain.  Twice is as good as once."""
        self._end(keep, kill=False)

    def kill(self, *, keep: bool = True) -> None:
        """SIGKILL."""
        self._end(keep, kill=True)

    def restart(self, *, keep: bool = True, down_s: float = 0.0, **changes: Any) -> None:
        """On the same port.  Without `keep` from genesis, and with `seed=`, as another chain."""
        self.stop(keep=keep)
        # another interval is not another chain
        self.options = replace(self.options, **{"slot_ms": self.options.slot, **changes})
        time.sleep(down_s)
        self.start()

    def log(self) -> str:
        """What it wrote to standard error, in all its lives."""
        if self._stderr is None:
            return self._told
        # not by reading: the child writes where this file's position is
        now = os.pread(self._stderr.fileno(), MOST_LOG_BYTES, 0).decode(errors="replace")
        return self._told + now

    def _end(self, keep: bool, *, kill: bool) -> None:
        process = self._process
        if process is None:
            self._saved = self._saved if keep else b""
            return
        self._saved = self._chain() if keep else b""
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget()

    def _chain(self) -> bytes:
        self.call("pace", running=False)
        with tempfile.TemporaryDirectory() as directory:
            saved = Path(directory) / "chain"
            self.call("save", path=str(saved))
            return saved.read_bytes()

    def _forget(self) -> None:
        self._told = self.log()
        for used in (self._replies, self._socket, self._stderr):
            if used is not None:
                used.close()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = self._socket = self._replies = self._stderr = None

    def call(self, method: str, /, **params: Any) -> Any:
        """ValueError with the node's words if it will not."""
        if self._socket is None or self._replies is None:
            raise RuntimeError("the devnode does not run")
        request = {"method": method, "params": params}
        self._socket.sendall(json.dumps(request, default=_plain).encode() + b"\n")
        line = self._replies.readline()
        if not line:
            raise RuntimeError(f"devnode has ended: {self.log()}")
        reply = json.loads(line)
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["result"]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    raise TypeError(f"{type(value).__name__} is not for JSON")
