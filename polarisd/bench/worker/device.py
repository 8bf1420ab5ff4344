"""What a worker computes on, as the tests and the prover see it: a GPU, or a stand-in.

Implemented by cupy_device (a GPU), host_device (the same kernels built for the processor)
and numpy_device (no compiler either); all three agree bit for bit.  Imports numpy alone.

Everything that takes a Buffer may return before it is done, in the order of the calls.
The results are there after `synchronize`, `wait` or `to_host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["u64", "u16", "i8", "i32", "f32"]
# What `generate` makes, and what `gemm` multiplies besides.
Operand = Literal["bf16", "fp16", "int8"]
Product = Literal["bf16", "fp16", "int8", "fp32", "tf32"]
Key = tuple[int, int]
Array = NDArray[Any]

DTYPES: dict[Kind, np.dtype[Any]] = {
    "u64": np.dtype("<u8"),
    "u16": np.dtype("<u2"),
    "i8": np.dtype("i1"),
    "i32": np.dtype("<i4"),
    "f32": np.dtype("<f4"),
}
# Operands are kept as bit patterns: NumPy has no bfloat16.
OPERAND_KINDS: dict[Product, Kind] = {
    "bf16": "u16",
    "fp16": "u16",
    "int8": "i8",
    "fp32": "f32",
    "tf32": "f32",
}
WORD_BYTES = 8
LINE_WORDS = 8
BLOCK_WORDS = 8192

# Why a device cannot do what it is asked.
NO_STACK = "no_stack"
NO_GPU = "no_gpu"
NO_COMPILER = "no_compiler"
OUT_OF_MEMORY = "out_of_memory"
CUDA_ERROR = "cuda_error"
WRONG_ANSWER = "wrong_answer"
NOT_SUPPORTED = "not_supported"


class DeviceError(Exception):
    """The device cannot: a code of those above, what is wrong, and what to do about it.

    A call that is itself wrong, such as a buffer too small, raises ValueError.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """Free text is empty where there is none: a processor has no UUID."""

    name: str
    uuid: str
    total_bytes: int
    free_bytes: int
    compute_capability: str
    multiprocessors: int
    versions: dict[str, str]


class Buffer(Protocol):
    """Memory of the device, released by `free` or with its last reference."""

    @property
    def kind(self) -> Kind: ...
    @property
    def count(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def address(self) -> int: ...
    def part(self, first: int, count: int) -> Buffer:
        """A window on `count` entries from `first` on; it keeps the memory alive."""
        ...

    def free(self) -> None:
        """Give the memory back now.  Parts of it must not be used any more."""
        ...


class Pinned(Protocol):
    """Host memory that the device can read and write by itself; `array` is its bytes."""

    @property
    def nbytes(self) -> int: ...
    @property
    def array(self) -> NDArray[np.uint8]: ...
    def free(self) -> None: ...


class Mark(Protocol):
    """A point in the sequence of calls."""


class Device(Protocol):
    @property
    def backend(self) -> str: ...

    def describe(self) -> DeviceInfo: ...

    def empty(self, count: int, kind: Kind) -> Buffer: ...
    def from_host(self, array: Array) -> Buffer: ...
    def to_host(self, buffer: Buffer) -> Array: ...

    def generate(
        self, out: Buffer, operand: Operand, key: Key, first_word: int, words: int
    ) -> None:
        """Words `first_word` and on of the operand's stream, from the start of `out`."""
        ...

    def gemm(
        self, operand: Product, a: Buffer, bt: Buffer, c: Buffer, rows: int, n: int, k: int
    ) -> None:
        """C[rows,n] = A[rows,k] . Bt[n,k]^T, all row-major; C is i32 for int8, else f32."""
        ...

    def digest_rows(self, c: Buffer, leaves: Buffer, rows: int, n: int, key: Key) -> None:
        """leaves[r] = digest of row r of C, for `rows` rows; n is a multiple of 4."""
        ...

    def fill(self, memory: Buffer, first_word: int, words: int, key: Key, cost: int) -> None:
        """Words `first_word` and on of the fill, from the start of `memory`."""
        ...

    def walk(
        self, memory: Buffer, lines: int, states: Buffer, walkers: int, steps: int, key: Key
    ) -> None:
        """states[w] = where walker w ends after `steps` lines of the first `lines`."""
        ...

    def digest_blocks(
        self, memory: Buffer, first_word: int, blocks: int, leaves: Buffer, key: Key
    ) -> None:
        """leaves[b] = digest of the b-th block from memory[first_word] on."""
        ...

    def copy(self, dst: Buffer, src: Buffer, nbytes: int) -> None: ...
    def pinned(self, nbytes: int) -> Pinned: ...
    def upload(self, pinned: Pinned, dst: Buffer, nbytes: int) -> None: ...
    def download(self, src: Buffer, pinned: Pinned, nbytes: int) -> None: ...

    def mark(self) -> Mark: ...
    def wait(self, mark: Mark) -> None: ...
    def elapsed_s(self, start: Mark, end: Mark) -> float:
        """Seconds between two marks, both of which are waited for."""
        ...

    def synchronize(self) -> None: ...
