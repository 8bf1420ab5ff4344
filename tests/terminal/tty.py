"""The real program on a real pseudo-terminal, seen through pyte as through xterm.

Resource handling: use it in a `with`; the program is killed if it still runs.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]
DEADLINE_S = 20.0


class XtermScreen(pyte.Screen):
    """pyte, with what ncurses asks of an xterm beyond it: REP, SU and SD."""

    last = " "

    def draw(self, data: str) -> None:
        self.last = data[-1:] or self.last
        super().draw(data)

    def repeat(self, count: int = 1) -> None:
        super().draw(self.last * count)

    def scroll_up(self, count: int = 1) -> None:
        self._at_the_top(self.delete_lines, count)

    def scroll_down(self, count: int = 1) -> None:
        self._at_the_top(self.insert_lines, count)

    def _at_the_top(self, change: Callable[[int], None], count: int) -> None:
        """Change lines at the top of the scrolling region; the cursor stays."""
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        change(count)
        self.cursor.x, self.cursor.y = x, y


MORE = {"b": "repeat", "S": "scroll_up", "T": "scroll_down"}


class XtermStream(pyte.ByteStream):
    csi = pyte.ByteStream.csi | MORE
    events = pyte.ByteStream.events | set(MORE.values())


class Tty:
    """`polarisctl` with arguments, or another Python program, on a terminal of that size."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        program: tuple[str, ...] = ("-m", "polarisctl.main"),
        environ: Mapping[str, str] = {},
    ) -> None:
        self.screen = XtermScreen(columns, rows)
        self._stream = XtermStream(self.screen)
        self.raw = b""
        self.status: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            self._become((*program, *arguments), columns, rows, environ)

    @staticmethod
    def _become(
        arguments: tuple[str, ...], columns: int, rows: int, environ: Mapping[str, str]
    ) -> None:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC"}
        env |= {"PYTHONPATH": str(ROOT), "HOME": "/", **environ}
        os.chdir("/")
        os.execve(sys.executable, [sys.executable, *arguments], env)

    def __enter__(self) -> Tty:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()

    def hang_up(self) -> None:
        """Close our end, as when the network to a distant terminal breaks."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, wait_s: float) -> bool:
        """Take over what the program wrote; False if it wrote nothing, or ended."""
        if not select.select([self._fd], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def until(self, holds: Callable[[str], bool], what: str = "") -> str:
        """Read until the text on the screen is as wanted; fail at a deadline."""
        end = time.monotonic() + DEADLINE_S
        while not holds(self.text()):
            if time.monotonic() > end:
                raise AssertionError(f"never saw {what or 'it'} on:\n{self.text()}")
            self.read(0.05)
        return self.text()

    def until_shown(self, *texts: str) -> str:
        return self.until(lambda shown: all(t in shown for t in texts), " and ".join(texts))

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit status, as a shell would give it; reads what is still written."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code
                while self._fd >= 0 and self.read(0.05):
                    continue
                return self.status
            if self._fd >= 0:
                self.read(0.05)
            else:
                time.sleep(0.02)
        raise AssertionError(f"it did not end:\n{self.text()}")

    def is_raw(self) -> bool:
        """Whether the terminal still hands out single keys without echo."""
        flags = termios.tcgetattr(self._fd)[3]
        return not flags & termios.ICANON or not flags & termios.ECHO

    def cpu_s(self) -> float:
        """Processor time the program has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
