"""The terminal, through curses: the only module that imports it.

`loop` draws frames on it and asks it for keys.  Resource handling: use it in a
`with`; leaving it, in whatever way, gives the terminal back as it was.
Error handling: ControlError (usage) when this terminal cannot show a screen.
"""

from __future__ import annotations

import contextlib
import curses
import os
from collections.abc import Iterator

from polarisctl.failures import usage
from polarisctl.monitor.frame import Block, Line

# Long enough for the rest of an arrow key's sequence to come over a slow line.
ESCAPE_DELAY_MS = 50
MOST_KEYS = 256

# style: (colour of 256, colour of 8, background of 256 or -1, attributes)
COLOURS = {
    "title": (81, curses.COLOR_CYAN, -1, curses.A_BOLD),
    "section": (-1, -1, -1, curses.A_BOLD),
    "bold": (-1, -1, -1, curses.A_BOLD),
    "value": (-1, -1, -1, curses.A_BOLD),
    "dim": (244, -1, -1, 0),
    "label": (109, curses.COLOR_CYAN, -1, 0),
    "head": (252, -1, 238, 0),
    "key": (252, -1, 238, 0),
    "select": (214, curses.COLOR_YELLOW, -1, curses.A_BOLD),
    "good": (71, curses.COLOR_GREEN, -1, 0),
    "warn": (214, curses.COLOR_YELLOW, -1, 0),
    "bad": (203, curses.COLOR_RED, -1, curses.A_BOLD),
    "note": (75, curses.COLOR_CYAN, -1, 0),
    "alarm": (231, curses.COLOR_WHITE, 124, curses.A_BOLD),
    "notice": (231, curses.COLOR_WHITE, 25, 0),
    "util": (71, curses.COLOR_GREEN, -1, 0),
    "vram": (68, curses.COLOR_BLUE, -1, 0),
    "power": (179, curses.COLOR_YELLOW, -1, 0),
    "temp": (139, curses.COLOR_MAGENTA, -1, 0),
    "clock": (73, curses.COLOR_CYAN, -1, 0),
    "net": (110, curses.COLOR_CYAN, -1, 0),
    "disk": (66, curses.COLOR_BLUE, -1, 0),
    "util-body": (65, curses.COLOR_GREEN, -1, 0),
    "vram-body": (60, curses.COLOR_BLUE, -1, 0),
    "power-body": (137, curses.COLOR_YELLOW, -1, 0),
    "temp-body": (96, curses.COLOR_MAGENTA, -1, 0),
    "clock-body": (66, curses.COLOR_CYAN, -1, 0),
    "net-body": (66, curses.COLOR_CYAN, -1, 0),
    "warn-body": (137, curses.COLOR_YELLOW, -1, 0),
    "bad-body": (131, curses.COLOR_RED, -1, 0),
}
# Where there is no background colour to set them apart.
REVERSED = ("head", "key", "alarm", "notice")

NAMES = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_LEFT: "up",
    curses.KEY_RIGHT: "down",
    curses.KEY_PPAGE: "page-up",
    curses.KEY_NPAGE: "page-down",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    "\n": "enter",
    "\r": "enter",
    "\x0c": "ctrl-l",
    "\x03": "q",
}


def require_terminal(term: str, fd: int) -> None:
    """Refuse a terminal that cannot move its cursor, before anything is drawn."""
    hint = "set TERM to what your terminal is, or use polarisctl monitor --once"
    try:
        curses.setupterm(term or "unknown", fd)
    except curses.error:
        raise usage(
            f"cannot draw on this terminal: the system does not know TERM={term or '(empty)'}",
            f"install its description (package ncurses-term), or try TERM=xterm; {hint}",
        ) from None
    if not curses.tigetstr("cup") or not curses.tigetstr("clear"):
        raise usage(f"cannot draw on this terminal: TERM={term} cannot move the cursor", hint)


# What terminals send that do not keep to their description.
SEQUENCES = {"A": "up", "B": "down", "C": "down", "D": "up", "H": "home", "F": "end"}


