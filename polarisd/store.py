"""Small JSON documents in the state directory, each written whole or not at all.

`remembered` reads them, `services` writes them, `main` locks the directory.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from pathlib import Path

_MAX_BYTES = 4 << 20
# What cannot be understood is kept for a person, and not without end.
_MAX_ASIDE = 8
_LOCK_FILE = "lock"


class NotUnderstood(Exception):
    """There is a file, and it is no document; the text says why."""


class InUse(Exception):
    """Another daemon holds the state directory."""


def lock(directory: Path) -> int:
    """Keep the directory from other daemons while the returned descriptor is open.

    InUse if one has it; OSError.  The file stays when it is over: what counts is
    the lock, which the kernel takes back however its holder ends.
    """
    path = directory / _LOCK_FILE
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise InUse from None
        raise OSError(error.errno, error.strerror, str(path)) from None
    return descriptor


def _open_lock(path: Path) -> int:
    """A file to lock, whoever made it: only reading it is asked for."""
    flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    if os.fstat(descriptor).st_uid == os.geteuid():
        # Else a daemon once run by root would lock out that of another user.
        os.fchmod(descriptor, 0o644)
    return descriptor


def read(path: Path) -> dict[str, object] | None:
    """The document, or None where there is no file.

    NotUnderstood if it is no document; OSError if it cannot be read at all.
    """
    try:
        raw = _read_bytes(path)
    except FileNotFoundError:
        return None
    try:
        if len(raw) > _MAX_BYTES:
            raise ValueError("it is too large")
        document = json.loads(raw)
        if not isinstance(document, dict):
            raise ValueError("it is not an object")
        return document
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(str(error)) from None


def set_aside(path: Path) -> Path:
    """Keep a copy of what cannot be understood for whoever looks into it; OSError.

    Each content once, and none over another while there is room.  Of a file that
    is far too large, the beginning.
    """
    raw = _read_bytes(path)
    names = [path.with_name(path.name + ".bad")]
    names += [path.with_name(f"{path.name}.bad.{n}") for n in range(2, _MAX_ASIDE + 1)]
    for aside in names:
        try:
            if _read_bytes(aside) == raw:
                return aside
        except FileNotFoundError:
            break
        except OSError:
            continue  # whatever it is, it is not ours to replace
    _replace(aside, raw)
    return aside


def write(path: Path, document: dict[str, object]) -> None:
    """Replace the document.  After a crash the file is the old one or the new one."""
    _replace(path, json.dumps(document, indent=1).encode() + b"\n")


def _read_bytes(path: Path) -> bytes:
    # O_NONBLOCK: to open a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    scratch = path.with_name(path.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(scratch, flags, 0o644)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    scratch.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
