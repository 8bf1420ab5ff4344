"""Other programs that a verb hands over to or runs: found, then executed.

`start`, `logs` and `config check` use it; nothing on the way to `status` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NoReturn

from polarisctl.failures import failed

# Where Debian has the programs of administrators, which are not on a user's PATH.
SYSTEM_DIRECTORIES = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


def find_program(name: str, environ: Mapping[str, str], beside: str = "") -> str | None:
    """The path of a program: beside `beside` (another one), on PATH, or where Debian has it."""
    neighbour = os.path.dirname(os.path.realpath(beside)) if beside else ""
    places = [neighbour, environ.get("PATH", ""), SYSTEM_DIRECTORIES]
    return shutil.which(name, path=":".join(filter(None, places)))


def hand_over(program: str, words: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Become `program`, whose exit code is then ours."""
    try:
        os.execve(program, [program, *words], dict(environ))
    except OSError as problem:
        raise failed(f"cannot run {program}: {problem.strerror}") from None


def run(command: Sequence[str], environ: Mapping[str, str], *, deadline_s: float) -> None:
    """Run a command to its end; what it wrote to stderr is the error if it fails."""
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(environ),
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise failed(f"cannot run {shown}: it did not end within {deadline_s:.0f} s") from None
    except OSError as problem:
        raise failed(f"cannot run {shown}: {problem.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"it ended with {done.returncode}"
        raise failed(f"cannot run {shown}: {said}", "see journalctl -u polarisd")
