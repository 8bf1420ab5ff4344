"""How many terminal cells a text takes, and cutting it to fit.  Pure.

Fault texts, process and host names come from outside: control characters are
replaced here, so that no text can move the cursor or change the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from unicodedata import category, east_asian_width

IN_ASCII = {"°": "o", "·": "-", "…": "~", "–": "-", "—": "-", "×": "x", "→": ">", "’": "'"}


def char_cells(char: str) -> int:
    """Cells of one cleaned character: 2 for wide East Asian ones, else 1."""
    return 2 if char > "\u10ff" and east_asian_width(char) in "WF" else 1


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """`text` without anything that a terminal could obey or that takes no cell."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_clean_char, text))


def _clean_char(char: str) -> str:
    kind = category(char)
    if char in "\t\n\r" or kind in ("Zl", "Zp", "Zs"):
        return " "
    if kind in ("Mn", "Me", "Cf"):
        return ""
    if kind[0] == "C" or "\u1160" <= char <= "\u11ff":
        return "?"
    return char


def to_ascii(text: str) -> str:
    """A cleaned text in ASCII that takes as many cells as before."""
    if text.isascii():
        return text
    return "".join(
        char if char.isascii() else IN_ASCII.get(char, "?" * char_cells(char)) for char in text
    )


def width_of(text: str) -> int:
    """Cells of a cleaned text."""
    return len(text) if text.isascii() else sum(map(char_cells, text))


def clip(text: str, width: int, mark: str = "") -> str:
    """At most `width` cells of a cleaned text; `mark` shows that some was cut."""
    if width_of(text) <= width:
        return text
    room = width - width_of(mark)
    if room < 0:
        mark, room = "", max(width, 0)
    kept, used = [], 0
    for char in text:
        used += char_cells(char)
        if used > room:
            break
        kept.append(char)
    return "".join(kept) + mark


def fit(text: str, width: int, mark: str = "", right: bool = False) -> str:
    """Exactly `width` cells: clipped or padded."""
    text = clip(text, width, mark)
    padding = " " * (width - width_of(text))
    return padding + text if right else text + padding


def wrap(text: str, width: int) -> Iterator[str]:
    """Lines of at most `width` cells, broken at spaces where that is possible."""
    line = ""
    for word in text.split():
        candidate = f"{line} {word}" if line else word
        if width_of(candidate) <= width:
            line = candidate
            continue
        if line:
            yield line
        while width_of(word) > width > 0:
            # A wide character does not fit into one cell: give up on it.
            head = clip(word, width) or word[0]
            yield clip(head, width)
            word = word[len(head) :]
        line = word
    if line:
        yield line
