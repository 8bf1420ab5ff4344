"""What the output can show: width, colour, and characters beyond ASCII.

`detect` looks once, at start; everything that renders is handed the resulting
Terminal and looks at nothing else.  Imported before the first character is
printed, so it uses `os` and nothing heavier (`shutil`, `locale` and `curses`
each cost more than half a bare interpreter's start).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

DEFAULT_COLUMNS = 80
# A pipe or a file has no width: nothing is clipped or wrapped there.
UNLIMITED_COLUMNS = 1 << 20

GOOD = "good"
BAD = "bad"
WARN = "warn"
NOTE = "note"
DIM = "dim"
BOLD = "bold"

_SGR = {GOOD: "32", BAD: "1;31", WARN: "33", NOTE: "36", DIM: "2", BOLD: "1"}


class Terminal:
    """Facts about the output."""

    __slots__ = ("colour", "columns", "ellipsis", "is_tty", "unicode")

    def __init__(
        self,
        *,
        is_tty: bool = False,
        columns: int = UNLIMITED_COLUMNS,
        colour: bool = False,
        unicode: bool = True,
    ) -> None:
        self.is_tty = is_tty
        self.columns = columns
        self.colour = colour
        self.unicode = unicode
        self.ellipsis = "…" if unicode else "~"

    def paint(self, text: str, style: str) -> str:
        """`text` in a style, where the output shows colour; else unchanged."""
        code = _SGR.get(style) if self.colour else None
        return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def detect(stream: TextIO, environ: Mapping[str, str]) -> Terminal:
    is_tty = stream.isatty()
    return Terminal(
        is_tty=is_tty,
        columns=_columns(stream, environ, is_tty),
        colour=is_tty and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
        unicode=_speaks_utf8(environ),
    )


def _columns(stream: TextIO, environ: Mapping[str, str], is_tty: bool) -> int:
    wanted = environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if not is_tty:
        return UNLIMITED_COLUMNS
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError):
        return DEFAULT_COLUMNS


def _speaks_utf8(environ: Mapping[str, str]) -> bool:
    # Not stream.encoding: in the C locale Python switches itself to UTF-8, the
    # terminal does not.
    name = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return ".utf8" in name.lower().replace("-", "")
