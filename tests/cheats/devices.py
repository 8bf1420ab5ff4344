"""Engines whose work costs simulated time: the honest one, which cheats derive from.

The words are those of the reference engine; the durations follow from the rates of
the simulated GPU.
"""

from __future__ import annotations

from polarisd.proof.matrix import Product
from polarisd.proof.parameters import LINE_BYTES, ComputeParameters, MemoryParameters
from polarisd.proof.reference import Done, ReferenceEngine
from polarisd.proof.words import Key, Words
from tests.cheats.world import Gpu, Worker


class Device(ReferenceEngine):
    """Honest."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker

    @property
    def gpu(self) -> Gpu:
        return self.worker.gpu

    @property
    def compute(self) -> ComputeParameters:
        assert self._compute is not None
        return self._compute

    @property
    def memory(self) -> MemoryParameters:
        assert self._memory is not None
        return self._memory

    def spend_product(self, rows: float, factor: float = 1.0) -> None:
        """Time for so many rows; `factor` for operations at another rate than the usual."""
        operations = 2 * rows * self.compute.columns * self.compute.depth
        self.worker.spend(factor * operations / self.gpu.tensor_ops)

    def spend_mixing(self, words: float) -> None:
        self.worker.spend(words * self.memory.cost / self.gpu.mix_ops)

    def start_round(self, a_key: Key, digest_key: Key) -> Done:
        self.spend_product(self.compute.rows)
        return super().start_round(a_key, digest_key)

    def fill(self, key: Key) -> None:
        self.spend_mixing(self.memory.words)
        super().fill(key)

    def walk(self, key: Key) -> Words:
        self.spend_visits(self.memory.walkers * self.memory.steps)
        return super().walk(key)

    def spend_visits(self, lines: float) -> None:
        self.worker.spend(lines * LINE_BYTES / (self.gpu.memory_bps * self.gpu.random_share))

    def spend_reading(self, bytes_: float) -> None:
        self.worker.spend(bytes_ / self.gpu.memory_bps)

    def start_read(self, key: Key, first_block: int, blocks: int) -> Done:
        self.spend_reading(blocks * 65536)
        return super().start_read(key, first_block, blocks)

    def rows_and_product(self, a_key: Key, digest_key: Key) -> tuple[Words, Product]:
        """All rows of a round, for nothing: a cheat charges for what it does itself."""
        return super().some_rows(a_key, digest_key, 0, self.compute.rows)
