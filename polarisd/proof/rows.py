"""Verify opened rows: many GPUs' at once, by making the rows anew or by Freivalds.

Specification: docs/proof.md, "Verifying rows".  Sizes are checked before anything is
read from what a prover sent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polarisd.proof import freivalds, keys, tree
from polarisd.proof.batches import batches
from polarisd.proof.matrix import (
    exact_product_rows,
    float_rows,
    product_rows,
    row_digests,
    rows_of,
)
from polarisd.proof.parameters import FREIVALDS, RECOMPUTE, ComputeParameters
from polarisd.proof.sample import RowSample, sampled_rows
from polarisd.proof.transcript import ComputeRecord, Opening, Terms
from polarisd.proof.verdict import Reason, Rejected
from polarisd.proof.words import Key, Keys, Words, keys_of

# Of A and of the product: 64 MiB, which is 1024 rows of 8192.  Making B costs a thirtieth
# of a product of so many.
_MAX_ENTRIES_AT_ONCE = 1 << 24

_Places = npt.NDArray[np.intp]
_Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RowCase:
    """The compute part of one transcript."""

    terms: Terms
    parameters: ComputeParameters
    record: ComputeRecord
    secret: bytes
    openings: tuple[Opening, ...]

    def b_key(self) -> Key:
        p = self.parameters
        return keys.sweep_key(self.terms.sweep_seed, p.kind.tag, p.columns, p.depth)


def verify_rows(cases: Sequence[RowCase], entropy: Callable[[int], bytes]) -> list[Rejected | None]:
    """For each case why it is rejected, or None.  `entropy` gives secret random bytes,
    which Freivalds' check needs."""
    outcomes: list[Rejected | None] = [_wrong_opening(case) for case in cases]
    open_cases = [n for n, outcome in enumerate(outcomes) if outcome is None]
    for numbers in _sharing_b(cases, open_cases):
        batch = [cases[n] for n in numbers]
        if batch[0].parameters.check == FREIVALDS:
            found = _by_freivalds(batch, entropy)
        else:
            found = _by_recomputing(batch)
        for number, outcome in zip(numbers, found, strict=True):
            outcomes[number] = outcome
    return outcomes


