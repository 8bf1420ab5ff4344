"""Lines of styled spans, and fitting them together.  Pure.

A block is a list of lines, each exactly as many cells wide as was asked for;
everything that draws returns blocks, so nothing can write outside its place.
Styles are words; `screen` decides what they look like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from polarisctl.cells import clip, width_of

Span = tuple[str, str]
Line = tuple[Span, ...]
Block = list[Line]


def line(width: int, *spans: Span, mark: str = "", fill: Span = (" ", "")) -> Line:
    """The spans, cut or padded to exactly `width` cells."""
    placed: list[Span] = []
    left = width
    for text, style in spans:
        if left <= 0:
            break
        piece = clip(text, left, mark)
        if piece:
            placed.append((piece, style))
            left -= width_of(piece)
            if piece != text:
                break
    if left > 0:
        char, style = fill
        placed.append(((char or " ") * left, style))
    return tuple(placed)


def ends(width: int, left: Sequence[Span], right: Sequence[Span], mark: str = "") -> Line:
    """`left` at the left and `right` at the right; the left one gives way."""
    right_cells = sum(width_of(text) for text, _ in right)
    if right_cells + 1 >= width:
        return line(width, *left, mark=mark)
    head = line(width - right_cells - 1, *left, mark=mark)
    return (*head, (" ", ""), *right)


def height(block: Iterable[Line], width: int, rows: int) -> Block:
    """The block cut or padded to exactly `rows` lines."""
    lines = list(block)[: max(rows, 0)]
    return lines + [line(width)] * (rows - len(lines))


def beside(blocks: Sequence[tuple[int, Block]], gap: int) -> Block:
    """Blocks of `(width, lines)` next to each other, the short ones padded."""
    rows = max((len(block) for _, block in blocks), default=0)
    padded = [height(block, width, rows) for width, block in blocks]
    space: Line = ((" " * gap, ""),) if gap else ()
    joined: Block = []
    for row in zip(*padded, strict=True):
        spans: list[Span] = []
        for number, part in enumerate(row):
            spans.extend(part if number == 0 else (*space, *part))
        joined.append(tuple(spans))
    return joined


def split(width: int, parts: int, gap: int) -> list[int]:
    """Widths of `parts` columns that fill `width` with `gap` between them."""
    room = width - gap * (parts - 1)
    return [room * (n + 1) // parts - room * n // parts for n in range(parts)]


def text_of(block: Iterable[Line]) -> list[str]:
    """The block without styles: what `--once` prints and golden frames hold."""
    return ["".join(text for text, _ in spans) for spans in block]


def cells_of(spans: Iterable[Span]) -> int:
    return sum(width_of(text) for text, _ in spans)
