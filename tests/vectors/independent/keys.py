"""Section 3: every secret, from what both sides know."""

import hashlib


def u32(x: int) -> bytes:
    return x.to_bytes(4, "little")


def keyed_hash(tag: str, *parts: bytes) -> bytes:
    """H(tag, p1, ...)."""
    state = hashlib.blake2b(digest_size=32, person=b"polaris-proof/1")
    for part in (tag.encode("ascii"), *parts):
        state.update(u32(len(part)))
        state.update(part)
    return state.digest()


def matrix_b(sweep_seed: bytes, operand: str, columns: int, depth: int) -> bytes:
    return keyed_hash("B", sweep_seed, operand.encode("ascii"), u32(columns), u32(depth))


def chain(nonce: bytes, sweep_seed: bytes, hotkey: bytes, slot: int, packed: bytes) -> bytes:
    return keyed_hash("C", nonce, sweep_seed, hotkey, u32(slot), packed)


def link(roots: list[bytes], n: int) -> bytes:
    """Link n of these roots; no bytes before the first."""
    if n < 0:
        return b""
    found = b""
    for root in roots[: n + 1]:
        found = keyed_hash("L", found, root)
    return found


def compute_round(chain_secret: bytes, i: int, two_before: bytes) -> bytes:
    return keyed_hash("A", chain_secret, u32(i), two_before)


def row_digests(round_secret: bytes) -> bytes:
    return keyed_hash("D", round_secret)


def fill(nonce: bytes, hotkey: bytes, slot: int, packed: bytes) -> bytes:
    return keyed_hash("F", nonce, hotkey, u32(slot), packed)


def walk(fill_secret: bytes, nonce: bytes) -> bytes:
    return keyed_hash("W", fill_secret, nonce)


def unit(fill_secret: bytes, nonce: bytes, u: int, two_before: bytes) -> bytes:
    return keyed_hash("P", fill_secret, nonce, u32(u), two_before)


def sample(seed: bytes, commitments: list[bytes]) -> bytes:
    """`commitments`: the walk root, the unit roots, the round digests, as far as there are any."""
    return keyed_hash("S", seed, b"".join(commitments))
