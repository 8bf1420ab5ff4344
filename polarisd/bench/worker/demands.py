"""What the arguments of each device call must satisfy; one place for all devices.

On a GPU a buffer that is too small is not an exception but memory overwritten, or an
error that ends the process.  So every device asks here first.  ValueError says which
argument is wrong.  Pure; imports only device.
"""

from __future__ import annotations

from polarisd.bench.worker.device import (
    BLOCK_WORDS,
    DTYPES,
    LINE_WORDS,
    OPERAND_KINDS,
    WORD_BYTES,
    Array,
    Buffer,
    Key,
    Kind,
    Operand,
    Pinned,
    Product,
)

# The kernels load 16 bytes at a time: four entries of a row, or a pair of words.
LOAD_BYTES = 16
_U64 = 1 << 64


def for_generate(out: Buffer, operand: Operand, key: Key, first_word: int, words: int) -> None:
    _kind("out", out, OPERAND_KINDS[operand], "u64")
    _key(key)
    _counters(first_word, words)
    _holds("out", out, words * WORD_BYTES)
    _aligned("out", out, 0, WORD_BYTES)


def for_gemm(operand: Product, a: Buffer, bt: Buffer, c: Buffer, rows: int, n: int, k: int) -> None:
    kind = OPERAND_KINDS[operand]
    _positive(rows=rows, n=n, k=k)
    _kind("a", a, kind)
    _kind("bt", bt, kind)
    _kind("c", c, "i32" if operand == "int8" else "f32")
    _holds("a", a, rows * k * DTYPES[kind].itemsize)
    _holds("bt", bt, n * k * DTYPES[kind].itemsize)
    _holds("c", c, rows * n * DTYPES[c.kind].itemsize)
    _apart("c", c, "a", a)
    _apart("c", c, "bt", bt)


def for_digest_rows(c: Buffer, leaves: Buffer, rows: int, n: int, key: Key) -> None:
    _kind("c", c, "i32", "f32")
    _key(key)
    _positive(rows=rows, n=n)
    if n % 4:
        raise ValueError(f"a row of {n} entries cannot be digested: not a multiple of 4")
    _holds("c", c, rows * n * DTYPES[c.kind].itemsize)
    _aligned("c", c, 0, LOAD_BYTES)
    _leaves(leaves, rows)
    _apart("leaves", leaves, "c", c)


def for_fill(memory: Buffer, first_word: int, words: int, key: Key, cost: int) -> None:
    _kind("memory", memory, "u64")
    _key(key)
    _counters(first_word, words)
    if not 0 <= cost < 1 << 32:
        raise ValueError(f"cost is {cost}: not between 0 and 2^32")
    _holds("memory", memory, words * WORD_BYTES)


def for_walk(
    memory: Buffer, lines: int, states: Buffer, walkers: int, steps: int, key: Key
) -> None:
    _kind("memory", memory, "u64")
    _kind("states", states, "u64")
    _key(key)
    _positive(lines=lines, walkers=walkers, steps=steps)
    _holds("memory", memory, lines * LINE_WORDS * WORD_BYTES)
    _aligned("memory", memory, 0, LOAD_BYTES)
    _holds("states", states, walkers * WORD_BYTES)
    _apart("states", states, "memory", memory)


def for_digest_blocks(
    memory: Buffer, first_word: int, blocks: int, leaves: Buffer, key: Key
) -> None:
    _kind("memory", memory, "u64")
    _key(key)
    _positive(blocks=blocks)
    if first_word < 0:
        raise ValueError(f"first_word is {first_word}: less than 0")
    _holds("memory", memory, (first_word + blocks * BLOCK_WORDS) * WORD_BYTES)
    _aligned("memory", memory, first_word * WORD_BYTES, LOAD_BYTES)
    _leaves(leaves, blocks)
    _apart("leaves", leaves, "memory", memory)


def for_copy(dst: Buffer, src: Buffer, nbytes: int) -> None:
    for_transfer(dst, src, nbytes)
    _apart("dst", dst, "src", src)


def for_transfer(one: Buffer | Pinned, other: Buffer | Pinned, nbytes: int) -> None:
    _positive(nbytes=nbytes)
    for buffer in (one, other):
        if buffer.nbytes < nbytes:
            raise ValueError(f"{nbytes} bytes cannot be moved: a side has {buffer.nbytes}")


def for_part(first: int, count: int, whole: int) -> None:
    if first < 0 or count < 1 or first + count > whole:
        raise ValueError(f"entries {first} to {first + count} are not within {whole}")


def for_empty(count: int, kind: Kind) -> None:
    if kind not in DTYPES:
        raise ValueError(f"no buffer is of kind {kind!r}")
    _positive(count=count)


def kind_of(array: Array) -> Kind:
    """Which buffer holds such entries."""
    for kind, dtype in DTYPES.items():
        if dtype == array.dtype:
            return kind
    raise ValueError(f"no buffer holds entries of type {array.dtype}")


def _leaves(leaves: Buffer, count: int) -> None:
    _kind("leaves", leaves, "u64")
    _holds("leaves", leaves, count * WORD_BYTES)


def _kind(name: str, buffer: Buffer, *kinds: Kind) -> None:
    if buffer.kind not in kinds:
        raise ValueError(f"{name} is of kind {buffer.kind}, not {' or '.join(kinds)}")


def _key(key: Key) -> None:
    if len(key) != 2 or not all(0 <= half < _U64 for half in key):
        raise ValueError("a key is two numbers of 64 bits")


def _counters(first_word: int, words: int) -> None:
    _positive(words=words)
    if first_word < 0 or first_word + words > _U64:
        raise ValueError(f"words from {first_word} on, {words} of them, leave 64 bits")


def _positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} is {number}: less than 1")


def _holds(name: str, buffer: Buffer, nbytes: int) -> None:
    if buffer.nbytes < nbytes:
        raise ValueError(f"{name} holds {buffer.nbytes} bytes, and {nbytes} are needed")


def _aligned(name: str, buffer: Buffer, offset: int, multiple: int) -> None:
    if (buffer.address + offset) % multiple:
        raise ValueError(f"{name} does not begin at a multiple of {multiple} bytes")


def _apart(name: str, written: Buffer, other: str, read: Buffer) -> None:
    """The kernels read through a cache that does not see what is written meanwhile."""
    first, second = sorted((written, read), key=lambda buffer: buffer.address)
    if first.address + first.nbytes > second.address:
        raise ValueError(f"{name} and {other} overlap")
