"""Answers from elsewhere: earlier ones, another's, ones computed before the clock ran.

What stops it: nonces that are drawn when a clock starts, and the hotkey, the slot and the
parameters in every key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from polarisd.proof import keys
from polarisd.proof import messages as m
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.prover import Prover
from polarisd.proof.transcript import Terms
from polarisd.proof.verdict import BEFORE_SAMPLE, Reason
from tests.cheats.cases import (
    COMPUTE,
    MEMORY,
    Entropy,
    Scripted,
    accepted,
    card,
    completed,
    converse,
    judged,
    party,
    proved,
    rejected,
    terms,
)
from tests.cheats.world import Act, Worker, play


@dataclass
class Recording(Scripted):
    """Keeps all it said."""

    said: list[Act] | None = None

    def hear(self, message: m.Message) -> Iterator[Act]:
        self.said = [] if self.said is None else self.said
        for act in super().hear(message):
            self.said.append(act)
            yield act


@dataclass
class Replaying:
    """Says what was said before, whenever something of that type is due."""

    said: list[Act]

    def hear(self, message: m.Message) -> Iterator[Act]:
        kinds: dict[type, type] = {m.Offer: m.Ready, m.Ping: m.Pong, m.Sample: m.Opened}
        phases = {m.FILL: m.Filled, m.WALK: m.WalkRoot, m.PASS: m.UnitRoot}
        if isinstance(message, m.Begin):
            kind: type = phases.get(message.phase, m.RoundDigest)
        else:
            kind = kinds[type(message)]
        for act in self.said:
            if isinstance(act, kind) and (not isinstance(act, m.Pong) or act == pong_of(message)):
                yield act


def pong_of(message: m.Message) -> m.Pong:
    assert isinstance(message, m.Ping)
    return m.Pong(message.number)


def recorded(asked: Terms, seed: object) -> list[Act]:
    player = Recording(Worker(card()))
    accepted(judged(play([party(asked, player, player.worker, seed)])[0]))
    assert player.said is not None
    return player.said


def replay(asked: Terms, said: list[Act], seed: object) -> Reason:
    outcome = play([party(asked, Replaying(said), Worker(card()), seed)])[0]
    return rejected(judged(outcome))


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_same_terms_again(memory: MemoryParameters | None) -> None:
    """The same prover, slot, parameters and even the same seed of the sweep."""
    asked = terms(1, memory=memory)
    reason = replay(asked, recorded(asked, 1), 2)
    assert reason in (Reason.WRONG_PATH, Reason.WRONG_ROW, Reason.WRONG_WALK)


@pytest.mark.parametrize(
    "change",
    [
        {"hotkey": bytes(32)},
        {"slot": 7},
        {"sweep_seed": bytes(32)},
        {"compute": replace(COMPUTE, chunk_rows=128, chunks=1)},
        {"compute": replace(COMPUTE, samples=COMPUTE.samples, check="freivalds")},
    ],
)
def test_transcript_under_other_terms(change: dict[str, object]) -> None:
    """Copied whole, nonces and all, as if the validator's randomness were known: the keys
    alone tell the copy from the original."""
    asked = terms(2)
    mine = completed(converse(asked))
    accepted(judged(mine))
    other = replace(mine, terms=replace(asked, **change))  # type: ignore[arg-type]
    assert rejected(judged(other)) in (Reason.WRONG_ROW, Reason.MALFORMED)
    theirs = completed(converse(other.terms))
    accepted(judged(theirs))
    swapped = replace(mine, rows=theirs.rows)
    assert rejected(judged(swapped)) in (Reason.WRONG_PATH, Reason.MALFORMED)


@pytest.mark.parametrize("change", [{"hotkey": bytes(32)}, {"slot": 7}])
def test_memory_under_other_terms(change: dict[str, object]) -> None:
    asked = terms(2, None, MEMORY)
    mine = completed(converse(asked))
    other = replace(mine, terms=replace(asked, **change))  # type: ignore[arg-type]
    assert rejected(judged(other)) is Reason.WRONG_WALK


def test_memory_under_other_parameters() -> None:
    """A challenge that asks for less is another one, though its answers are there too."""
    asked = terms(2, None, MEMORY)
    mine = completed(converse(asked))
    less = replace(MEMORY, walk_samples=MEMORY.walk_samples - 1)
    other = replace(mine, terms=replace(asked, memory=less), walkers=mine.walkers[:-1])
    assert rejected(judged(other)) is Reason.WRONG_WALK


def test_copied_while_it_runs() -> None:
    """One machine, two identities: the second says what the first says, a moment later."""
    first, second = terms(3, slot=0), terms(3, slot=1)
    assert replay(second, recorded(first, 3), 3) is Reason.WRONG_ROW


class Early(Prover):
    """Has all of a phase ready before its clock starts, for a nonce that it made up, and
    says so as soon as the clock runs."""

    phase = ""

    def _phase(self, phase: str, nonce: bytes) -> Iterator[m.Message]:
        yield from super()._phase(phase, bytes(32) if phase == self.phase else nonce)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (m.FILL, Reason.WRONG_WALK),
        (m.WALK, Reason.WRONG_WALK),
        (m.PASS, Reason.WRONG_BLOCK),
        (m.COMPUTE, Reason.WRONG_ROW),
        ("none", None),
    ],
)
def test_computed_before_the_nonce(phase: str, expected: Reason | None) -> None:
    """Whatever does not depend on the nonce could be: so all of it must."""
    early = type("EarlyIn", (Early,), {"phase": phase})
    verdict = proved(terms(4, memory=MEMORY), provers=early)
    if expected is None:
        accepted(verdict)
    else:
        assert rejected(verdict) is expected


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_nonces_are_drawn_for_each_challenge(memory: MemoryParameters | None) -> None:
    """Else what was seen once would be known for ever."""
    nonces: set[bytes] = set()
    for seed in range(20):
        done = completed(converse(terms(8, memory=memory), seed=seed))
        assert done.compute is not None
        nonces |= {done.compute.nonce, done.sample_seed}
        if done.memory is not None:
            nonces |= {done.memory.fill_nonce, done.memory.walk_nonce, done.memory.pass_nonce}
    assert len(nonces) == 20 * (5 if memory else 2)


def test_b_known_for_long_is_no_help() -> None:
    """All provers of a sweep have B before any clock starts; A does not depend on it, and
    is another for each nonce, so that a seed that leaks tells nothing of the work."""
    asked = terms(5)
    t = asked
    assert t.compute is not None
    keys_of_rounds = set()
    for seed in range(50):
        nonce = Entropy(seed)(32)
        chain = keys.chain_secret(nonce, t.sweep_seed, t.hotkey, t.slot, t.compute.packed())
        keys_of_rounds |= {keys.round_secret(chain, n, b"") for n in (0, 1)}
    assert len(keys_of_rounds) == 100


def test_later_rounds_wait_for_all_earlier_ones() -> None:
    """Nobody knows round n's rows before it has the digests of all rounds to n - 2."""
    digests = [Entropy(n)(32) for n in range(6)]
    links = keys.links_before(digests, 8)
    assert links[:2] == [b"", b""]
    for number in range(6):
        changed = list(digests)
        changed[number] = bytes(32)
        others = keys.links_before(changed, 8)
        same = [here == there for here, there in zip(links, others, strict=True)]
        assert same == [at < number + 2 for at in range(8)]


class Skewed(Prover):
    """Takes the digests of the wrong rounds for its keys, as one that computes ahead would."""

    def _rounds(self, p: ComputeParameters, nonce: bytes) -> Iterator[m.Message]:
        t = self._terms
        chain = keys.chain_secret(nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
        for message in super()._rounds(p, nonce):
            assert isinstance(message, m.RoundDigest)
            yield message
        assert self._compute is not None
        ahead = [keys.round_secret(chain, n, b"") for n in range(p.rounds)]
        self._compute.secrets[:] = ahead


def test_opened_with_keys_computed_ahead() -> None:
    reason = rejected(proved(terms(6), provers=Skewed))
    assert reason is Reason.WRONG_PATH
    assert reason not in BEFORE_SAMPLE
