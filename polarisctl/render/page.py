"""A page of text under construction: lines, labelled fields, prose, tables.

The only place that puts characters together for the terminal: text is cleaned
of whatever a terminal could obey, cut or wrapped to the width, and only then
coloured.  A span is a text, or a text and a style of polarisctl.terminal.
"""

from __future__ import annotations

from polarisctl import cells
from polarisctl.terminal import BOLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polarisctl.terminal import Terminal

    Span = str | tuple[str, str]

LABEL_CELLS = 10
_GAP = 2


class Column:
    """A column of a table.

    `least` is the width to which it may be cut (0: never); when that is not
    enough the column with the highest `drop` is left out (0: never).
    """

    __slots__ = ("drop", "least", "right", "title")

    def __init__(self, title: str, *, right: bool = False, least: int = 0, drop: int = 0) -> None:
        self.title = title
        self.right = right
        self.least = least
        self.drop = drop


class Page:
    """Lines as they are added; `text()` is all of them."""

    def __init__(self, terminal: Terminal) -> None:
        self.columns = max(1, terminal.columns)
        self._terminal = terminal
        self._lines: list[str] = []

    def text(self) -> str:
        return "\n".join(self._lines)

    def blank(self) -> None:
        self._lines.append("")

    def line(self, *spans: Span) -> None:
        """One line of spans, cut at the width."""
        left, painted = self.columns, []
        for text, style in map(_styled, spans):
            cleaned = self._clean(text)
            piece = cells.clip(cleaned, left, self._terminal.ellipsis)
            painted.append(self._terminal.paint(piece, style))
            left -= cells.width_of(piece)
            if piece != cleaned:
                break
        self._lines.append("".join(painted).rstrip())

    def heading(self, text: str) -> None:
        self.line((text, BOLD))

    def prose(self, text: str, *, indent: int = 0, first: str = "", style: str = "") -> None:
        """Text wrapped at the width; `first` stands before its first line."""
        first = self._clean(first)
        hanging = min(indent + cells.width_of(first), self.columns // 2)
        lead = " " * min(indent, self.columns // 2) + first
        for wrapped in cells.wrap(self._clean(text), self.columns - hanging):
            self.line(lead.ljust(hanging), (wrapped, style))
            lead = ""

    def field(self, label: str, *values: Span, label_cells: int = LABEL_CELLS) -> None:
        """A label, and its values as a list that wraps under itself."""
        label_cells = min(label_cells, self.columns // 2)
        lead = cells.clip(self._clean(label), label_cells - 1)
        spans: list[Span] = []
        used = 0
        for number, (text, style) in enumerate(map(_styled, values), 1):
            comma = "," if number < len(values) else ""
            for word in (self._clean(text) + comma).split():
                if spans and used + 1 + cells.width_of(word) > self.columns - label_cells:
                    self.line((lead.ljust(label_cells), BOLD), *spans)
                    lead, spans, used = "", [], 0
                space = " " if spans else ""
                spans.append((space + word, style))
                used += len(space) + cells.width_of(word)
        self.line((lead.ljust(label_cells), BOLD), *spans)

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Span]], *, indent: int = 0
    ) -> None:
        """A table with its titles, as much of it as the width can take.

        A row of a single span is a remark on the row above it.
        """
        titles: list[Span] = [(column.title, BOLD) for column in columns]
        body = [[(self._clean(t), s) for t, s in map(_styled, row)] for row in (titles, *rows)]
        full = [row for row in body if len(row) == len(columns)]
        natural = [max(cells.width_of(row[i][0]) for row in full) for i in range(len(columns))]
        widths = fit_columns(columns, natural, self.columns - indent)
        for row in body:
            if len(row) == len(columns):
                self.line(" " * indent, *self._laid_out(columns, row, widths))
            else:
                self.line(" " * (indent + widths.get(0, 0) + _GAP), *row)

    def _laid_out(
        self, columns: Sequence[Column], row: Sequence[tuple[str, str]], widths: dict[int, int]
    ) -> Iterable[Span]:
        for position, (index, width) in enumerate(widths.items()):
            text, style = row[index]
            text = cells.clip(text, width, self._terminal.ellipsis)
            padding = " " * (width - cells.width_of(text))
            yield " " * _GAP if position else ""
            yield from (
                (padding, (text, style)) if columns[index].right else ((text, style), padding)
            )

    def _clean(self, text: str) -> str:
        text = cells.clean(text)
        if self._terminal.unicode:
            return text
        return cells.to_ascii(text.replace("→", "->").replace("°", "").replace("τ", "TAO"))


def fit_columns(columns: Sequence[Column], natural: Sequence[int], room: int) -> dict[int, int]:
    """Which columns are shown and how wide: narrowed first, then left out."""
    shown = list(range(len(columns)))
    while True:
        widths = {index: natural[index] for index in shown}
        excess = sum(widths.values()) + _GAP * (len(shown) - 1) - room
        for index in reversed(shown):
            least = columns[index].least
            if excess > 0 and least:
                cut = max(0, min(excess, widths[index] - least))
                widths[index] -= cut
                excess -= cut
        dropped = max(shown, key=lambda index: columns[index].drop)
        if excess <= 0 or not columns[dropped].drop or len(shown) == 1:
            return widths
        shown.remove(dropped)


def _styled(span: Span) -> tuple[str, str]:
    return (span, "") if isinstance(span, str) else span
