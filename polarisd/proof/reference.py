"""The reference engine: plain NumPy, by the specification's formulas and nothing else.

Slow, and what every other engine must equal bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polarisd.proof import memory as vrc
from polarisd.proof.matrix import Product, exact_product_rows, row_digests, rows_of
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.words import Key, Words


@dataclass(frozen=True, slots=True)
class Done:
    """Work that is over before anybody asks."""

    result: Words

    def leaves(self) -> Words:
        return self.result


class ReferenceEngine:
    """Implements `polarisd.proof.engine.Engine`."""

    def __init__(self) -> None:
        self._compute: ComputeParameters | None = None
        self._memory: MemoryParameters | None = None
        self._b_key = Key(0, 0)
        self._words: Words = np.empty(0, np.uint64)

    def prepare(
        self, compute: ComputeParameters | None, memory: MemoryParameters | None, b_key: Key | None
    ) -> None:
        self._compute, self._memory = compute, memory
        self._b_key = b_key or self._b_key

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        assert self._compute is not None
        leaves, _ = self.some_rows(a_key, digest_key, 0, self._compute.rows)
        return Done(leaves)

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        p = self._compute
        assert p is not None
        numbers = np.arange(first, first + count, dtype=np.uint64)
        a = rows_of(a_key, numbers, p.depth, p.kind)
        product = exact_product_rows(a, self._b_key, p.columns, p.depth, p.kind)
        return row_digests(product, digest_key), product

    def fill(self, key: Key) -> None:
        assert self._memory is not None
        counters = np.arange(self._memory.words, dtype=np.uint64)
        self._words = vrc.filled(counters, key, self._memory.cost)

    def walk(self, key: Key) -> Words:
        p = self._memory
        assert p is not None
        lines = self._words.reshape(-1, 8)
        walkers = np.arange(p.walkers, dtype=np.uint64)
        return vrc.walk(lambda numbers: lines[numbers], walkers, p.lines, p.steps, key)

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        words = self._words.reshape(-1, 8192)[first_block : first_block + blocks]
        return Done(vrc.block_digests(words, key))
