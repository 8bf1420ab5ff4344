"""Section 4: trees over blocks of words."""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32


def block_bytes(leaves: Sequence[int]) -> bytes:
    return b"".join(leaf.to_bytes(8, "little") for leaf in leaves)


def block_hash(block: bytes) -> bytes:
    return hashlib.blake2b(block, digest_size=HASH_BYTES, person=b"polaris-block/1").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.blake2b(left + right, digest_size=HASH_BYTES, person=b"polaris-node/1").digest()


def path_length(blocks: int) -> int:
    return (blocks - 1).bit_length()


def levels(leaves: Sequence[int], group: int) -> list[list[bytes]]:
    """From the hashes of the blocks to the root alone; completed to pairs but for the root."""
    level = [block_hash(block_bytes(leaves[i : i + group])) for i in range(0, len(leaves), group)]
    result = [level]
    while len(level) > 1:
        if len(level) % 2:
            level.append(bytes(HASH_BYTES))
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        result.append(level)
    return result


def root(leaves: Sequence[int], group: int) -> bytes:
    return levels(leaves, group)[-1][0]


def path(leaves: Sequence[int], group: int, block: int) -> list[bytes]:
    tree = levels(leaves, group)[:-1]
    return [level[(block >> height) ^ 1] for height, level in enumerate(tree)]


def climb(block: bytes, number: int, neighbours: Sequence[bytes]) -> bytes:
    """The root that a block, its number and its path lead to."""
    top = block_hash(block)
    for neighbour in neighbours:
        top = node_hash(neighbour, top) if number & 1 else node_hash(top, neighbour)
        number >>= 1
    return top
