"""Examples of the parts: words, keys, entries, products, commitments, memory, samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from polarisd.proof import keys, memory, tree
from polarisd.proof.matrix import exact_product_rows, row_digests, rows_of
from polarisd.proof.operand import OPERANDS
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.sample import sampled_blocks, sampled_rows, sampled_walkers
from polarisd.proof.words import Key, digest, scramble, words_at

KEY = Key(0x0123456789ABCDEF, 0xFEDCBA9876543210)
SECRET = bytes(range(32))

COMPUTE = ComputeParameters(
    operand="nine_bit", chunk_rows=8, columns=16, depth=32, chunks=3, rounds=3, group=4, samples=5
)
COMPUTE_INT8 = ComputeParameters(
    operand="int8", chunk_rows=8, columns=32, depth=16, chunks=2, rounds=4, group=8, samples=6,
    check="freivalds",
)  # fmt: skip
MEMORY = MemoryParameters(
    blocks=6, cost=3, walkers=12, steps=7, segments=2, units=5, group=3, walk_samples=2,
    unit_samples=3,
)  # fmt: skip

MEMORY_ALONE = MemoryParameters(
    blocks=16, cost=40, walkers=600, steps=64, segments=4, units=11, group=2, walk_samples=3,
    unit_samples=4,
)  # fmt: skip
NO_PASSES = MemoryParameters(
    blocks=4, cost=2, walkers=6, steps=3, segments=4, units=0, group=1, walk_samples=2,
    unit_samples=1,
)  # fmt: skip


def hex_words(words: npt.NDArray[np.uint64]) -> list[str]:
    return [f"{int(word):016x}" for word in words.reshape(-1)]


def examples() -> dict[str, object]:
    return {
        "words": _words(),
        "keys": _keys(),
        "products": {name: _product(name) for name in OPERANDS},
        "commitments": [_commitment(leaves, group) for leaves, group in ((4, 4), (12, 4), (15, 3))],
        "memory": _memory(),
        "samples": _samples(),
        "packed": {"compute": COMPUTE.packed().hex(), "memory": MEMORY.packed().hex()},
    }


def _words() -> dict[str, object]:
    numbers = np.array([0, 1, 2, 1 << 40, (1 << 64) - 1], np.uint64)
    return {
        "key": hex_words(np.array(KEY, np.uint64)),
        "n": hex_words(numbers),
        "scramble": hex_words(scramble(numbers.copy(), np.uint64(KEY.k1))),
        "word": hex_words(words_at(numbers, KEY)),
        "splitmix64": hex_words(words_at(numbers, Key(0, 0))),
        "digest_of_first_four": hex_words(digest(numbers[None, :4], KEY))[0],
    }


def _keys() -> dict[str, object]:
    nonce, seed, hotkey = (bytes([n] * 32) for n in (1, 2, 3))
    chain = keys.chain_secret(nonce, seed, hotkey, 5, COMPUTE.packed())
    first = keys.round_secret(chain, 0, b"")
    fill = keys.fill_secret(nonce, hotkey, 5, MEMORY.packed())
    link = keys.next_link(b"", b"\x07" * 32)
    return {
        "nonce": nonce.hex(),
        "sweep_seed": seed.hex(),
        "hotkey": hotkey.hex(),
        "slot": 5,
        "H(B)": keys.derive(b"B", seed, b"nine_bit", keys.u32(16), keys.u32(32)).hex(),
        "b_key": hex_words(np.array(keys.sweep_key(seed, b"nine_bit", 16, 32), np.uint64)),
        "chain": chain.hex(),
        "round_0": first.hex(),
        "link_0_of_a_root_of_32_bytes_07": link.hex(),
        "round_2_after_that": keys.round_secret(chain, 2, link).hex(),
        "row_digests_of_round_0": hex_words(np.array(keys.row_digest_key(first), np.uint64)),
        "fill": fill.hex(),
        "walk_with_the_same_nonce": hex_words(np.array(keys.walk_key(fill, nonce), np.uint64)),
        "unit_1_with_the_same_nonce": hex_words(
            np.array(keys.unit_key(fill, nonce, 1, b""), np.uint64)
        ),
        "sample_with_the_sweep_seed_after_a_root_of_32_bytes_07": keys.sample_secret(
            seed, b"\x07" * 32
        ).hex(),
    }


def _product(name: str) -> dict[str, object]:
    operand, depth, columns = OPERANDS[name], 16, 16
    a = rows_of(KEY, [0, 7], depth, operand)
    b = rows_of(Key(KEY.k1, KEY.k0), range(columns), depth, operand)
    c = exact_product_rows(a, Key(KEY.k1, KEY.k0), columns, depth, operand)
    return {
        "a_key": "as in words",
        "b_key": "its halves exchanged",
        "a_rows_0_and_7": a.tolist(),
        "b_column_3": b[3].tolist(),
        "c": c.tolist(),
        "leaves_under_the_key_in_words": hex_words(row_digests(c, KEY)),
    }


def _commitment(leaves: int, group: int) -> dict[str, object]:
    words = words_at(np.arange(leaves, dtype=np.uint64), KEY)
    levels = tree.levels_of(words, group)
    last = leaves // group - 1
    return {
        "leaves": hex_words(words),
        "group": group,
        "root": tree.root(levels).hex(),
        "path_of_last_block": [node.hex() for node in tree.path(levels, last)],
    }


def _memory() -> dict[str, object]:
    p = MEMORY
    words = memory.filled(np.arange(p.words, dtype=np.uint64), KEY, p.cost)
    lines = words.reshape(-1, 8)
    walkers = np.arange(4, dtype=np.uint64)
    walk_key = Key(KEY.k1, KEY.k0)
    return {
        "fill_key": "as in words",
        "cost": p.cost,
        "lines": p.lines,
        "steps": p.steps,
        "first_line": hex_words(words[:8]),
        "last_word": hex_words(words[-1:])[0],
        "walk_key": "its halves exchanged",
        "first_walks_end": hex_words(
            memory.walk(lambda n: lines[n], walkers, p.lines, p.steps, walk_key)
        ),
        "block_digests_under_the_walk_key": hex_words(
            memory.block_digests(words.reshape(-1, 8192), walk_key)
        ),
    }


def _samples() -> dict[str, object]:
    return {
        "secret": SECRET.hex(),
        "draw_row_3_below_1000": keys.draw(SECRET, b"row", 3, 1000),
        "rows": [list(pair) for pair in sampled_rows(SECRET, COMPUTE)],
        "walkers": list(sampled_walkers(SECRET, MEMORY)),
        "blocks": [list(pair) for pair in sampled_blocks(SECRET, MEMORY)],
    }
