"""The calls that run kernels.cu, for whatever runs it: arguments, order, launch shape.

Base of cupy_device and host_device, which add memory, the product and `launch`.
Imports device and demands.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polarisd.bench.worker import demands
from polarisd.bench.worker.device import BLOCK_WORDS, Buffer, Key, Operand

# As in kernels.cu: no kernel is launched with more threads to a block.
MAX_THREADS = 256
_WARP = 32
# More blocks than run at the same time, so that the last ones to finish are short.
_BLOCKS_A_MULTIPROCESSOR = 32

KERNELS = (
    "generate_bf16",
    "generate_fp16",
    "generate_int8",
    "digest_words",
    "digest_floats",
    "fill",
    "walk",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """How many thread blocks, and threads in each.  On a processor, where `multiprocessors`
    is how many threads there may be, no more of them than blocks are worth starting."""

    blocks: int
    threads: int


def source_path() -> Path:
    return Path(__file__).with_name("kernels.cu")


def source() -> str:
    return source_path().read_text(encoding="utf-8")


def source_version() -> str:
    """What the hello calls the kernels: the start of the source's SHA-256."""
    return hashlib.sha256(source().encode()).hexdigest()[:16]


def over_items(items: int, multiprocessors: int) -> Launch:
    """One thread for each item, and round again if there are more than that."""
    wanted = -(-items // MAX_THREADS)
    return Launch(min(wanted, multiprocessors * _BLOCKS_A_MULTIPROCESSOR), MAX_THREADS)


def over_rows(rows: int, loads: int, multiprocessors: int) -> Launch:
    """One block for each row; whole warps always, since a warp adds up by shuffles."""
    threads = min(MAX_THREADS, -(-loads // _WARP) * _WARP)
    return Launch(min(rows, multiprocessors * _BLOCKS_A_MULTIPROCESSOR), threads)


class KernelDevice(ABC):
    """`multiprocessors` is set by whoever derives from it, before the first call."""

    multiprocessors: int
    # A fraction of a second on any GPU of today.  A driver ends what runs for seconds on
    # a GPU that has a display, and whoever wants this process to end waits for the launch.
    scrambles_a_launch = 1 << 36

    @abstractmethod
    def launch(self, kernel: str, shape: Launch, arguments: Sequence[int]) -> None:
        """Run one of KERNELS.  Every parameter of every kernel is 64 bits wide: an
        address, or an unsigned number (on CuPy: numpy.uint64)."""

    @abstractmethod
    def zero(self, buffer: Buffer, nbytes: int) -> None:
        """Set the first bytes to zero, in order with the launches."""

    def generate(
        self, out: Buffer, operand: Operand, key: Key, first_word: int, words: int
    ) -> None:
        demands.for_generate(out, operand, key, first_word, words)
        shape = over_items(words, self.multiprocessors)
        self.launch(f"generate_{operand}", shape, (out.address, words, first_word, *key))

    def digest_rows(self, c: Buffer, leaves: Buffer, rows: int, n: int, key: Key) -> None:
        demands.for_digest_rows(c, leaves, rows, n, key)
        # Two int32 in memory are one word already.
        kernel = "digest_floats" if c.kind == "f32" else "digest_words"
        self._digest(kernel, c.address, leaves, rows, n // 4, key)

    def digest_blocks(
        self, memory: Buffer, first_word: int, blocks: int, leaves: Buffer, key: Key
    ) -> None:
        demands.for_digest_blocks(memory, first_word, blocks, leaves, key)
        address = memory.address + 8 * first_word
        self._digest("digest_words", address, leaves, blocks, BLOCK_WORDS // 2, key)

    def _digest(
        self, kernel: str, address: int, leaves: Buffer, rows: int, loads: int, key: Key
    ) -> None:
        self.zero(leaves, 8 * rows)
        shape = over_rows(rows, loads, self.multiprocessors)
        self.launch(kernel, shape, (address, leaves.address, rows, loads, *key))

    def fill(self, memory: Buffer, first_word: int, words: int, key: Key, cost: int) -> None:
        demands.for_fill(memory, first_word, words, key, cost)
        step = max(1, self.scrambles_a_launch // (cost + 1))
        for at in range(0, words, step):
            count = min(step, words - at)
            shape = over_items(count, self.multiprocessors)
            numbers = (memory.address + 8 * at, count, first_word + at, *key, cost)
            self.launch("fill", shape, numbers)

    def walk(
        self, memory: Buffer, lines: int, states: Buffer, walkers: int, steps: int, key: Key
    ) -> None:
        demands.for_walk(memory, lines, states, walkers, steps, key)
        shape = over_items(walkers, self.multiprocessors)
        self.launch("walk", shape, (memory.address, lines, states.address, walkers, steps, *key))