def _sharing_b(cases: Sequence[RowCase], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Cases that are verified with one B; when recomputing, up to so many rows."""

    def shared(number: int) -> tuple[str, bytes, str, int, int]:
        p = cases[number].parameters
        return p.check, cases[number].terms.sweep_seed, p.operand, p.columns, p.depth

    def held(number: int) -> int:
        p = cases[number].parameters
        return p.samples * (p.depth + p.columns) if p.check == RECOMPUTE else 0

    for _, group in itertools.groupby(sorted(numbers, key=shared), shared):
        yield from batches(group, held, _MAX_ENTRIES_AT_ONCE)


def _wrong_opening(case: RowCase) -> Rejected | None:
    """What is wrong with sizes and paths."""
    p = case.parameters
    samples = sampled_rows(case.secret, p)
    if len(case.record.digests) != p.rounds or len(case.openings) != len(samples):
        return Rejected(reason=Reason.MALFORMED, detail="too few or too many digests or openings")
    row_bytes = 4 * p.columns if p.check == FREIVALDS else 0
    for opening, (round_, row) in zip(case.openings, samples, strict=True):
        if (
            len(opening.block) != 8 * p.group
            or len(opening.path) != tree.depth(p.blocks)
            or any(len(node) != keys.HASH_BYTES for node in opening.path)
            or len(opening.row) != row_bytes
        ):
            return Rejected(reason=Reason.MALFORMED, detail="an opening is not of the agreed size")
        root = tree.root_from(opening.block, row // p.group, opening.path)
        if root != case.record.digests[round_]:
            return _rejected(Reason.WRONG_PATH, RowSample(round_, row))
    return None


@dataclass(frozen=True, slots=True)
class _Sampled:
    """The sampled rows of some cases, end to end: where they are, and what was committed."""

    samples: tuple[RowSample, ...]
    a_keys: Keys
    digest_keys: Keys
    leaves: Words

    @property
    def rows(self) -> Words:
        return np.array([row for _, row in self.samples], np.uint64)

    def digest_keys_of(self, places: _Places) -> Keys:
        return Keys(self.digest_keys.k0[places], self.digest_keys.k1[places])


def _sampled(cases: Sequence[RowCase]) -> _Sampled:
    samples: list[RowSample] = []
    a_keys: list[Key] = []
    digest_keys: list[Key] = []
    leaves: list[int] = []
    for case in cases:
        secrets = _round_secrets(case)
        drawn = sampled_rows(case.secret, case.parameters)
        samples += drawn
        a_keys += [keys.key_of(secrets[sample.round]) for sample in drawn]
        digest_keys += [keys.row_digest_key(secrets[sample.round]) for sample in drawn]
        leaves += [
            tree.leaf(opening.block, sample.row % case.parameters.group)
            for opening, sample in zip(case.openings, drawn, strict=True)
        ]
    return _Sampled(
        tuple(samples), keys_of(a_keys), keys_of(digest_keys), np.array(leaves, np.uint64)
    )


def _round_secrets(case: RowCase) -> list[bytes]:
    t, p = case.terms, case.parameters
    chain = keys.chain_secret(case.record.nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
    links = keys.links_before(case.record.digests, p.rounds)
    return [keys.round_secret(chain, n, link) for n, link in enumerate(links)]


def _by_recomputing(batch: Sequence[RowCase]) -> list[Rejected | None]:
    p, b_key = batch[0].parameters, batch[0].b_key()
    sampled = _sampled(batch)
    a = float_rows(sampled.a_keys, sampled.rows, p.depth, p.kind)
    product = product_rows(a, b_key, p.columns, p.depth, p.kind)
    doubtful = row_digests(product, sampled.digest_keys) != sampled.leaves

    def wrong(rows: _Places) -> _Marks:
        # fp32 is exact for all but a few of 10^10 rows; nobody is rejected for one of those
        exact = exact_product_rows(a[rows], b_key, p.columns, p.depth, p.kind)
        digests = row_digests(exact, sampled.digest_keys_of(rows))
        unequal: _Marks = digests != sampled.leaves[rows]
        return unequal

    owner = np.arange(len(batch)).repeat([case.parameters.samples for case in batch])
    found = first_wrong(doubtful, owner, wrong)
    return [
        _rejected(Reason.WRONG_ROW, sampled.samples[found[n]]) if n in found else None
        for n in range(len(batch))
    ]


def first_wrong(
    doubtful: _Marks, owner: _Places, wrong: Callable[[_Places], _Marks]
) -> dict[int, int]:
    """For each owner of one, the first of its doubtful rows that is `wrong`, which is asked
    for one row of each owner at a time: to be sure is dear, and one is enough."""
    found: dict[int, int] = {}
    doubtful = doubtful.copy()
    while doubtful.any():
        owners, firsts = np.unique(owner[doubtful], return_index=True)
        rows = np.flatnonzero(doubtful)[firsts]
        surely = wrong(rows)
        found.update(zip(owners[surely].tolist(), rows[surely].tolist(), strict=True))
        doubtful[rows] = False
        doubtful &= ~np.isin(owner, owners[surely])
    return found


def _by_freivalds(
    batch: Sequence[RowCase], entropy: Callable[[int], bytes]
) -> list[Rejected | None]:
    p = batch[0].parameters
    probe = freivalds.probe(batch[0].b_key(), p.columns, p.depth, p.kind, entropy)
    return [_probed(case, probe) for case in batch]


def _probed(case: RowCase, probe: freivalds.Probe) -> Rejected | None:
    p = case.parameters
    sampled = _sampled([case])
    bound = p.kind.entry_bound(p.depth)
    shown = b"".join(opening.row for opening in case.openings)
    rows = np.frombuffer(shown, "<i4").reshape(p.samples, p.columns)
    # larger ones could differ by a multiple of one of the two primes
    too_large = (rows.max(axis=1) > bound) | (rows.min(axis=1) < -bound)
    wrong = too_large | (row_digests(rows, sampled.digest_keys) != sampled.leaves)
    if wrong.any():
        first = int(wrong.argmax())
        reason = Reason.WRONG_PRODUCT if too_large[first] else Reason.WRONG_ROW
        return _rejected(reason, sampled.samples[first])
    a = rows_of(sampled.a_keys, sampled.rows, p.depth, p.kind)
    differing = freivalds.wrong_rows(probe, a, rows)
    if len(differing):
        return _rejected(Reason.WRONG_PRODUCT, sampled.samples[differing[0]])
    return None


def _rejected(reason: Reason, sample: RowSample) -> Rejected:
    return Rejected(reason=reason, detail=f"round {sample.round}, row {sample.row}")
