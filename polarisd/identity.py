"""The hotkey that this daemon signs with: a systemd credential, read once at the start.

`main` calls `load`.  That there is none, or that it cannot be used, is a value:
the daemon runs without, and says so.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from polarisd.keys import MAX_KEYFILE_BYTES, BadKeyfile, Hotkey, from_keyfile

# The unit loads /etc/polaris/credentials/hotkey under this name; a blank one stands for none.
CREDENTIAL = "polaris_hotkey"


@dataclass(frozen=True, slots=True)
class NoHotkey:
    """There is none; `why` is empty, or what is wrong with the one that is there."""

    why: str = ""
    remedy: str = ""


Identity = Union[Hotkey, NoHotkey]


def load(environ: Mapping[str, str]) -> Identity:
    """Blocking, but never for long: what is not a regular file is not read."""
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        return NoHotkey()
    path = Path(directory) / CREDENTIAL
    try:
        content = _read(path)
        return from_keyfile(content) if content.strip() else NoHotkey()
    except FileNotFoundError:
        return NoHotkey()
    except OSError as error:
        why = f"cannot read the hotkey {path}: {error.strerror}"
        return NoHotkey(why, "see what is in /etc/polaris/credentials, then restart polarisd")
    except BadKeyfile as error:
        return NoHotkey(f"cannot use the hotkey: {error}", error.remedy)


def _read(path: Path) -> bytes:
    # O_NONBLOCK: to open a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadKeyfile("it is not a regular file", "put a keyfile in its place")
        return file.read(MAX_KEYFILE_BYTES + 1)
