"""Questions to whoever sits at the terminal, and secrets that no terminal shows.

The only place of registration that reads stdin.  Ctrl-C at any question leaves through
KeyboardInterrupt; the end of the input is an answer that was not given.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
import termios
from collections.abc import Callable, Mapping

from polarisctl.cells import clean
from polarisctl.failures import failed, usage
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO, TypeVar

    T = TypeVar("T")

MAX_SECRET_BYTES = 4096
TRIES = 5
NOT_YES = "nothing was done: the answer was not yes"


class Asker:
    """`can_ask` is whether anybody sits there; `err` takes the questions."""

    def __init__(self, err: TextIO, *, can_ask: bool) -> None:
        self.err = err
        self.can_ask = can_ask

    def say(self, text: str) -> None:
        self.err.write(text + "\n")
        self.err.flush()

    def ask(self, question: str, parse: Callable[[str], T]) -> T:
        """Until `parse`, which raises ValueError, takes the answer."""
        for _ in range(TRIES):
            answer = self._line(question)
            try:
                return parse(answer)
            except ValueError as problem:
                self.say(f"  {clean(str(problem))}")
        raise failed("nothing was done: there was no answer that can be used")

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
        """One of the keys, by its number or its name; the values say what each is."""
        names = list(choices)
        self.say(question)
        width = max(map(len, names))
        for number, name in enumerate(names, 1):
            self.say(f"  {number}  {name:<{width}}  {choices[name]}")

        def parse(answer: str) -> str:
            if answer.isdecimal() and 0 < int(answer[:3]) <= len(names):
                return names[int(answer[:3]) - 1]
            if answer in names:
                return answer
            raise ValueError(f"answer with a number from 1 to {len(names)}")

        return self.ask("which? ", parse)

    def agrees(self, question: str) -> bool:
        """No unless yes is said."""
        return self._line(f"{question} [y/N] ").lower() in ("y", "yes")

    def secret(self, question: str) -> str:
        """Typed without echo."""
        try:
            return getpass.getpass(question, self.err)
        except EOFError:
            self.say("")
            raise _no_answer() from None

    def show_once(self, text: str) -> None:
        """On the terminal itself, wherever stdout and stderr go, and gone from its screen
        when Enter is pressed.  Error handling: fails without one."""
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as problem:
            raise failed(
                f"cannot show the mnemonic: there is no terminal ({problem.strerror})"
            ) from None
        lines = text.count("\n") + 1
        try:
            os.write(terminal, text.encode())
            lines -= 1  # Enter goes down one; Ctrl-C and the end of the input do not.
            self._line("")
            lines += 1
        finally:
            # Up to where it began, and clear from there on.
            os.write(terminal, f"\x1b[{lines}A\r\x1b[J".encode())
            os.close(terminal)

    def _line(self, question: str) -> str:
        self.err.write(question)
        self.err.flush()
        line = sys.stdin.readline()
        if not line:
            self.say("")
            raise _no_answer()
        return line.strip()


def sits_there(err: TextIO) -> bool:
    """Whether somebody can be asked: the questions are seen, and the answers typed."""
    return bool(sys.stdin and sys.stdin.isatty() and err.isatty())


def flush_typed_ahead() -> None:
    """What was typed before a question that costs money is no answer to it."""
    try:
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (termios.error, OSError, ValueError):
        return


def read_secret(fd: int, option: str) -> str:
    """From a pipe or a file that the caller opened: `--password-fd 3 3<FILE`.

    Error handling: a usage error if it is not open; nothing of what is read is told.
    """
    if os.isatty(fd):
        raise usage(
            f"cannot read {option} {fd}: it is a terminal, which would show what is typed",
            f"leave {option} out to be asked for it unseen (a mnemonic: --import)",
        )
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(None, "it is a directory")
        data = b""
        while len(data) <= MAX_SECRET_BYTES and (more := os.read(fd, MAX_SECRET_BYTES)):
            data += more
    except OSError as problem:
        raise usage(
            f"cannot read {option} {fd}: {problem.strerror}",
            f"open it for polarisctl: {option} {fd} {fd}<FILE; under sudo: {option} 0 <FILE",
        ) from None
    if len(data) > MAX_SECRET_BYTES:
        raise failed(f"cannot take what {option} {fd} gives: it is too long")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise failed(f"cannot take what {option} {fd} gives: it is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise failed(f"cannot take what {option} {fd} gives: it is empty")
    return text


def _no_answer() -> ControlError:
    return failed("nothing was done: there was no answer")
