"""The standard files of the process: there even if they were closed, and failing in words.

`main` alone uses it.  A command writes to its context's stdout and need not think of this.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def hold_standard_files() -> None:
    """Open /dev/null where one of the files 0 to 2 is closed.

    Else the next thing opened gets its number: the daemon's socket as stdout.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, and that is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def stream(number: int, python_s: TextIO | None) -> TextIO:
    """Python's own stream; where it made none, the file having been closed, a new one."""
    if python_s is not None:
        return python_s
    return open(number, "w", encoding="utf-8", closefd=False)


def say(err: TextIO, text: str) -> None:
    """Write to stderr.  Where nobody can be told, the exit code still tells."""
    try:
        err.write(text)
        err.flush()
    except OSError:
        drop(err)


def drop(out: TextIO) -> None:
    """Point it at nothing, or Python complains of what it still holds at its exit."""
    try:
        number = out.fileno()
    except OSError:
        return  # a StringIO has no file
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
