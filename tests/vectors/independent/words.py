"""Section 2: 64-bit words, their generator and their digest."""

from collections.abc import Sequence

Key = tuple[int, int]

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB


def scramble(z: int, k: int) -> int:
    z ^= z >> 30
    z = z * FIRST & MASK
    z ^= k
    z ^= z >> 27
    z = z * SECOND & MASK
    return z ^ z >> 31


def word(n: int, key: Key) -> int:
    return scramble((n * GOLDEN + key[0]) & MASK, key[1])


def digest(words: Sequence[int], key: Key) -> int:
    """Of an even number of words."""
    if len(words) % 2:
        raise ValueError("an odd number of words has no digest")
    total = 0
    for j in range(len(words) // 2):
        z = ((words[2 * j] ^ key[0]) + j * GOLDEN) & MASK
        total += scramble(z, words[2 * j + 1] ^ key[1])
    return total & MASK


def below(x: int, m: int) -> int:
    """The number below m that the word x stands for."""
    return x * m >> 64


def key_of(secret: bytes) -> Key:
    return int.from_bytes(secret[:8], "little"), int.from_bytes(secret[8:16], "little")
