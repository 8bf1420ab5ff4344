"""Keys chosen by trying: one leaf of a round is made up, anew until a later key is liked.

What stops it: nothing, and it is no use.  No key makes a product cheaper, keys are hashes
of all that was committed to, and the leaf is a wrong leaf like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from polarisd.proof import keys, tree
from polarisd.proof import messages as m
from polarisd.proof.judge import judge
from polarisd.proof.keys import LAG
from polarisd.proof.parameters import ComputeParameters
from polarisd.proof.prover import Prover, _Compute
from polarisd.proof.sample import sampled_rows
from polarisd.proof.transcript import Opening
from polarisd.proof.verdict import Accepted
from polarisd.proof.words import Key, Words
from tests.cheats.cases import COMPUTE, NO_LIMIT, Entropy, completed, converse, terms
from tests.cheats.chance import plausible

P = replace(COMPUTE, chunk_rows=16, chunks=1, rounds=6, samples=24)
WANTED_BITS = np.uint64(31)
TRIALS = 100


class Grinding(Prover):
    """Has its keys from round 2 on end in five bits that it likes."""

    def _rounds(self, p: ComputeParameters, nonce: bytes) -> Iterator[m.Message]:
        t = self._terms
        chain = keys.chain_secret(nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
        self._compute = _Compute(p, [], [])
        self.leaves: list[Words] = []
        links = [b""] * LAG
        for number in range(p.rounds):
            secret = keys.round_secret(chain, number, links[number])
            self._compute.secrets.append(secret)
            pending = self._engine.start_round(keys.key_of(secret), keys.row_digest_key(secret))
            leaves = pending.leaves()
            for attempt in range(1000):
                leaves[0] = attempt
                levels = tree.levels_of(leaves, p.group)
                link = keys.next_link(links[-1], tree.root(levels))
                key = keys.key_of(keys.round_secret(chain, number + LAG, link))
                if np.uint64(key.k1) & WANTED_BITS == 0:
                    break
            links.append(link)
            self.leaves.append(leaves)
            self._compute.trees.append(levels)
            yield m.RoundDigest(number, tree.root(levels))

    def _open_rows(self, done: _Compute, secret: bytes) -> Iterator[m.Message]:
        """With the leaf as it was committed to."""
        p = done.p
        for place, (number, row) in enumerate(sampled_rows(secret, p)):
            block = row // p.group
            leaves = self.leaves[number][block * p.group : (block + 1) * p.group]
            opening = Opening(leaves.tobytes(), tree.path(done.trees[number], block))
            yield m.Opened(m.ROW, place, opening)


def chosen(record_keys: list[Key]) -> bool:
    return all(key.k1 & int(WANTED_BITS) == 0 for key in record_keys)


def test_keys_can_be_chosen_and_the_leaf_is_a_wrong_one() -> None:
    asked = terms("grinding", P)
    done = [completed(converse(asked, provers=Grinding, seed=n)) for n in range(TRIALS)]
    for transcript in done:
        record = transcript.compute
        assert record is not None
        chain = keys.chain_secret(
            record.nonce, asked.sweep_seed, asked.hotkey, asked.slot, P.packed()
        )
        links = keys.links_before(record.digests, P.rounds)
        secrets = [keys.round_secret(chain, n, link) for n, link in enumerate(links)]
        assert chosen([keys.key_of(secret) for secret in secrets[LAG:]])
    verdicts = judge(done, [NO_LIMIT] * TRIALS, Entropy(1))
    passed = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    assert plausible(passed, TRIALS, (1 - 1 / P.rows) ** P.samples)


def test_no_key_makes_the_work_less() -> None:
    """The time is that of the products, whichever keys they have."""
    asked = terms("grinding", P)
    ground = completed(converse(asked, provers=Grinding)).compute
    honest = completed(converse(asked)).compute
    assert ground is not None and honest is not None
    assert ground.took_s >= honest.took_s
