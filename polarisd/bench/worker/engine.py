"""The prover's engine on a device: what docs/proof.md asks for, as the device's calls.

For prove and proof_rate.  Work is put in order and not waited for, so that the device
has the next round while this process hashes the last one.
"""

from __future__ import annotations

import numpy as np

from polarisd.bench.worker.device import Buffer, Device, DeviceInfo, Kind, Mark, Operand, Pinned
from polarisd.proof.keys import LAG
from polarisd.proof.matrix import Product
from polarisd.proof.operand import INT8
from polarisd.proof.parameters import (
    BLOCK_WORDS,
    LINE_WORDS,
    ComputeParameters,
    MemoryParameters,
)
from polarisd.proof.words import Key, Words

# What CUDA, the libraries and rounding of allocations take besides the buffers below.
_SPARE_BYTES = 256 << 20


def encoding_for(p: ComputeParameters, compute_capability: str) -> Operand:
    """How to hold the operands: bf16 and fp16 are equally exact, and equally fast where
    there are both; bf16 came with 8.0."""
    if p.kind is INT8:
        return "int8"
    return "fp16" if compute_capability and float(compute_capability) < 8.0 else "bf16"


def needed_bytes(compute: ComputeParameters | None, memory: MemoryParameters | None) -> int:
    """Of the device's memory."""
    needed = _SPARE_BYTES
    if compute is not None:
        entry_bytes = 8 // compute.kind.per_word
        operands = (compute.chunk_rows + compute.columns) * compute.depth * entry_bytes
        needed += operands + 4 * compute.chunk_rows * compute.columns + 8 * LAG * compute.rows
    if memory is not None:
        needed += memory.vram_bytes + 8 * (memory.walkers + LAG * memory.segment_blocks)
    return needed


class Download:
    """Leaves on their way to the host; `leaves` waits for these and no later work."""

    def __init__(self, device: Device, buffer: Buffer, pinned: Pinned, count: int) -> None:
        self._device = device
        self._bytes = pinned.array[: 8 * count]
        device.download(buffer, pinned, 8 * count)
        self._mark: Mark = device.mark()

    def leaves(self) -> Words:
        self._device.wait(self._mark)
        return self._bytes.view("<u8").astype(np.uint64)


class DeviceEngine:
    """Implements `polarisd.proof.engine.Engine`; DeviceError comes through as it is.

    Resource handling: `prepare` takes the device's memory, and the process that ends
    gives it back.
    """

    def __init__(self, device: Device, info: DeviceInfo) -> None:
        self._device = device
        self._info = info
        self._turn = 0

    def prepare(
        self, compute: ComputeParameters | None, memory: MemoryParameters | None, b_key: Key | None
    ) -> None:
        self._leaves = self._buffers(
            max(compute.rows if compute else 0, memory.segment_blocks if memory else 0)
        )
        if compute is not None:
            assert b_key is not None
            self._take_matrices(compute, b_key)
        if memory is not None:
            self._memory_parameters = memory
            self._memory = self._device.empty(memory.words, "u64")
            self._states = self._device.empty(memory.walkers, "u64")
        self._device.synchronize()

    def _buffers(self, leaves: int) -> list[tuple[Buffer, Pinned]]:
        """One pair for each step that may be under way at the same time."""
        device = self._device
        return [(device.empty(leaves, "u64"), device.pinned(8 * leaves)) for _ in range(LAG)]

    def _take_matrices(self, p: ComputeParameters, b_key: Key) -> None:
        device = self._device
        self._p = p
        self._encoding = encoding_for(p, self._info.compute_capability)
        kind: Kind = "i8" if self._encoding == "int8" else "u16"
        self._a = device.empty(p.chunk_rows * p.depth, kind)
        self._bt = device.empty(p.columns * p.depth, kind)
        product: Kind = "i32" if self._encoding == "int8" else "f32"
        self._c = device.empty(p.chunk_rows * p.columns, product)
        device.generate(self._bt, self._encoding, b_key, 0, p.columns * p.row_words)

    def _next_pair(self) -> tuple[Buffer, Pinned]:
        self._turn += 1
        return self._leaves[self._turn % LAG]

    def start_round(self, a_key: Key, digest_key: Key) -> Download:
        p = self._p
        leaves, pinned = self._next_pair()
        for chunk in range(p.chunks):
            first = chunk * p.chunk_rows
            part = leaves.part(first, p.chunk_rows)
            self._rows_into(part, a_key, digest_key, first, p.chunk_rows)
        return Download(self._device, leaves, pinned, p.rows)

    def _rows_into(
        self, leaves: Buffer, a_key: Key, digest_key: Key, first: int, count: int
    ) -> None:
        p, device = self._p, self._device
        device.generate(self._a, self._encoding, a_key, first * p.row_words, count * p.row_words)
        device.gemm(self._encoding, self._a, self._bt, self._c, count, p.columns, p.depth)
        device.digest_rows(self._c, leaves, count, p.columns, digest_key)

    def some_rows(
        self, a_key: Key, digest_key: Key, first: int, count: int
    ) -> tuple[Words, Product]:
        p = self._p
        leaves = self._next_pair()[0].part(0, count)
        self._rows_into(leaves, a_key, digest_key, first, count)
        rows = self._device.to_host(self._c.part(0, count * p.columns))
        product: Product = np.rint(rows).astype(np.int32).reshape(count, p.columns)
        return self._device.to_host(leaves), product

    def fill(self, key: Key) -> None:
        p = self._memory_parameters
        self._device.fill(self._memory, 0, p.words, key, p.cost)
        self._device.synchronize()

    def walk(self, key: Key) -> Words:
        p, device = self._memory_parameters, self._device
        lines = p.words // LINE_WORDS
        device.walk(self._memory, lines, self._states, p.walkers, p.steps, key)
        states: Words = device.to_host(self._states)
        return states

    def start_read(self, key: Key, first_block: int, blocks: int) -> Download:
        leaves, pinned = self._next_pair()
        first = first_block * BLOCK_WORDS
        self._device.digest_blocks(self._memory, first, blocks, leaves, key)
        return Download(self._device, leaves, pinned, blocks)
