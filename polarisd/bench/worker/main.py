"""The worker's entry: one job for the daemon, told in frames, then the process ends.

It ends at once when its standard input does, whatever hangs in other threads, so that no
worker outlives its daemon; and it never ends without having said `done` or `failed`.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import NoReturn

from polarisd.bench.worker.frames import BadFrame, EndOfInput, Reader, Writer
from polarisd.bench.worker.remedies import BUG_HINT, SETUP_HINT

ALIVE = b"\xc0"  # nil, which is no frame


def main() -> NoReturn:
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal: the daemon decides
    stdin_fd, stdout_fd = _take_descriptors()
    # From this on the kernel can tell the daemon which process to kill, should it hang in a
    # library from the start.
    with suppress(OSError):
        os.write(stdout_fd, ALIVE)
    threading.Thread(target=_end_with_the_daemon, args=(stdin_fd,), name="end", daemon=True).start()
    with suppress(EndOfInput):
        _answer(Reader(stdin_fd), Writer(stdout_fd))
    sys.stderr.flush()
    # Not through the interpreter's end, which waits for CUDA and for other threads.
    os._exit(0)


def _take_descriptors() -> tuple[int, int]:
    """Ours alone: what a library prints goes to the journal, and what it reads is empty."""
    stdin_fd, stdout_fd = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return stdin_fd, stdout_fd


def _end_with_the_daemon(stdin_fd: int) -> None:
    poll = select.poll()
    # A pipe always tells that its other end is closed; a socket, when it is asked, also
    # that only nothing more will come.
    poll.register(stdin_fd, select.POLLRDHUP)
    poll.poll()
    os._exit(0)


def _answer(reader: Reader, writer: Writer) -> None:
    """Raises EndOfInput."""
    try:
        last = _work(reader, writer)
    except EndOfInput:
        raise
    except MemoryError:
        last = _failed("out_of_memory", "the host has too little memory", "end what else uses it")
    except Exception as error:  # a bug, which must be told as well
        traceback.print_exc()
        last = _failed("internal", f"{type(error).__name__}: {error}", BUG_HINT)
    writer.send(last)


def _work(reader: Reader, writer: Writer) -> dict[str, object]:
    """The last frame.  Raises EndOfInput."""
    try:
        frame = reader.read()
    except BadFrame as error:
        return _failed("bad_job", f"cannot read the job: {error}")
    try:
        from polarisd.bench.worker import jobs
        from polarisd.bench.worker.device import DeviceError
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "numpy":
            raise
        return _failed("no_stack", f"cannot load NumPy: {error}", SETUP_HINT)
    try:
        jobs.run(jobs.parse(frame), reader, writer)
    except (BadFrame, jobs.BadJob) as error:
        return _failed("bad_job", f"cannot do the job: {error}")
    except DeviceError as error:
        return _failed(error.code, error.message, error.hint)
    return {"kind": "done"}


def _failed(code: str, message: str, hint: str = "") -> dict[str, object]:
    return {"kind": "failed", "code": code, "message": message, "hint": hint}


if __name__ == "__main__":
    main()
