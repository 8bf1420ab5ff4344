"""Proofs at full size from a prover that knows the sample beforehand: for measuring verifiers.

It computes the sampled rows, walkers and blocks and makes up all other leaves, as
hashes of random bytes, so that a proof of 10^16 operations takes it a second.  What a
verifier sees is what an honest prover would have sent.  No real prover can do this: the
sample is drawn after it has committed, which is why cases here carry their own secret.
Used by `tests.bench.proof`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polarisd.proof import keys, memory, tree
from polarisd.proof.marks import MemoryCase
from polarisd.proof.matrix import row_digests, rows_of
from polarisd.proof.parameters import FREIVALDS, ComputeParameters, MemoryParameters
from polarisd.proof.rows import RowCase
from polarisd.proof.sample import RowSample, sampled_blocks, sampled_rows, sampled_walkers
from polarisd.proof.transcript import ComputeRecord, MemoryRecord, Opening, Terms
from polarisd.proof.words import Words

_SLAB_COLUMNS = 256


def terms(
    count: int, compute: ComputeParameters | None, memory_: MemoryParameters | None
) -> list[Terms]:
    """Of the GPUs of one sweep."""
    sweep_seed = os.urandom(32)
    return [
        Terms(
            challenge=os.urandom(16),
            sweep_seed=sweep_seed,
            hotkey=os.urandom(32),
            slot=number % 8,
            compute=compute,
            memory=memory_,
        )
        for number in range(count)
    ]


# Compute


@dataclass(slots=True)
class _Miner:
    terms: Terms
    nonce: bytes
    secret: bytes
    chain: bytes
    digests: list[bytes]
    links: list[bytes]
    openings: dict[int, Opening]


def row_cases(all_terms: Sequence[Terms]) -> list[RowCase]:
    """All with the same parameters.  Their rounds go in step, so that B is made once."""
    p = all_terms[0].compute
    assert p is not None
    b = _b_transposed(all_terms[0], p)
    miners = [_miner(t, p) for t in all_terms]
    for number in range(p.rounds):
        _round(miners, p, number, b)
    return [
        RowCase(
            miner.terms,
            p,
            ComputeRecord(nonce=miner.nonce, digests=tuple(miner.digests), took_s=9.0),
            miner.secret,
            tuple(miner.openings[n] for n in range(p.samples)),
        )
        for miner in miners
    ]


def _miner(t: Terms, p: ComputeParameters) -> _Miner:
    nonce = os.urandom(32)
    chain = keys.chain_secret(nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
    return _Miner(t, nonce, os.urandom(32), chain, [], [b""] * keys.LAG, {})


def _b_transposed(t: Terms, p: ComputeParameters) -> npt.NDArray[np.float32]:
    key = keys.sweep_key(t.sweep_seed, p.kind.tag, p.columns, p.depth)
    b = np.empty((p.columns, p.depth), np.float32)
    for at in range(0, p.columns, _SLAB_COLUMNS):
        numbers = np.arange(at, min(p.columns, at + _SLAB_COLUMNS), dtype=np.uint64)
        b[at : at + len(numbers)] = rows_of(key, numbers, p.depth, p.kind)
    return b


def _round(
    miners: Sequence[_Miner], p: ComputeParameters, number: int, b: npt.NDArray[np.float32]
) -> None:
    """fp32 is exact but for about one row in 10^10, which would show as a rejection."""
    secrets, samples = [], []
    for miner in miners:
        secrets.append(keys.round_secret(miner.chain, number, miner.links[number]))
        drawn = enumerate(sampled_rows(miner.secret, p))
        samples.append([(place, sample) for place, sample in drawn if sample.round == number])
    a = np.concatenate(
        [
            rows_of(keys.key_of(secret), [sample.row for _, sample in some], p.depth, p.kind)
            for secret, some in zip(secrets, samples, strict=True)
        ]
    )
    products = iter((a.astype(np.float32) @ b.T).astype(np.int32))
    for miner, secret, some in zip(miners, secrets, samples, strict=True):
        rows = np.stack(list(itertools.islice(products, len(some))))
        digests = row_digests(rows, keys.row_digest_key(secret))
        _commit(miner, p, some, rows, digests)


def _commit(
    miner: _Miner,
    p: ComputeParameters,
    samples: Sequence[tuple[int, RowSample]],
    rows: npt.NDArray[np.int32],
    digests: Words,
) -> None:
    places = [sample.row for _, sample in samples]
    grown = _Grown(p.blocks, p.group, places, digests)
    miner.digests.append(grown.root)
    miner.links.append(keys.next_link(miner.links[-1], grown.root))
    for (place, sample), row in zip(samples, rows, strict=True):
        shown = row.astype("<i4").tobytes() if p.check == FREIVALDS else b""
        block, path = grown.opening(sample.row)
        miner.openings[place] = Opening(block, path, shown)


# Memory


def memory_cases(all_terms: Sequence[Terms], fill: memory.Fill = memory.filled) -> list[MemoryCase]:
    return [_memory_case(t, fill) for t in all_terms]


def _memory_case(t: Terms, fill: memory.Fill) -> MemoryCase:
    p = t.memory
    assert p is not None
    secret, fill_nonce, walk_nonce, pass_nonce = (os.urandom(32) for _ in range(4))
    filling = keys.fill_secret(fill_nonce, t.hotkey, t.slot, p.packed())
    key = keys.key_of(filling)
    walkers = sampled_walkers(secret, p)
    ends = memory.walk(
        lambda lines: fill(memory.line_counters(lines), key, p.cost),
        np.array(walkers, np.uint64),
        p.lines,
        p.steps,
        keys.walk_key(filling, walk_nonce),
    )
    walked = _Grown(p.walkers // p.group, p.group, walkers, ends)
    samples = sampled_blocks(secret, p)
    roots: list[bytes] = []
    links = [b""] * keys.LAG
    blocks: dict[int, Opening] = {}
    for unit in range(p.units):
        unit_key = keys.unit_key(filling, pass_nonce, unit, links[unit])
        here = [(place, each.block) for place, each in enumerate(samples) if each.unit == unit]
        numbers = np.array([block for _, block in here], np.uint64)
        first = np.uint64(unit % p.segments * p.segment_blocks)
        words = fill(memory.block_counters(numbers + first), key, p.cost)
        leaves = memory.block_digests(words, unit_key)
        read = _Grown(p.segment_blocks // p.group, p.group, [block for _, block in here], leaves)
        roots.append(read.root)
        links.append(keys.next_link(links[-1], read.root))
        blocks.update((place, Opening(*read.opening(block))) for place, block in here)
    record = MemoryRecord(
        fill_nonce=fill_nonce,
        walk_nonce=walk_nonce,
        pass_nonce=pass_nonce,
        walk_root=walked.root,
        unit_roots=tuple(roots),
        fill_s=2.0,
        walk_s=0.3,
        pass_s=2.0,
    )
    opened = tuple(Opening(*walked.opening(walker)) for walker in walkers)
    return MemoryCase(t, p, record, secret, opened, tuple(blocks[n] for n in range(len(samples))))


class _Grown:
    """A Merkle tree of which only these leaves are known; made from them to the root."""

    def __init__(self, blocks: int, group: int, places: Sequence[int], leaves: Words) -> None:
        self._group = group
        self._blocks: dict[int, npt.NDArray[np.uint64]] = {}
        for place, leaf in zip(places, leaves, strict=True):
            block = self._blocks.setdefault(
                place // group, np.frombuffer(os.urandom(8 * group), "<u8").copy()
            )
            block[place % group] = leaf
        level = {n: tree.block_hash(block.tobytes()) for n, block in self._blocks.items()}
        self._levels = [level]
        for _ in range(tree.depth(blocks)):
            level = {number >> 1: self._node(number, blocks) for number in list(level)}
            self._levels.append(level)
            blocks = (blocks + 1) // 2
        self.root = self._levels[-1].get(0) or os.urandom(32)

    def _node(self, number: int, width: int) -> bytes:
        level = self._levels[-1]
        other = number ^ 1
        if other not in level:
            level[other] = os.urandom(32) if other < width else bytes(32)
        return tree.node_hash(level[number & ~1] + level[number | 1])

    def opening(self, place: int) -> tuple[bytes, tuple[bytes, ...]]:
        number = place // self._group
        path = tuple(level[number >> up ^ 1] for up, level in enumerate(self._levels[:-1]))
        return self._blocks[number].tobytes(), path
