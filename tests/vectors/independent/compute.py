"""Sections 5 and 9: the matrices, a row of their product, its leaf, Freivalds' check."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from .parameters import ENTRIES_OF_A_WORD, Compute
from .words import Key, digest, word

PRIMES = ((1 << 31) - 1, (1 << 31) - 19)


def entries(x: int, operand: str) -> list[int]:
    """Those of one word, lowest bits first."""
    if operand == "nine_bit":
        return [(x >> 16 * place & 0x1FF) - 256 for place in range(4)]
    return [((x >> 8 * place & 0xFF) ^ 0x80) - 0x80 for place in range(8)]


def vector(number: int, depth: int, operand: str, key: Key) -> list[int]:
    """A row of A, or a column of B."""
    width = depth // ENTRIES_OF_A_WORD[operand]
    found = (entries(word(number * width + j, key), operand) for j in range(width))
    return [entry for group in found for entry in group]


@lru_cache(maxsize=8)
def matrix_b(columns: int, depth: int, operand: str, key: Key) -> list[list[int]]:
    return [vector(n, depth, operand, key) for n in range(columns)]


def dot(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(left, right, strict=True))


def leaf(row: Sequence[int], key: Key) -> int:
    low = 0xFFFFFFFF
    pairs = zip(row[::2], row[1::2], strict=True)
    return digest([(first & low) | (second & low) << 32 for first, second in pairs], key)


class Product:
    """A = round key, B = sweep key; rows of C, recomputed or checked."""

    def __init__(self, parameters: Compute, b_key: Key) -> None:
        self.parameters = parameters
        self.b = matrix_b(parameters.columns, parameters.depth, parameters.operand, b_key)

    def row_of_a(self, number: int, round_key: Key) -> list[int]:
        return vector(number, self.parameters.depth, self.parameters.operand, round_key)

    def row(self, number: int, round_key: Key) -> list[int]:
        a = self.row_of_a(number, round_key)
        return [dot(a, column) for column in self.b]

    @property
    def bound(self) -> int:
        """No true entry exceeds it."""
        return self.parameters.depth << (16 if self.parameters.operand == "nine_bit" else 14)


class Freivalds:
    """A secret vector for each prime, and B times it. `below(p)`: uniform in 0 ... p - 1."""

    def __init__(self, product: Product, below: Callable[[int], int]) -> None:
        self.product = product
        self.secrets = [[below(p) for _ in product.b] for p in PRIMES]
        depth = range(product.parameters.depth)
        self.images = [
            [sum(column[k] * r for column, r in zip(product.b, secret, strict=True)) for k in depth]
            for secret in self.secrets
        ]

    def holds(self, number: int, round_key: Key, row: Sequence[int]) -> bool:
        a = self.product.row_of_a(number, round_key)
        return all(
            (dot(row, secret) - dot(a, image)) % p == 0
            for p, secret, image in zip(PRIMES, self.secrets, self.images, strict=True)
        )
