"""Every key of the protocols, derived by BLAKE2b under a tag of its own.

Specification: docs/proof.md, "Keys".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b

from polarisd.proof.words import Key

HASH_BYTES = 32
_PERSON = b"polaris-proof/1"
# A step's key depends on the steps up to the one so many before it, so that the GPU
# works on one while the host hashes the other.
LAG = 2


def derive(tag: bytes, *parts: bytes) -> bytes:
    """32 bytes.  The tag and each part enter with their lengths, so that no two calls
    with different arguments hash the same bytes."""
    state = blake2b(digest_size=HASH_BYTES, person=_PERSON)
    for part in (tag, *parts):
        state.update(struct.pack("<I", len(part)))
        state.update(part)
    return state.digest()


def key_of(secret: bytes) -> Key:
    """The words' key in the first 16 of 32 bytes."""
    k0, k1 = struct.unpack_from("<QQ", secret)
    return Key(k0, k1)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def next_link(link: bytes, root: bytes) -> bytes:
    """Of a step with this root, after one with that link, which is empty before the first.

    It stands for all roots so far: made up ones let a prover know no more than the key
    of the step that is LAG later.
    """
    return derive(b"L", link, root)


def links_before(roots: Sequence[bytes], count: int) -> list[bytes]:
    """For each of `count` steps the link that its key is made from."""
    links = [b""] * LAG
    for root in roots[: max(0, count - LAG)]:
        links.append(next_link(links[-1], root))
    return links[:count]


# SGC/1


def sweep_key(sweep_seed: bytes, operand: bytes, columns: int, depth: int) -> Key:
    """Of the matrix B, which all provers of a sweep share."""
    return key_of(derive(b"B", sweep_seed, operand, u32(columns), u32(depth)))


def chain_secret(
    nonce: bytes, sweep_seed: bytes, hotkey: bytes, slot: int, parameters: bytes
) -> bytes:
    """What makes one prover's A its own, and unknown before its clock starts."""
    return derive(b"C", nonce, sweep_seed, hotkey, u32(slot), parameters)


def round_secret(chain: bytes, number: int, link: bytes) -> bytes:
    """`link` is that of round number - LAG, empty in the first LAG rounds."""
    return derive(b"A", chain, u32(number), link)


def row_digest_key(round_: bytes) -> Key:
    return key_of(derive(b"D", round_))


# VRC/1


def fill_secret(nonce: bytes, hotkey: bytes, slot: int, parameters: bytes) -> bytes:
    return derive(b"F", nonce, hotkey, u32(slot), parameters)


def walk_key(fill: bytes, nonce: bytes) -> Key:
    return key_of(derive(b"W", fill, nonce))


def unit_key(fill: bytes, nonce: bytes, unit: int, link: bytes) -> Key:
    """`link` is that of unit - LAG, empty in the first LAG units."""
    return key_of(derive(b"P", fill, nonce, u32(unit), link))


# Sampling


def sample_secret(seed: bytes, commitments: bytes) -> bytes:
    return derive(b"S", seed, commitments)


def draw(secret: bytes, purpose: bytes, number: int, below: int) -> int:
    """Uniform below `below` up to a bias of below / 2^64."""
    word = int.from_bytes(derive(b"s", secret, purpose, u32(number))[:8], "little")
    return word * below >> 64
