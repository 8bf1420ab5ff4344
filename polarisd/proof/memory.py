"""The contents of filled memory, walks through it, digests of its blocks.

Specification: docs/proof.md, "VRC/1".  A word costs `cost` mixings one after the
other, and any of them can be had without the rest, so that a validator verifies
without storing anything.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from polarisd.proof.parameters import BLOCK_WORDS, LINE_WORDS
from polarisd.proof.words import SLAB_WORDS, Key, Keys, Words, digest, scaled, scramble, words_at

_ONE = np.uint64(1)
_EIGHT = np.uint64(LINE_WORDS)
_PLACES = np.arange(LINE_WORDS, dtype=np.uint64)

# (counters, key, cost) -> words.  Another that gives the same may stand in for `filled`.
# Counters have the shape (runs, length), each run consecutive; keys are as for `filled`.
Fill = Callable[[Words, Key | Keys, int], Words]


def filled(counters: Words, key: Key | Keys, cost: int) -> Words:
    """The words at these counters, in their shape; keys are one for each first index."""
    if isinstance(key, Keys):
        each = counters.size // max(1, len(counters))
        key = Keys(*(half.repeat(each) for half in key))
    flat = counters.reshape(-1)
    out = np.empty_like(flat)
    for at in range(0, len(flat), SLAB_WORDS):
        some = slice(at, at + SLAB_WORDS)
        mine = Keys(key.k0[some], key.k1[some]) if isinstance(key, Keys) else key
        z = words_at(flat[some], mine)
        turn_key = np.array(mine.k1, np.uint64)
        for _ in range(cost):
            scramble(z, turn_key)
            turn_key += _ONE
        out[some] = z
    return out.reshape(counters.shape)


def line_counters(lines: Words) -> Words:
    """Shape (..., 8): where the words of these lines are."""
    within = np.arange(LINE_WORDS, dtype=np.uint64)
    counters: Words = lines[..., None] * np.uint64(LINE_WORDS) + within
    return counters


def block_counters(blocks: Words) -> Words:
    within = np.arange(BLOCK_WORDS, dtype=np.uint64)
    counters: Words = blocks[..., None] * np.uint64(BLOCK_WORDS) + within
    return counters


def walk(
    read: Callable[[Words], Words],
    walkers: Words,
    lines: int | Words,
    steps: int,
    key: Key | Keys,
) -> Words:
    """Where each of these walkers ends.  `read` gives the words of lines, shape (n, 8).
    Walkers may walk in memories of their own: `lines`, keys and `read` are then one a walker."""
    beside = Keys(key.k0[:, None], key.k1[:, None]) if isinstance(key, Keys) else key
    # one array for each of the eight words of the walkers' states
    state = list(words_at(line_counters(walkers), beside).T.copy())
    for _ in range(steps):
        turned = (state[0][:, None] + _PLACES) % _EIGHT
        x = np.take_along_axis(read(scaled(state[0], lines)), turned.astype(np.intp), 1).T
        # backwards, so that the first word, which says where to go on, takes in all of them
        for place in reversed(range(LINE_WORDS)):
            following = state[(place + 1) % LINE_WORDS]
            state[place] = scramble(state[place] ^ x[place], following)
    return digest(np.stack(state, 1), key)


def block_digests(words: Words, key: Key | Keys) -> Words:
    """One for each 64 KiB block of `words`, shape (blocks, 8192); keys are one a block."""
    return digest(words, key)
