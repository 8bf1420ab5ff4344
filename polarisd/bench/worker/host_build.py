"""Builds kernels.cu for the processor it runs on, once, and loads what was built.

Called by host_device.  What was built is code that we run, so it is kept only in a
directory that nobody else can write, and built anew each time otherwise.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from polarisd.bench.worker.device import NO_COMPILER, DeviceError

COMPILERS = ("g++", "c++")
FLAGS = ("-std=c++17", "-O3", "-DPOLARIS_HOST", "-shared", "-fPIC", "-x", "c++")
_NATIVE = "-march=native"
_DEADLINE_S = 120.0
_HINT = "install a C++ compiler: sudo apt install g++"


@dataclass(frozen=True, slots=True)
class Build:
    """The kernels as functions of `library`; `compiler` is which one, and for what."""

    library: ctypes.CDLL
    compiler: str


@dataclass(frozen=True, slots=True)
class _Compiler:
    path: str
    flags: tuple[str, ...]
    # Names the version and, if it builds for this very processor, each of its features:
    # a cache may be moved to another machine.
    identity: str

    def name(self) -> str:
        version = self.identity.partition("\n")[0]
        return f"{version} {_NATIVE}" if _NATIVE in self.flags else version


def load(source: str, cache: Path | None, *, compilers: Sequence[str] = COMPILERS) -> Build:
    """The kernels, from `cache` if they are there.  DeviceError if they cannot be built."""
    compiler = _find(compilers)
    if cache is None or not _is_private(cache):
        with tempfile.TemporaryDirectory(prefix="polaris-kernels-") as directory:
            built = _compile(compiler, source, Path(directory))
            return Build(_open(built), compiler.name())
    text = "\0".join((source, compiler.identity, *compiler.flags))
    kept = cache / f"kernels-{hashlib.sha256(text.encode()).hexdigest()}.so"
    with suppress(OSError):  # it does not load: half of it was lost, or it is not a library
        if _is_ours(kept, stat.S_ISREG):
            return Build(ctypes.CDLL(str(kept)), compiler.name())
    try:
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as directory:
            built = _compile(compiler, source, Path(directory))
            # Loaded before it has its name: another process may replace it from then on.
            library = _open(built)
            _finish(built)
            _remove_others(cache, kept)
            os.replace(built, kept)
    except OSError as error:
        raise DeviceError(
            NO_COMPILER, f"cannot keep the kernels in {cache}: {error}", "make room there"
        ) from error
    return Build(library, compiler.name())


def _find(names: Sequence[str]) -> _Compiler:
    for name in names:
        path = shutil.which(name)
        if path is None:
            continue
        version = _run([path, "--version"]).stdout.partition("\n")[0]
        # Tells what it takes this processor for; some compilers cannot.
        told = _run([path, _NATIVE, "-v", "-E", "-x", "c++", os.devnull])
        if told.returncode == 0:
            return _Compiler(path, (_NATIVE, *FLAGS), f"{version}\n{told.stderr}")
        return _Compiler(path, FLAGS, version)
    raise DeviceError(
        NO_COMPILER,
        f"cannot build the kernels for the processor: no {' or '.join(names)} is installed",
        _HINT,
    )


def _compile(compiler: _Compiler, source: str, directory: Path) -> Path:
    written, built = directory / "kernels.cu", directory / "kernels.so"
    written.write_text(source, encoding="utf-8")
    command = [compiler.path, *compiler.flags, str(written), "-o", str(built)]
    done = _run(command, directory)
    if done.returncode != 0:
        raise DeviceError(
            NO_COMPILER,
            f"cannot build the kernels: {compiler.name()} says: {done.stderr.strip()[:2000]}",
            _HINT,
        )
    return built


def _run(command: Sequence[str], directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    # Its own words are compared and shown, so they are in one language.
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    if directory is not None:
        env["TMPDIR"] = str(directory)
    try:
        return subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(NO_COMPILER, f"cannot run {command[0]}: {error}", _HINT) from error


def _open(built: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(built))
    except OSError as error:
        raise DeviceError(
            NO_COMPILER,
            f"cannot load the kernels that were built: {error}",
            "programs must be allowed to run from that directory: it may be mounted noexec",
        ) from error


def _is_private(directory: Path) -> bool:
    """Made if need be."""
    with suppress(OSError):  # then it is not there
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _is_ours(directory, stat.S_ISDIR)


def _is_ours(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """What others can write may be theirs by the time it is loaded."""
    try:
        found = path.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return is_kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others


def _finish(built: Path) -> None:
    """After a power failure the name must not stand for half a file."""
    built.chmod(0o700)
    with built.open("rb") as file:
        os.fsync(file.fileno())


def _remove_others(cache: Path, kept: Path) -> None:
    """Of earlier versions, compilers and processors."""
    for path in cache.glob("kernels-*.so"):
        if path != kept:
            with suppress(OSError):
                path.unlink()
