"""Sections 5 and 6: the parameters of both parts, their bounds, their packed form."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from .keys import u32

BLOCK_WORDS = 8192
BLOCK_BYTES = 8 * BLOCK_WORDS
BLOCK_LINES = BLOCK_WORDS // 8

MAX_DEPTH = {"nine_bit": 8192, "int8": 65520}
ENTRIES_OF_A_WORD = {"nine_bit": 4, "int8": 8}
CHECKS = ("recompute", "freivalds")


def require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"parameters out of bounds: {what}")


def _fields(fields: object, texts: tuple[int, ...]) -> list[object]:
    """Checks that `fields` is an array of nine, texts where said, else numbers from 0."""
    require(isinstance(fields, list), "not an array")
    assert isinstance(fields, list)
    require(len(fields) == 9, "not nine of them")
    for index, field in enumerate(fields):
        if index in texts:
            require(type(field) is str, "no text")
        else:
            require(type(field) is int and 0 <= field < 1 << 32, "no number")
    return fields


@dataclass(frozen=True)
class Compute:
    """SGC/1, in the order of the table."""

    operand: str
    chunk_rows: int
    columns: int
    depth: int
    chunks: int
    rounds: int
    group: int
    samples: int
    check: str

    @classmethod
    def parse(cls, fields: object) -> Compute:
        made = cls(*_fields(fields, (0, 8)))  # type: ignore[arg-type]
        made._check()
        return made

    def _check(self) -> None:
        require(self.operand in MAX_DEPTH, "operand")
        require(self.check in CHECKS, "check")
        require(1 <= self.group <= 4096, "group")
        require(self.chunk_rows > 0 and self.chunk_rows % self.group == 0, "chunk_rows")
        require(0 < self.columns <= 1 << 16 and self.columns % 16 == 0, "columns")
        require(0 < self.depth <= MAX_DEPTH[self.operand] and self.depth % 16 == 0, "depth")
        require(0 < self.rows <= 1 << 26, "rows")
        require(1 <= self.rounds <= 4096 and self.work <= 1 << 62, "rounds")
        require(self.rounds <= self.samples <= 4096, "samples")

    @property
    def rows(self) -> int:
        return self.chunk_rows * self.chunks

    @property
    def work(self) -> int:
        return 2 * self.rows * self.columns * self.depth * self.rounds

    @property
    def row_words(self) -> int:
        return self.depth // ENTRIES_OF_A_WORD[self.operand]

    @property
    def packed(self) -> bytes:
        head = b"SGC/1".ljust(8, b"\0")
        for text in (self.operand, self.check):
            head += text.encode("ascii").ljust(16, b"\0")
        return head + b"".join(map(u32, astuple(self)[1:8]))


@dataclass(frozen=True)
class Memory:
    """VRC/1, in the order of the table."""

    blocks: int
    cost: int
    walkers: int
    steps: int
    segments: int
    units: int
    group: int
    walk_samples: int
    unit_samples: int

    @classmethod
    def parse(cls, fields: object) -> Memory:
        made = cls(*_fields(fields, ()))  # type: ignore[arg-type]
        made._check()
        return made

    def _check(self) -> None:
        require(self.blocks > 0 and self.lines < 1 << 32, "blocks")
        require(1 <= self.cost <= 1 << 16, "cost")
        require(1 <= self.group <= 4096, "group")
        require(0 < self.walkers <= 1 << 28 and self.walkers % self.group == 0, "walkers")
        require(1 <= self.steps <= 1 << 16, "steps")
        require(2 <= self.segments <= 1024 and self.segments % 2 == 0, "segments")
        require(self.blocks % self.segments == 0, "blocks do not make segments")
        require(self.segment_blocks % self.group == 0, "segments do not make groups")
        require(self.units <= 1 << 16, "units")
        require(1 <= self.walk_samples <= 4096 and 1 <= self.unit_samples <= 4096, "samples")

    @property
    def lines(self) -> int:
        return self.blocks * BLOCK_LINES

    @property
    def segment_blocks(self) -> int:
        return self.blocks // self.segments

    @property
    def packed(self) -> bytes:
        return b"VRC/1".ljust(8, b"\0") + b"".join(map(u32, astuple(self)))
