"""Merkle trees over words: commit to millions of them, open a block of them later.

Specification: docs/proof.md, "Commitments".  Leaf blocks and nodes hash under tags
of their own, so neither can stand for the other.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from polarisd.proof.keys import HASH_BYTES
from polarisd.proof.words import Words

# Copied for each hash: an empty one costs half as much as a short hash.
_BLOCK = blake2b(digest_size=HASH_BYTES, person=b"polaris-block/1")
_NODE = blake2b(digest_size=HASH_BYTES, person=b"polaris-node/1")
# Stands for the missing right neighbour at the end of a level of odd length.
_NOTHING = bytes(HASH_BYTES)

# From the block hashes up to the root, each level's hashes end to end.
Levels = tuple[bytes, ...]


def block_hash(block: bytes | memoryview) -> bytes:
    state = _BLOCK.copy()
    state.update(block)
    return state.digest()


def node_hash(both: bytes | memoryview) -> bytes:
    state = _NODE.copy()
    state.update(both)
    return state.digest()


def levels_of(leaves: Words, group: int) -> Levels:
    """`group` divides the number of leaves, of which there is at least one."""
    if len(leaves) == 0 or len(leaves) % group:
        raise ValueError("the leaves must fill their blocks")
    data = memoryview(leaves.astype("<u8").tobytes())
    width = 8 * group
    level = b"".join(block_hash(data[at : at + width]) for at in range(0, len(data), width))
    levels = [level]
    while len(level) > HASH_BYTES:
        odd = len(level) // HASH_BYTES % 2
        pairs = memoryview(level + _NOTHING if odd else level)
        step = 2 * HASH_BYTES
        level = b"".join(node_hash(pairs[at : at + step]) for at in range(0, len(pairs), step))
        levels.append(level)
    return tuple(levels)


def root(levels: Levels) -> bytes:
    return levels[-1]


def path(levels: Levels, block: int) -> tuple[bytes, ...]:
    """The neighbours of a block's hash on its way to the root, lowest first."""
    neighbours = []
    for level in levels[:-1]:
        at = (block ^ 1) * HASH_BYTES
        neighbours.append(level[at : at + HASH_BYTES] or _NOTHING)
        block >>= 1
    return tuple(neighbours)


def depth(blocks: int) -> int:
    """How long the path of each block is in a tree of so many."""
    return (blocks - 1).bit_length()


def root_from(block: bytes, number: int, neighbours: tuple[bytes, ...]) -> bytes:
    """The root that a block with this path belongs to."""
    node = block_hash(block)
    for neighbour in neighbours:
        node = node_hash(neighbour + node) if number & 1 else node_hash(node + neighbour)
        number >>= 1
    return node


def leaf(block: bytes, place: int) -> int:
    return int(np.frombuffer(block, "<u8")[place])
