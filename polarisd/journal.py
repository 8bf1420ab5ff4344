"""Where log records go: the journal, with their fields, or standard error.

`main` calls `configure` once, and `daemon` `set_level` on reload; every other
module logs through the standard library with `extra=fields(...)`.  A journal
that does not read never holds the daemon up.  The only importer of
logging_journald.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from logging_journald import JournaldTransport

from polarisd.logtext import fields, journal_fields, plain_text, prefixed_text

__all__ = ["configure", "fields", "set_level"]

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
# How long a record may wait for a slow reader.  Once one waited in vain no other
# waits, until something is read again: a burst of records must not add up.
SEND_DEADLINE_S = 0.1
# What a pipe or socket that polls as writable takes without blocking (PIPE_BUF).
CHUNK_BYTES = 4096


def configure(
    level: str,
    stderr: TextIO,
    environ: Mapping[str, str],
    *,
    journal_socket: Path = JOURNAL_SOCKET,
) -> None:
    """Send the process's log records to the best place that `stderr` leads to."""
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(_handler(stderr.fileno(), environ, journal_socket))
    set_level(level)


def set_level(level: str) -> None:
    """Level of Polaris's own records; of libraries only warnings are wanted."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("polarisd").setLevel(level.upper())


def _handler(stderr_fd: int, environ: Mapping[str, str], journal_socket: Path) -> logging.Handler:
    if not leads_to_journal(stderr_fd, environ.get("JOURNAL_STREAM", "")):
        return StderrHandler(stderr_fd, plain_text)
    return JournalHandler(journal_socket, fallback=StderrHandler(stderr_fd, prefixed_text))


def leads_to_journal(fd: int, stream: str) -> bool:
    """Whether `fd` is what systemd named in JOURNAL_STREAM, as "device:inode"."""
    try:
        is_now = os.fstat(fd)
    except OSError:
        return False
    return stream == f"{is_now.st_dev}:{is_now.st_ino}"


class StderrHandler(logging.Handler):
    """Lines on a descriptor; what it does not take in time is dropped."""

    def __init__(self, fd: int, render: Callable[[logging.LogRecord], str]) -> None:
        super().__init__()
        self._fd = fd
        self._render = render
        self._is_stuck = False

    def emit(self, record: logging.LogRecord) -> None:
        self.wrote(record)

    def wrote(self, record: logging.LogRecord) -> bool:
        try:
            data = self._render(record).encode(errors="backslashreplace")
        except Exception:  # logging's contract: a bad record is reported, never raised
            self.handleError(record)
            return False
        done = write_in_time(self._fd, data, 0 if self._is_stuck else SEND_DEADLINE_S)
        self._is_stuck = not done
        return done


class JournalHandler(logging.Handler):
    """The journal's own protocol, one datagram a record."""

    def __init__(self, path: Path, *, fallback: StderrHandler) -> None:
        super().__init__()
        # Unconnected, so that a restarted journald is found again, and the
        # socket with its deadline is never replaced behind our back.
        self._transport = JournaldTransport(path, connected=False)
        self._fallback = fallback
        self._is_stuck = False
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            pairs = journal_fields(record)
        except Exception:  # logging's contract: a bad record is reported, never raised
            self.handleError(record)
            return
        if self._sent(pairs):
            self._report_lost()
        elif not self._fallback.wrote(record):
            self._lost += 1

    def close(self) -> None:
        self._transport.socket.close()
        super().close()

    def _sent(self, pairs: list[tuple[str, str]]) -> bool:
        self._transport.socket.settimeout(0 if self._is_stuck else SEND_DEADLINE_S)
        try:
            self._transport.send(pairs)
        except OSError as error:
            self._is_stuck = isinstance(error, (TimeoutError, BlockingIOError))
            return False
        self._is_stuck = False
        return True

    def _report_lost(self) -> None:
        if not self._lost:
            return
        text = f"{self._lost} log records were lost while the journal did not read them"
        record = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "msg": text})
        if self._sent(journal_fields(record)):
            self._lost = 0


def write_in_time(fd: int, data: bytes, deadline_s: float) -> bool:
    """Write all of `data`, or as much as `fd` takes without making us wait longer."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    try:
        while data:
            if not poll.poll(deadline_s * 1000):
                return False
            data = data[os.write(fd, data[:CHUNK_BYTES]) :]
    except OSError:
        return False
    return True
