"""What a prover computes with: a GPU, the processor, or plain NumPy.

The prover's script in `polarisd.proof.prover` drives one through this; the engines
for devices are in `polarisd.bench.worker`, the reference is `polarisd.proof.reference`.
"""

from __future__ import annotations

from typing import Protocol

from polarisd.proof.matrix import Product
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.words import Key, Words


class Pending(Protocol):
    """Work under way: `leaves` waits for it."""

    def leaves(self) -> Words: ...


class Engine(Protocol):
    """Everything raises `EngineFailed` when the device cannot do it."""

    def prepare(
        self, compute: ComputeParameters | None, memory: MemoryParameters | None, b_key: Key | None
    ) -> None:
        """Take the memory that is needed, and make B."""

    def start_round(self, a_key: Key, digest_key: Key) -> Pending:
        """All rows of one round; the leaves are one word a row."""

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        """The leaves and the product of a few rows."""

    def fill(self, key: Key) -> None:
        """The memory, and wait until it is done."""

    def walk(self, key: Key) -> Words:
        """Where each walker ends."""

    def start_read(self, key: Key, first_block: int, blocks: int) -> Pending:
        """The digests of these blocks."""


class EngineFailed(Exception):
    """The device did not do what it was asked; the text says why."""
