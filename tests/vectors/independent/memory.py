"""Section 6: words of the memory by their formula, walks, digests of blocks."""

from functools import lru_cache

from .parameters import BLOCK_WORDS
from .words import MASK, Key, below, digest, scramble, word


@lru_cache(maxsize=1 << 18)
def memory_word(w: int, key: Key, cost: int) -> int:
    z = word(w, key)
    for t in range(cost):
        z = scramble(z, (key[1] + t) & MASK)
    return z


def line(number: int, key: Key, cost: int) -> list[int]:
    return [memory_word(8 * number + j, key, cost) for j in range(8)]


def walk_end(i: int, walk_key: Key, steps: int, lines: int, fill_key: Key, cost: int) -> int:
    s = [word(8 * i + p, walk_key) for p in range(8)]
    for _ in range(steps):
        r = s[0] % 8
        x = line(below(s[0], lines), fill_key, cost)
        for p in range(7, -1, -1):
            s[p] = scramble(s[p] ^ x[(p + r) % 8], s[(p + 1) % 8])
    return digest(s, walk_key)


def block_digest(block: int, unit_key: Key, fill_key: Key, cost: int) -> int:
    """`block`: its number in the whole memory."""
    first = block * BLOCK_WORDS
    found = [memory_word(first + j, fill_key, cost) for j in range(BLOCK_WORDS)]
    return digest(found, unit_key)