def decode(codes: list[str | int]) -> Iterator[str]:
    """Names of the keys in what was typed.  An escape sequence that is not known is
    dropped, not taken for Esc and some letters."""
    position = 0
    while position < len(codes):
        code = codes[position]
        position += 1
        if code != "\x1b":
            name = NAMES.get(code, code)
            if isinstance(name, str):
                yield name
        elif position == len(codes) or codes[position] == "\x1b":
            yield "esc"
        else:
            begin, position = position, _after_sequence(codes, position)
            sequence = codes[begin:position]
            if len(sequence) == 2 and sequence[1] in SEQUENCES:
                yield SEQUENCES[str(sequence[1])]


def _after_sequence(codes: list[str | int], position: int) -> int:
    """Where the sequence ends whose first character after Esc is at `position`."""
    if codes[position] not in ("[", "O"):
        return position + 1
    position += 1
    while position < len(codes):
        code = codes[position]
        position += 1
        if not isinstance(code, str) or "@" <= code <= "~":
            break
    return position


class Screen:
    """A full screen of lines."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour
        self._styles: dict[str, int] = {}
        self._drawn: list[Line] = []

    def __enter__(self) -> Screen:
        os.environ.setdefault("ESCDELAY", str(ESCAPE_DELAY_MS))
        self._window = curses.initscr()
        try:
            curses.set_escdelay(ESCAPE_DELAY_MS)
            curses.noecho()
            curses.cbreak()
            self._window.keypad(True)
            self._window.nodelay(True)
            with contextlib.suppress(curses.error):  # a terminal that cannot hide it
                curses.curs_set(0)
            self._styles = self._make_styles()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # After a hang-up there is no terminal left to restore.
        with contextlib.suppress(curses.error):
            self._window.keypad(False)
            curses.endwin()

    def _make_styles(self) -> dict[str, int]:
        if not self._colour or not curses.has_colors():
            return {**_plain_styles()}
        curses.start_color()
        background = -1
        try:
            curses.use_default_colors()
        except curses.error:
            background = curses.COLOR_BLACK
        rich = curses.COLORS >= 256 and len(COLOURS) < curses.COLOR_PAIRS
        styles = _plain_styles()
        for pair, (name, (of_256, of_8, behind, attributes)) in enumerate(COLOURS.items(), 1):
            if pair >= curses.COLOR_PAIRS:
                break
            front = of_256 if rich else of_8
            back = behind if rich and behind >= 0 else background
            if front < 0 and back == background:
                continue
            curses.init_pair(pair, front, back)
            styles[name] = curses.color_pair(pair) | attributes
            if not rich and name in REVERSED:
                styles[name] |= curses.A_REVERSE
        return styles

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        rows, columns = self._window.getmaxyx()
        return max(columns, 1), max(rows, 1)

    def resize(self) -> None:
        """Take over the terminal's present size, and draw everything next time."""
        try:
            size = os.get_terminal_size(1)
        except OSError:
            return
        if size.columns > 0 and size.lines > 0:
            curses.resizeterm(size.lines, size.columns)
        self.redraw()

    def redraw(self) -> None:
        self._drawn = []
        self._window.erase()
        self._window.clearok(True)

    def draw(self, block: Block) -> None:
        """Show a frame; only lines that changed are written."""
        for y, line in enumerate(block):
            if y < len(self._drawn) and self._drawn[y] == line:
                continue
            self._write(y, line)
        self._drawn = list(block)
        self._window.refresh()

    def _write(self, y: int, line: Line) -> None:
        # Writing into the last cell of the screen succeeds, and then fails to move
        # the cursor on; a window that just shrank loses what is beyond it.
        with contextlib.suppress(curses.error):
            self._window.move(y, 0)
            for text, style in line:
                self._window.addstr(text, self._styles.get(style, 0))

    def keys(self) -> list[str]:
        """What was typed since the last call."""
        codes: list[str | int] = []
        while len(codes) < MOST_KEYS:
            try:
                codes.append(self._window.get_wch())
            except curses.error:
                break
        return list(decode(codes))


def _plain_styles() -> dict[str, int]:
    """Without colour: weight and reversal alone."""
    styles = {name: attributes for name, (_, _, _, attributes) in COLOURS.items()}
    styles["dim"] = curses.A_DIM
    styles.update(dict.fromkeys(REVERSED, curses.A_REVERSE))
    return styles
