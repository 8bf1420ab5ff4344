"""Run one program with a deadline and an output cap.  Used by `edge` alone.

Resource handling: whatever happens, the program and the group it started are
dead or (stuck in the kernel, where no signal reaches) left behind unwaited when
`run_program` returns.  Standard library only.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from polarisd.api.reading import READ_ERROR, TIMED_OUT, Reading, Unknown

OUTPUT_CAP_BYTES = 1 << 20
# A killed program ends at once unless it hangs in the kernel; then we don't hang with it.
REAP_S = 0.5


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ended."""

    status: int
    stdout: str
    stderr: str


def run_program(
    argv: tuple[str, ...], environment: Mapping[str, str], deadline_s: float
) -> Reading[Ran]:
    ends_at = time.monotonic() + deadline_s
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as problem:
        return Unknown(READ_ERROR, f"cannot start {argv[0]}: {problem.strerror}")
    assert process.stdout is not None and process.stderr is not None
    pipes: tuple[IO[bytes], ...] = (process.stdout, process.stderr)
    try:
        outputs = _drain(pipes, ends_at)
        status = process.wait(max(0.0, ends_at - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired):
        _kill(process)
        return Unknown(TIMED_OUT, f"{argv[0]} did not end within {deadline_s:g} s")
    except OverflowError:
        _kill(process)
        return Unknown(READ_ERROR, f"{argv[0]} printed more than {OUTPUT_CAP_BYTES} bytes")
    except BaseException:
        _kill(process)
        raise
    finally:
        for pipe in pipes:
            pipe.close()
    return Ran(status, *(output.decode("utf-8", "replace") for output in outputs))


def _drain(pipes: tuple[IO[bytes], ...], ends_at: float) -> list[bytes]:
    """Everything from each pipe; TimeoutError or OverflowError where a bound is passed."""
    kept = {pipe.fileno(): bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for descriptor in kept:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            left_s = ends_at - time.monotonic()
            ready = selector.select(left_s) if left_s > 0 else []
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fd)
                kept[key.fd] += chunk
                if len(kept[key.fd]) > OUTPUT_CAP_BYTES:
                    raise OverflowError
    return [bytes(output) for output in kept.values()]


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Not reaped yet, so its group id cannot have been given to anybody else.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    try:
        process.wait(REAP_S)
    except subprocess.TimeoutExpired:
        return
