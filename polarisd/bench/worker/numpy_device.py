"""The reference: every kernel as the specification's own NumPy functions compute it.

Made by the worker for the backend "numpy", where there is neither a GPU nor a compiler,
and by the tests, which hold the kernels to it.  Imports polarisd.proof and processor.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker import demands
from polarisd.bench.worker.device import BLOCK_WORDS, LINE_WORDS, Buffer, Key, Operand
from polarisd.bench.worker.processor import ProcessorDevice, host
from polarisd.proof import memory as spec
from polarisd.proof import operand as operands
from polarisd.proof import words as spec_words
from polarisd.proof.matrix import row_digests

Words = NDArray[np.uint64]


class NumpyDevice(ProcessorDevice):
    backend = "numpy"

    def generate(
        self, out: Buffer, operand: Operand, key: Key, first_word: int, words: int
    ) -> None:
        demands.for_generate(out, operand, key, first_word, words)
        target = host(out).entries("u64", words)
        for at, counters in _slabs(first_word, words):
            made = spec_words.words_at(counters, spec_words.Key(*key))
            target[at : at + len(made)] = _encoded(made, operand)

    def digest_rows(self, c: Buffer, leaves: Buffer, rows: int, n: int, key: Key) -> None:
        demands.for_digest_rows(c, leaves, rows, n, key)
        product = host(c).entries(c.kind, rows * n).reshape(rows, n)
        integers = product if c.kind == "i32" else np.rint(product).astype(np.int32)
        host(leaves).array[:rows] = row_digests(integers, spec_words.Key(*key))

    def fill(self, memory: Buffer, first_word: int, words: int, key: Key, cost: int) -> None:
        demands.for_fill(memory, first_word, words, key, cost)
        target = host(memory).array
        for at, counters in _slabs(first_word, words):
            made = spec.filled(counters, spec_words.Key(*key), cost)
            target[at : at + len(made)] = made

    def walk(
        self, memory: Buffer, lines: int, states: Buffer, walkers: int, steps: int, key: Key
    ) -> None:
        demands.for_walk(memory, lines, states, walkers, steps, key)
        contents = host(memory).entries("u64", lines * LINE_WORDS).reshape(lines, LINE_WORDS)
        numbers = np.arange(walkers, dtype=np.uint64)
        ends = spec.walk(lambda at: contents[at], numbers, lines, steps, spec_words.Key(*key))
        host(states).array[:walkers] = ends

    def digest_blocks(
        self, memory: Buffer, first_word: int, blocks: int, leaves: Buffer, key: Key
    ) -> None:
        demands.for_digest_blocks(memory, first_word, blocks, leaves, key)
        words = host(memory).array[first_word : first_word + blocks * BLOCK_WORDS]
        digests = spec.block_digests(words.reshape(blocks, BLOCK_WORDS), spec_words.Key(*key))
        host(leaves).array[:blocks] = digests


def _slabs(first_word: int, words: int) -> Iterator[tuple[int, Words]]:
    """Counters a slab at a time, as many as stay in the cache, and where it begins."""
    step = spec_words.SLAB_WORDS
    for at in range(0, words, step):
        places = np.arange(min(step, words - at), dtype=np.uint64)
        yield at, places + np.uint64(first_word + at)


def _encoded(words: Words, operand: Operand) -> Words:
    """The entries in these words as a GPU stores them, as words again."""
    if operand == "int8":
        return words
    entries = operands.entries(words, operands.NINE_BIT)
    if operand == "fp16":
        halves: Words = entries.astype("<f2").view("<u8")
        return halves
    single = entries.astype("<f4").view("<u4")
    upper: Words = (single >> np.uint32(16)).astype("<u2").view("<u8")
    return upper
