"""What a command is given beside its arguments: the world, as one value.

`main` makes it from the process; a test makes it from strings and a StringIO.
A command reads the environment, the clock and the terminal from here alone.
"""

from __future__ import annotations

import os
import sys
import time

from polarisctl import terminal as _terminal
from polarisctl.client import DEFAULT_DEADLINE_S, Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TextIO

DEFAULT_SOCKET = "/run/polaris/polarisd.sock"
DEFAULT_CONFIG = "/etc/polaris/polaris.toml"


class Arguments:
    """Parsed arguments: what argparse fills, or a verb's DEFAULTS without argparse."""

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Context:
    """Where a command speaks, what it sees, and how it reaches the daemon."""

    def __init__(
        self,
        *,
        socket_path: str = DEFAULT_SOCKET,
        socket_named: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        terminal: _terminal.Terminal | None = None,
        program: str = "",
        euid: int | None = None,
        now: Callable[[], float] = time.time,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> None:
        self.socket_path = socket_path
        self.socket_named = socket_named  # with --socket, so: this daemon and no other
        self.stdout = stdout if stdout is not None else sys.stdout
        self.stderr = stderr if stderr is not None else sys.stderr
        self.environ = environ if environ is not None else os.environ
        self.terminal = terminal or _terminal.detect(self.stdout, self.environ)
        self.program = program  # the path polarisctl was started as
        self.euid = os.geteuid() if euid is None else euid
        self.now = now
        self.deadline_s = deadline_s

    def connect(self) -> Client:
        return Client(self.socket_path, deadline_s=self.deadline_s)

    def print(self, text: str = "") -> None:
        self.stdout.write(text + "\n")

    def print_json(self, value: object) -> None:
        from polarisctl.json_text import json_text  # slow to load, so only where it is used

        self.stdout.write(json_text(value) + "\n")

    def warn(self, text: str) -> None:
        self.stderr.write(f"polarisctl: {text}\n")
