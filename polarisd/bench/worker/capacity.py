"""How much memory the device really has: all of it is written, then read back.  For bench.

Each word depends on its place in the whole, so memory that is there twice under two
addresses does not read back as it was written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker.device import (
    BLOCK_WORDS,
    OUT_OF_MEMORY,
    WORD_BYTES,
    WRONG_ANSWER,
    Buffer,
    DeviceError,
    Key,
)
from polarisd.bench.worker.figures import Outcome, Setting, needs_gpu, new_key
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.products import WRONG_HINT

Leaves = NDArray[np.uint64]

_BLOCK_BYTES = BLOCK_WORDS * WORD_BYTES
# What is asked for at a time; halved where it is not to be had.
_PIECE_BYTES = 1 << 30
_LEAST_BYTES = 1 << 20
# Left to the driver, which may need some to launch a kernel, and to a desktop.
_SPARE_BYTES = 1 << 26
_SPARE_SHARE = 16
# Blocks of each piece that NumPy computes again.
_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """`first_word` is its place in the whole."""

    memory: Buffer
    first_word: int

    @property
    def blocks(self) -> int:
        return self.memory.count // BLOCK_WORDS


def next_piece(free_bytes: int, spare_bytes: int, most_bytes: int) -> int:
    """How many bytes to ask for next, in whole blocks; 0 when enough has been taken."""
    wanted = min(free_bytes - spare_bytes, most_bytes)
    return wanted // _BLOCK_BYTES * _BLOCK_BYTES if wanted >= _LEAST_BYTES else 0


def measure(setting: Setting) -> Outcome:
    if outcome := needs_gpu(setting):
        return outcome
    device, free_bytes = setting.device, setting.free_bytes()
    spare_bytes = min(_SPARE_BYTES, free_bytes // _SPARE_SHARE)
    leaves = device.empty(_PIECE_BYTES // _BLOCK_BYTES, "u64")
    pieces = list(_take_all(setting, spare_bytes))
    if not pieces:
        raise DeviceError(OUT_OF_MEMORY, f"{free_bytes} bytes are free, none can be had")
    fill_key, digest_key = new_key(), new_key()

    def digests(piece: Piece) -> Leaves:
        device.digest_blocks(piece.memory, 0, piece.blocks, leaves, digest_key)
        return device.to_host(leaves.part(0, piece.blocks))

    written: list[Leaves] = []
    for piece in pieces:
        device.fill(piece.memory, piece.first_word, piece.memory.count, fill_key, 0)
        written.append(digests(piece))
        setting.tick(len(written) / len(pieces) / 2)
    # Only now, when the last piece has been written as well.
    for number, (piece, before) in enumerate(zip(pieces, written, strict=True)):
        verify(piece, before, digests(piece), fill_key, digest_key)
        setting.tick((len(pieces) + number + 1) / len(pieces) / 2)
    detail = (
        f"written and read back, of {setting.info.total_bytes} bytes; "
        f"{free_bytes} were free and {spare_bytes} of them left alone"
    )
    return Outcome(float(sum(piece.memory.nbytes for piece in pieces)), detail)


def _take_all(setting: Setting, spare_bytes: int) -> Iterator[Piece]:
    most_bytes, first_word = _PIECE_BYTES, 0
    while nbytes := next_piece(setting.free_bytes(), spare_bytes, most_bytes):
        try:
            memory = setting.device.empty(nbytes // WORD_BYTES, "u64")
        except DeviceError as error:
            if error.code != OUT_OF_MEMORY:
                raise
            most_bytes = nbytes // 2
            continue
        yield Piece(memory, first_word)
        first_word += memory.count


def verify(piece: Piece, before: Leaves, after: Leaves, fill_key: Key, digest_key: Key) -> None:
    """Raises DeviceError if a block has changed since it was written, or if one of a few
    random ones is not what NumPy says it must be."""
    wrong = [int(block) for block in np.flatnonzero(before != after)]
    wrong += [
        block
        for block in (secrets.randbelow(piece.blocks) for _ in range(_SAMPLES))
        if int(after[block]) != expected(piece.first_word, block, fill_key, digest_key)
    ]
    if wrong:
        at = (piece.first_word + wrong[0] * BLOCK_WORDS) * WORD_BYTES
        raise DeviceError(
            WRONG_ANSWER,
            f"memory does not read back as it was written, as in the block at byte {at}",
            WRONG_HINT,
        )


def expected(first_word: int, block: int, fill_key: Key, digest_key: Key) -> int:
    """The digest of a block as NumPy has it."""
    reference = NumpyDevice()
    room, leaf = reference.empty(BLOCK_WORDS, "u64"), reference.empty(1, "u64")
    reference.fill(room, first_word + block * BLOCK_WORDS, BLOCK_WORDS, fill_key, 0)
    reference.digest_blocks(room, 0, 1, leaf, digest_key)
    return int(leaf.array[0])
