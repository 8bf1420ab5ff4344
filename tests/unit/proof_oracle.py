"""The formulas of docs/proof.md once more, one number at a time, in Python's own integers.

Slow, and written from the formulas alone: it shares nothing with what it is compared to.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

BITS = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
M1 = 0xBF58476D1CE4E5B9
M2 = 0x94D049BB133111EB

Key = tuple[int, int]


def scramble(z: int, key: int) -> int:
    z ^= z >> 30
    z = z * M1 & BITS
    z ^= key
    z ^= z >> 27
    z = z * M2 & BITS
    return z ^ z >> 31


def word(counter: int, key: Key) -> int:
    return scramble((counter * GOLDEN + key[0]) & BITS, key[1])


def generated(operand: str, key: Key, first_word: int, words: int) -> bytes:
    """As it lies in memory."""
    made = [word(first_word + place & BITS, key) for place in range(words)]
    if operand == "int8":
        return b"".join(w.to_bytes(8, "little") for w in made)
    lanes = [(w >> 16 * lane & 511) - 256 for w in made for lane in range(4)]
    if operand == "fp16":
        return struct.pack(f"<{len(lanes)}e", *lanes)
    return b"".join(struct.pack("<f", lane)[2:] for lane in lanes)


def digest(words: Sequence[int], key: Key) -> int:
    total = 0
    for j in range(len(words) // 2):
        even, odd = words[2 * j], words[2 * j + 1]
        total += scramble((even ^ key[0]) + j * GOLDEN & BITS, odd ^ key[1])
    return total & BITS


def row_digest(entries: Sequence[int], key: Key) -> int:
    """Entries pair up into words, the first in the low half."""
    halves = [entry & 0xFFFFFFFF for entry in entries]
    words = [low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True)]
    return digest(words, key)


def filled(key: Key, counter: int, cost: int) -> int:
    z = word(counter, key)
    for turn in range(cost):
        z = scramble(z, key[1] + turn & BITS)
    return z


def walked(memory: Sequence[int], lines: int, walker: int, steps: int, key: Key) -> int:
    s = [word(8 * walker + p, key) for p in range(8)]
    for _ in range(steps):
        at, turn = 8 * (s[0] * lines >> 64), s[0] % 8
        for p in (7, 6, 5, 4, 3, 2, 1, 0):
            s[p] = scramble(s[p] ^ memory[at + (p + turn) % 8], s[(p + 1) % 8])
    return digest(s, key)


def product(a: Sequence[Sequence[int]], bt: Sequence[Sequence[int]]) -> list[list[int]]:
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in bt] for row in a]
