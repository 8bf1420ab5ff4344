"""Small files of which a half is worse than none, read and written.  For `place` and others."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

from polarisctl.failures import failed
from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.keys import MAX_KEYFILE_BYTES


def not_permitted(verb: str, there: Path, why: str) -> ControlError:
    """Root has no use for sudo."""
    if os.geteuid() == 0:
        return failed(
            f"cannot {verb}: {there} cannot be written to, by root either",
            f"look how it is mounted, and whether something protects it: lsattr -d {there}",
        )
    return ControlError(
        errors.NOT_PERMITTED,
        f"cannot {verb}: {there} {why}",
        f"use sudo: sudo polarisctl {verb}",
    )


def read_small(path: Path, cap: int = MAX_KEYFILE_BYTES) -> bytes | None:
    """The whole of a small file, or None where there is none; nothing but a plain file is read.

    Error handling: refused where it may not be read, fails where it is no such file.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise ControlError(
            errors.NOT_PERMITTED, f"cannot read {path}: permission denied", "use sudo"
        ) from None
    except OSError as problem:
        raise failed(f"cannot read {path}: {problem.strerror}") from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise failed(f"cannot read {path}: it is not a plain file")
    with open(file, "rb") as opened:
        try:
            content = opened.read(cap + 1)
        except OSError as problem:
            raise failed(f"cannot read {path}: {problem.strerror}") from None
    if len(content) > cap:
        raise failed(f"cannot read {path}: it is larger than {cap} bytes")
    return content


def make_directory(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)


def open_lock(path: Path) -> IO[bytes]:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "rb")


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Whole or not at all, and readable by its owner alone from the first byte on."""
    partial = path.with_name(f"{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(partial, flags, 0o600)
    try:
        with open(file, "wb") as opened:
            os.fchmod(file, mode)
            opened.write(content)
            opened.flush()
            os.fsync(file)
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    if not path.is_dir():
        return
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
