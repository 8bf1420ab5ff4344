"""What a challenge asks for: the parameters of SGC/1 and VRC/1, checked and packed.

Specification: docs/proof.md, "Parameters".  Both sides check them: the validator
before it asks, the prover before it spends anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from polarisd.proof.keys import LAG
from polarisd.proof.operand import OPERANDS, Operand

MAX_ROWS = 1 << 26
MAX_ROUNDS = 4096
MAX_SAMPLES = 4096
# Minutes of a fast GPU, and never without end on a slow one.
MAX_OPERATIONS = 1 << 58
MAX_MIXINGS = 1 << 47
MAX_VISITS = 1 << 41
MAX_READ_BYTES = 1 << 51
# Of trees, 32 bytes each, twice: what a prover keeps until it has opened.
MAX_LEAF_BLOCKS = 1 << 22
# To make the opened blocks again.
MAX_OPENING_PRODUCTS = 1 << 48
MAX_LINES = (1 << 32) - 1
MAX_UNITS = 1 << 16
MAX_WALKERS = 1 << 28
MAX_STEPS = 1 << 16
MAX_COST = 1 << 16

LINE_BYTES = 64
LINE_WORDS = 8
BLOCK_WORDS = 8192
BLOCK_LINES = BLOCK_WORDS // LINE_WORDS
BLOCK_BYTES = 8 * BLOCK_WORDS

RECOMPUTE, FREIVALDS = "recompute", "freivalds"
CHECKS = (RECOMPUTE, FREIVALDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeParameters:
    """SGC/1: `rounds` products of (chunk_rows * chunks) x depth by depth x columns.

    `group` leaves make a Merkle block; `samples` rows are opened; `check` says how
    the validator verifies them.
    """

    operand: str
    chunk_rows: int
    columns: int
    depth: int
    chunks: int
    rounds: int
    group: int
    samples: int
    check: str = RECOMPUTE

    @property
    def kind(self) -> Operand:
        return OPERANDS[self.operand]

    @property
    def rows(self) -> int:
        """Of A, and so leaves, in a round."""
        return self.chunk_rows * self.chunks

    @property
    def blocks(self) -> int:
        return self.rows // self.group

    @property
    def operations(self) -> int:
        """Multiplications and additions of all rounds."""
        return 2 * self.rows * self.columns * self.depth * self.rounds

    @property
    def row_words(self) -> int:
        """Of a row of A, or of B's transpose."""
        return self.depth // self.kind.per_word

    def packed(self) -> bytes:
        """What keys are derived from; shorter text is padded with zero bytes."""
        return struct.pack(
            "<8s16s16s7I",
            b"SGC/1",
            self.operand.encode(),
            self.check.encode(),
            self.chunk_rows,
            self.columns,
            self.depth,
            self.chunks,
            self.rounds,
            self.group,
            self.samples,
        )

    def problems(self) -> Iterator[str]:
        if self.operand not in OPERANDS:
            yield f"operand is {self.operand!r:.40}; must be one of {', '.join(OPERANDS)}"
            return
        if self.check not in CHECKS:
            yield f"check is {self.check!r:.40}; must be one of {', '.join(CHECKS)}"
        yield from _outside("chunk_rows", self.chunk_rows, 1, MAX_ROWS)
        yield from _outside("columns", self.columns, 16, 1 << 16)
        yield from _outside("depth", self.depth, 16, self.kind.max_depth)
        yield from _outside("chunks", self.chunks, 1, MAX_ROWS)
        yield from _outside("rounds", self.rounds, 1, MAX_ROUNDS)
        yield from _outside("group", self.group, 1, 4096)
        yield from _outside("samples", self.samples, self.rounds, MAX_SAMPLES)
        yield from _outside("rows", self.rows, 1, MAX_ROWS)
        yield from _outside("operations", self.operations, 1, MAX_OPERATIONS)
        opening = self.samples * self.group * self.columns * self.depth
        yield from _outside("samples * group * columns * depth", opening, 1, MAX_OPENING_PRODUCTS)
        if self.group >= 1:
            yield from _outside("rounds * blocks", self.rounds * self.blocks, 1, MAX_LEAF_BLOCKS)
        for name in ("columns", "depth"):
            if getattr(self, name) % 16:
                yield f"{name} is {getattr(self, name)}; must be a multiple of 16"
        if self.group >= 1 and self.chunk_rows % self.group:
            yield f"chunk_rows is {self.chunk_rows}; must be a multiple of group, {self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryParameters:
    """VRC/1: `blocks` blocks of 64 KiB, filled at `cost` mixings a word; then `walkers`
    walks of `steps` lines; then `units` reads of one of `segments` parts in turn.

    `group` leaves make a Merkle block; `walk_samples` walkers and `unit_samples`
    blocks are verified.
    """

    blocks: int
    cost: int
    walkers: int
    steps: int
    segments: int
    units: int
    group: int
    walk_samples: int
    unit_samples: int

    @property
    def words(self) -> int:
        return self.blocks * BLOCK_WORDS

    @property
    def lines(self) -> int:
        return self.blocks * BLOCK_LINES

    @property
    def vram_bytes(self) -> int:
        return self.blocks * BLOCK_BYTES

    @property
    def segment_blocks(self) -> int:
        return self.blocks // self.segments

    @property
    def walk_factor(self) -> float:
        """How often the walks read each line, on average."""
        return self.walkers * self.steps / self.lines

    @property
    def pass_bytes(self) -> int:
        """Read by all units."""
        return self.units * self.segment_blocks * BLOCK_BYTES

    def packed(self) -> bytes:
        return struct.pack(
            "<8s9I",
            b"VRC/1",
            self.blocks,
            self.cost,
            self.walkers,
            self.steps,
            self.segments,
            self.units,
            self.group,
            self.walk_samples,
            self.unit_samples,
        )

    def problems(self) -> Iterator[str]:
        yield from _outside("blocks", self.blocks, 1, MAX_LINES // BLOCK_LINES)
        yield from _outside("cost", self.cost, 1, MAX_COST)
        yield from _outside("walkers", self.walkers, 1, MAX_WALKERS)
        yield from _outside("steps", self.steps, 1, MAX_STEPS)
        yield from _outside("units", self.units, 0, MAX_UNITS)
        yield from _outside("group", self.group, 1, 4096)
        yield from _outside("walk_samples", self.walk_samples, 1, MAX_SAMPLES)
        yield from _outside("unit_samples", self.unit_samples, 1, MAX_SAMPLES)
        yield from _outside("words * cost", self.words * self.cost, 1, MAX_MIXINGS)
        yield from _outside("walkers * steps", self.walkers * self.steps, 1, MAX_VISITS)
        # The unit that reads a segment again must depend on the one that read it last,
        # or both could be had from one reading; see docs/proof.md, "Passes".
        if not LAG <= self.segments <= 1024 or self.segments % LAG:
            yield f"segments is {self.segments}; must be even, 2 to 1024"
        elif self.blocks % self.segments:
            yield f"blocks is {self.blocks}; must be a multiple of segments, {self.segments}"
        elif self.group >= 1 and self.segment_blocks % self.group:
            yield "each segment must hold a multiple of group blocks"
        elif self.group >= 1:
            yield from _outside("bytes that all units read", self.pass_bytes, 0, MAX_READ_BYTES)
            trees = self.units * self.segment_blocks // self.group + self.walkers // self.group
            yield from _outside("blocks of leaves", trees, 0, MAX_LEAF_BLOCKS)
        if self.group >= 1 and self.walkers % self.group:
            yield f"walkers is {self.walkers}; must be a multiple of group, {self.group}"


def _outside(name: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{name} is {value}; must be {low} to {high}"
