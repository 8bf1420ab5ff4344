"""Signals as bytes in a pipe, so that one poll waits for them too.

Resource handling: use it in a `with`; the handlers from before come back.
"""

from __future__ import annotations

import contextlib
import os
import signal

CAUGHT = (
    signal.SIGWINCH,
    signal.SIGCONT,
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
)


class Signals:
    def __enter__(self) -> Signals:
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _note) for number in CAUGHT}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def fileno(self) -> int:
        return self._read_fd

    def take(self) -> set[int]:
        """The signals that came since the last call."""
        with contextlib.suppress(BlockingIOError):
            return set(os.read(self._read_fd, 512))
        return set()


def _note(_number: int, _frame: object) -> None:
    """Python writes the number into the pipe; nothing else is to be done."""
