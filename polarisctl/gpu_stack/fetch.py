"""Download one file, whatever happens on the way: resumed, retried, checked.

Called by `wheels`.  What came stays in `NAME.part` until the whole file has the size and the
hash of the lock; only then does it get its name.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from polarisctl.failures import failed
from polarisctl.gpu_stack.lock import Wheel
from polarisctl.gpu_stack.web import Gone, Refused, Web

CHUNK_BYTES = 1 << 16
# Connections in a row that brought nothing, and connections in all.
IDLE_ATTEMPTS = 6
ATTEMPTS = 100
BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 16.0)
# A peer that sends next to nothing for this long is as good as one that sends nothing.
SLOW_S = 60.0
SLOW_BPS = 1000.0

Tell = Callable[[int], None]  # bytes of this file that are here now


class Interrupted(Exception):
    """The connection ended, or stalled: `why`.  To be tried again."""


class DiskError(OSError):
    """Writing failed, not the network: trying again is no use."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The clock, and how to wait: a test brings its own."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def fetch(url: str, wheel: Wheel, target: Path, *, web: Web, tell: Tell, waits: Waits) -> None:
    """Error handling: fails when it cannot be had, or is not what the lock says.  OSError is
    of the disk."""
    part = part_of(target)
    found = ""
    # A second time from nothing: what was resumed may have been spoiled by a crash.
    for _ in range(2):
        with _open_part(part) as file:
            _fill(url, wheel, file, web, tell, waits)
        found = digest(part)
        if found == wheel.sha256:
            os.replace(part, target)
            return
        part.unlink()
    raise failed(
        f"cannot use {wheel.filename}: its SHA-256 is {found}, not {wheel.sha256}",
        "the index serves another file than this polaris was made with: try another one with "
        "--index-url, or upgrade polaris",
    )


def digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(1 << 20):
            hashed.update(data)
    return hashed.hexdigest()


def _open_part(part: Path) -> io.FileIO:
    """Unbuffered, so that what is counted as written is written."""
    return io.FileIO(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+")


def _fill(url: str, wheel: Wheel, file: io.FileIO, web: Web, tell: Tell, waits: Waits) -> None:
    """Bring the file to its full size."""
    idle, why = 0, ""
    for _ in range(ATTEMPTS):
        before = file.seek(0, os.SEEK_END)
        if before > wheel.size_bytes:
            _start_over(file)
            before = 0
        if before == wheel.size_bytes:
            return
        wait_s = 0.0
        try:
            _attempt(url, wheel, file, before, web, tell, waits)
            continue
        except Gone as gone:
            raise failed(f"cannot download {wheel.filename}: {gone}", gone.remedy) from None
        except DiskError:
            raise
        except Refused as refused:
            why, wait_s = str(refused), refused.retry_after_s
        except (Interrupted, HTTPException, OSError) as problem:
            why = str(problem) or type(problem).__name__
        idle = 0 if file.seek(0, os.SEEK_END) > before else idle + 1
        if idle == IDLE_ATTEMPTS:
            break
        waits.sleep(max(wait_s, BACK_OFF_S[max(idle - 1, 0)]))
    raise failed(
        f"cannot download {wheel.filename} from {url}: {why}",
        "check the network, a proxy (HTTPS_PROXY) and the index, then run it again: it goes on "
        "where it stopped",
    )


def _attempt(
    url: str, wheel: Wheel, file: io.FileIO, offset: int, web: Web, tell: Tell, waits: Waits
) -> None:
    """Append what one connection brings."""
    with web.get(url, offset=offset, size=wheel.size_bytes) as answer:
        began, at = waits.clock(), answer.offset
        if at != offset:  # it knows no ranges, and sends the whole from its beginning
            _start_over(file)
        while at < wheel.size_bytes:
            data = answer.read(min(CHUNK_BYTES, wheel.size_bytes - at))
            if not data:
                raise Interrupted(f"the connection ended after {at} of {wheel.size_bytes} bytes")
            _write(file, data)
            at += len(data)
            tell(at)
            took_s, came = waits.clock() - began, at - answer.offset
            if took_s > SLOW_S and came < took_s * SLOW_BPS:
                raise Interrupted(f"only {came} bytes came in {took_s:.0f} s")


def _start_over(file: io.FileIO) -> None:
    with _disk():
        file.seek(0)
        file.truncate()


def _write(file: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    with _disk():
        while view:
            view = view[file.write(view) :]


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise DiskError(problem.errno, problem.strerror) from problem
