"""The prover's side of one challenge: its script, over any engine.

Specification: docs/proof.md, "The conversation".  Runs in the worker process that has
the GPU; `receive` waits for a message, `send` passes one on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from polarisd.proof import keys, tree
from polarisd.proof import messages as m
from polarisd.proof.engine import Engine, Pending
from polarisd.proof.keys import LAG
from polarisd.proof.parameters import FREIVALDS, ComputeParameters, MemoryParameters
from polarisd.proof.sample import sampled_blocks, sampled_rows, sampled_walkers
from polarisd.proof.transcript import Opening, Terms
from polarisd.proof.words import Key, Words


class Breach(Exception):
    """The validator did not keep to the protocol; the text says how."""


class _Compute(NamedTuple):
    p: ComputeParameters
    secrets: list[bytes]
    trees: list[tree.Levels]


class _Memory(NamedTuple):
    p: MemoryParameters
    fill_secret: bytes
    states: Words
    walk_tree: tree.Levels
    unit_keys: list[Key]
    unit_trees: list[tree.Levels]


class Prover:
    """Answers one offer; `answer` gives what to send for each message that came.

    Error handling: Breach when the validator leaves the protocol, EngineFailed from
    the engine.
    """

    def __init__(self, terms: Terms, engine: Engine) -> None:
        self._terms = terms
        self._engine = engine
        self._due = [
            *((m.FILL, m.WALK, m.PASS) if terms.memory else ()),
            *((m.COMPUTE,) if terms.compute else ()),
        ]
        self._memory: _Memory | None = None
        self._compute: _Compute | None = None
        self._fill_secret = b""
        self.finished = False

    def answer(self, message: m.Message) -> Iterator[m.Message]:
        if isinstance(message, m.Ping):
            yield m.Pong(message.number)
        elif isinstance(message, m.Begin) and self._due and message.phase == self._due[0]:
            self._due.pop(0)
            yield from self._phase(message.phase, message.nonce)
        elif isinstance(message, m.Sample) and not self._due and not self.finished:
            yield from self._open(message.seed)
            self.finished = True
        else:
            raise Breach(f"{type(message).__name__} came where it was not due")

    def prepare(self) -> m.Message:
        compute = self._terms.compute
        b_key = None
        if compute is not None:
            kind = compute.kind
            b_key = keys.sweep_key(self._terms.sweep_seed, kind.tag, compute.columns, compute.depth)
        self._engine.prepare(compute, self._terms.memory, b_key)
        return m.Ready()

    def _phase(self, phase: str, nonce: bytes) -> Iterator[m.Message]:
        if phase == m.COMPUTE:
            assert self._terms.compute is not None
            yield from self._rounds(self._terms.compute, nonce)
            return
        p = self._terms.memory
        assert p is not None
        if phase == m.FILL:
            t = self._terms
            self._fill_secret = keys.fill_secret(nonce, t.hotkey, t.slot, p.packed())
            self._engine.fill(keys.key_of(self._fill_secret))
            yield m.Filled()
        elif phase == m.WALK:
            states = self._engine.walk(keys.walk_key(self._fill_secret, nonce))
            levels = tree.levels_of(states, p.group)
            self._memory = _Memory(p, self._fill_secret, states, levels, [], [])
            yield m.WalkRoot(tree.root(levels))
        else:
            assert self._memory is not None
            yield from self._units(self._memory, nonce)

    def _rounds(self, p: ComputeParameters, nonce: bytes) -> Iterator[m.Message]:
        t = self._terms
        chain = keys.chain_secret(nonce, t.sweep_seed, t.hotkey, t.slot, p.packed())
        done = self._compute = _Compute(p, [], [])

        def start(number: int, link: bytes) -> Pending:
            secret = keys.round_secret(chain, number, link)
            done.secrets.append(secret)
            return self._engine.start_round(keys.key_of(secret), keys.row_digest_key(secret))

        for number, levels in enumerate(_chained(p.rounds, p.group, start)):
            done.trees.append(levels)
            yield m.RoundDigest(number, tree.root(levels))

    def _units(self, memory: _Memory, nonce: bytes) -> Iterator[m.Message]:
        p = memory.p

        def start(unit: int, link: bytes) -> Pending:
            key = keys.unit_key(memory.fill_secret, nonce, unit, link)
            memory.unit_keys.append(key)
            first = unit % p.segments * p.segment_blocks
            return self._engine.start_read(key, first, p.segment_blocks)

        for unit, levels in enumerate(_chained(p.units, p.group, start)):
            memory.unit_trees.append(levels)
            yield m.UnitRoot(unit, tree.root(levels))

    def _open(self, seed: bytes) -> Iterator[m.Message]:
        roots = [tree.root(self._memory.walk_tree)] if self._memory else []
        roots += [tree.root(levels) for levels in self._memory.unit_trees] if self._memory else []
        roots += [tree.root(levels) for levels in self._compute.trees] if self._compute else []
        secret = keys.sample_secret(seed, b"".join(roots))
        if self._memory is not None:
            yield from self._open_memory(self._memory, secret)
        if self._compute is not None:
            yield from self._open_rows(self._compute, secret)

    def _open_memory(self, memory: _Memory, secret: bytes) -> Iterator[m.Message]:
        p = memory.p
        for place, walker in enumerate(sampled_walkers(secret, p)):
            number = walker // p.group
            states = memory.states[number * p.group : (number + 1) * p.group]
            opening = Opening(_raw(states), tree.path(memory.walk_tree, number))
            yield m.Opened(m.WALKER, place, opening)
        for place, (unit, block) in enumerate(sampled_blocks(secret, p)):
            number = block // p.group
            first = unit % p.segments * p.segment_blocks + number * p.group
            leaves = self._engine.start_read(memory.unit_keys[unit], first, p.group).leaves()
            opening = Opening(_raw(leaves), tree.path(memory.unit_trees[unit], number))
            yield m.Opened(m.BLOCK, place, opening)

    def _open_rows(self, done: _Compute, secret: bytes) -> Iterator[m.Message]:
        p = done.p
        for place, (round_, row) in enumerate(sampled_rows(secret, p)):
            number = row // p.group
            a_key = keys.key_of(done.secrets[round_])
            digest_key = keys.row_digest_key(done.secrets[round_])
            leaves, product = self._engine.some_rows(a_key, digest_key, number * p.group, p.group)
            shown = product[row % p.group].astype("<i4").tobytes() if p.check == FREIVALDS else b""
            opening = Opening(_raw(leaves), tree.path(done.trees[round_], number), shown)
            yield m.Opened(m.ROW, place, opening)


def _chained(
    count: int, group: int, start: Callable[[int, bytes], Pending]
) -> Iterator[tree.Levels]:
    """The trees of `count` steps, each started as soon as the one LAG before it is hashed,
    so that the device works on one while this process hashes another."""
    links = [b""] * LAG
    pending: list[Pending] = []
    for number in range(count + LAG):
        if number >= LAG and pending:
            levels = tree.levels_of(pending.pop(0).leaves(), group)
            links.append(keys.next_link(links[-1], tree.root(levels)))
            yield levels
        if number < count:
            pending.append(start(number, links[number]))


def _raw(words: Words) -> bytes:
    return words.astype("<u8").tobytes()
