"""Verify opened walkers and blocks of VRC/1, from the fill's formula alone.

Specification: docs/proof.md, "Verifying memory".  Nothing is stored, and the walkers
of many GPUs walk in step, which is what makes NumPy fast enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polarisd.proof import keys, memory, tree
from polarisd.proof.batches import batches
from polarisd.proof.memory import Fill
from polarisd.proof.parameters import LINE_WORDS, MemoryParameters
from polarisd.proof.sample import sampled_blocks, sampled_walkers
from polarisd.proof.transcript import MemoryRecord, Opening, Terms
from polarisd.proof.verdict import Reason, Rejected
from polarisd.proof.words import SLAB_WORDS, Key, Keys, Words, keys_of

# So many walkers read a slab of words at each step.
_MAX_WALKERS = SLAB_WORDS // LINE_WORDS
# At a time: a prover may be asked for thousands, each of 64 KiB.
_MAX_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class MemoryCase:
    """The memory part of one transcript."""

    terms: Terms
    parameters: MemoryParameters
    record: MemoryRecord
    secret: bytes
    walkers: tuple[Opening, ...]
    blocks: tuple[Opening, ...]

    def fill_secret(self) -> bytes:
        t = self.terms
        return keys.fill_secret(self.record.fill_nonce, t.hotkey, t.slot, self.parameters.packed())


def verify_memory(cases: Sequence[MemoryCase], fill: Fill = memory.filled) -> list[Rejected | None]:
    """For each case why it is rejected, or None."""
    outcomes: list[Rejected | None] = [_wrong_opening(case) for case in cases]
    for numbers in _in_step(cases, outcomes):
        ends = _ends([cases[n] for n in numbers], fill)
        for number, walked in zip(numbers, ends, strict=True):
            outcomes[number] = _wrong_walk(cases[number], walked)
    return [
        outcome or _wrong_block(case, fill) for case, outcome in zip(cases, outcomes, strict=True)
    ]


def _in_step(
    cases: Sequence[MemoryCase], outcomes: Sequence[Rejected | None]
) -> Iterator[list[int]]:
    """The cases still open whose walkers can walk together."""

    def shared(number: int) -> tuple[int, int]:
        p = cases[number].parameters
        return p.cost, p.steps

    numbers = [n for n, outcome in enumerate(outcomes) if outcome is None]
    for _, group in itertools.groupby(sorted(numbers, key=shared), shared):
        yield from batches(group, lambda n: cases[n].parameters.walk_samples, _MAX_WALKERS)


def _wrong_opening(case: MemoryCase) -> Rejected | None:
    """What is wrong with sizes and paths."""
    p = case.parameters
    walkers, blocks = sampled_walkers(case.secret, p), sampled_blocks(case.secret, p)
    if (
        len(case.walkers) != len(walkers)
        or len(case.blocks) != len(blocks)
        or len(case.record.unit_roots) != p.units
    ):
        return Rejected(reason=Reason.MALFORMED, detail="too few or too many roots or openings")
    wanted = itertools.chain(
        (("walker", w, case.record.walk_root, p.walkers) for w in walkers),
        (("block", b, case.record.unit_roots[u], p.segment_blocks) for u, b in blocks),
    )
    openings = itertools.chain(case.walkers, case.blocks)
    for opening, (what, place, root, leaves) in zip(openings, wanted, strict=True):
        if not _fits(opening, p.group, leaves):
            return Rejected(reason=Reason.MALFORMED, detail="an opening is not of the agreed size")
        if tree.root_from(opening.block, place // p.group, opening.path) != root:
            return Rejected(reason=Reason.WRONG_PATH, detail=f"{what} {place}")
    return None


def _fits(opening: Opening, group: int, leaves: int) -> bool:
    return (
        len(opening.block) == 8 * group
        and len(opening.path) == tree.depth(leaves // group)
        and all(len(node) == keys.HASH_BYTES for node in opening.path)
        and not opening.row
    )


def _ends(cases: Sequence[MemoryCase], fill: Fill) -> list[Words]:
    """Where the sampled walkers of each case must end; all have the same cost and steps."""
    p = cases[0].parameters
    secrets = [case.fill_secret() for case in cases]
    walkers = [np.array(sampled_walkers(case.secret, case.parameters), np.uint64) for case in cases]
    counts = [len(each) for each in walkers]
    fill_keys = _repeated([keys.key_of(secret) for secret in secrets], counts)
    walk_keys = [
        keys.walk_key(secret, case.record.walk_nonce)
        for secret, case in zip(secrets, cases, strict=True)
    ]
    ends = memory.walk(
        lambda lines: fill(memory.line_counters(lines), fill_keys, p.cost),
        np.concatenate(walkers),
        np.repeat(np.array([case.parameters.lines for case in cases], np.uint64), counts),
        p.steps,
        _repeated(walk_keys, counts),
    )
    return np.split(ends, np.cumsum(counts)[:-1])


def _repeated(each: Sequence[Key], counts: Sequence[int]) -> Keys:
    return Keys(*(half.repeat(counts) for half in keys_of(each)))


def _wrong_walk(case: MemoryCase, ends: Words) -> Rejected | None:
    p = case.parameters
    walkers = sampled_walkers(case.secret, p)
    for opening, walker, end in zip(case.walkers, walkers, ends, strict=True):
        if tree.leaf(opening.block, walker % p.group) != int(end):
            return Rejected(reason=Reason.WRONG_WALK, detail=f"walker {walker}")
    return None


def _wrong_block(case: MemoryCase, fill: Fill) -> Rejected | None:
    p, record, secret = case.parameters, case.record, case.fill_secret()
    samples = sampled_blocks(case.secret, p)
    links = keys.links_before(record.unit_roots, p.units)
    unit_keys = [keys.unit_key(secret, record.pass_nonce, u, links[u]) for u, _ in samples]
    numbers = [u % p.segments * p.segment_blocks + block for u, block in samples]
    for at in range(0, len(samples), _MAX_BLOCKS):
        some = slice(at, at + _MAX_BLOCKS)
        counters = memory.block_counters(np.array(numbers[some], np.uint64))
        words = fill(counters, keys.key_of(secret), p.cost)
        digests = memory.block_digests(words, keys_of(unit_keys[some]))
        for opening, (unit, block), digest in zip(
            case.blocks[some], samples[some], digests, strict=True
        ):
            if tree.leaf(opening.block, block % p.group) != int(digest):
                return Rejected(reason=Reason.WRONG_BLOCK, detail=f"unit {unit}, block {block}")
    return None
