"""Small challenges, cards to meet them, and how a conversation becomes a verdict."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from polarisd.proof import messages as m
from polarisd.proof.engine import Engine
from polarisd.proof.judge import Ceiling, judge
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.prover import Prover
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Accepted, Reason, Rejected, Verdict
from tests.cheats.devices import Device
from tests.cheats.world import LATENCY_S, Act, Gpu, Party, Player, Worker, play

COMPUTE = ComputeParameters(
    operand="nine_bit",
    chunk_rows=64,
    columns=16,
    depth=16,
    chunks=2,
    rounds=4,
    group=8,
    samples=16,
)
# Walks that read each line eight times, two readings in order; 1 MiB.
MEMORY = MemoryParameters(
    blocks=16,
    cost=2,
    walkers=512,
    steps=256,
    segments=4,
    units=8,
    group=2,
    walk_samples=6,
    unit_samples=8,
)
COMPUTE_S, FILL_S, WALK_S = 9.0, 2.0, 0.4
# Of a card's memory each second: PCIe 5 beside 80 GB of HBM.
LINK_SHARE = 0.7
NO_LIMIT = Ceiling(
    tensor_ops=1e30, memory_bps=1e30, mix_ops=1e30, elsewhere_bps=0.0, remake_ops=0.0, host_bps=0.0
)

# What makes a prover's engine for a worker, and what makes its prover of that.
Engines = Callable[[Worker], Engine]
Provers = Callable[[Terms, Engine], Prover]


def card(compute: ComputeParameters | None = COMPUTE, memory: MemoryParameters = MEMORY) -> Gpu:
    """One that takes the usual time for these; for walks if they read each line eight times."""
    return Gpu(
        tensor_ops=compute.operations / COMPUTE_S if compute else 1.0,
        mix_ops=memory.words * memory.cost / FILL_S,
        memory_bps=2 * 8 * memory.vram_bytes / WALK_S,
        link_bps=LINK_SHARE * memory.vram_bytes,
    )


def ceiling(gpu: Gpu, slack: float = 1.05) -> Ceiling:
    """Of the class that a card belongs to."""
    return Ceiling(
        tensor_ops=slack * gpu.tensor_ops,
        memory_bps=slack * gpu.memory_bps,
        mix_ops=slack * gpu.mix_ops,
        elsewhere_bps=slack * gpu.link_bps,
        remake_ops=slack * gpu.mix_ops,
        host_bps=slack * 64 * gpu.host_lines,
    )


class Entropy:
    """Random bytes that are the same each time; `drawn` counts the draws."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(repr(seed))
        self.drawn = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return self._random.randbytes(count)


def terms(
    seed: object = 0,
    compute: ComputeParameters | None = COMPUTE,
    memory: MemoryParameters | None = None,
    **other: Any,
) -> Terms:
    for parameters in (compute, memory):
        assert not parameters or not list(parameters.problems())
    draw = Entropy(("terms", seed))
    usual = Terms(
        challenge=draw(16),
        sweep_seed=draw(32),
        hotkey=draw(32),
        slot=0,
        compute=compute,
        memory=memory,
    )
    return replace(usual, **other)


@dataclass
class Scripted:
    """A player that follows the protocol with this prover and this engine."""

    worker: Worker
    engines: Engines = Device
    provers: Provers = Prover
    prover: Prover | None = None

    def hear(self, message: m.Message) -> Iterator[Act]:
        if isinstance(message, m.Offer):
            self.prover = self.provers(message.terms, self.engines(self.worker))
            yield self.prover.prepare()
        else:
            assert self.prover is not None
            yield from self.prover.answer(message)


def party(
    asked: Terms,
    player: Player,
    worker: Worker,
    seed: object = 0,
    *,
    deadlines: Deadlines | None = None,
    latency_s: float = LATENCY_S,
    hold: bool = False,
) -> Party:
    session = Session(asked, deadlines or Deadlines(), Entropy(("session", seed)), hold=hold)
    return Party(session, player, worker, latency_s)


def converse(
    asked: Terms,
    engines: Engines = Device,
    provers: Provers = Prover,
    *,
    gpu: Gpu | None = None,
    seed: object = 0,
    latency_s: float = LATENCY_S,
) -> Transcript | Rejected:
    """One prover alone with its GPU."""
    worker = Worker(gpu or card(asked.compute, asked.memory or MEMORY))
    player = Scripted(worker, engines, provers)
    return play([party(asked, player, worker, seed, latency_s=latency_s)])[0]


def judged(outcome: Transcript | Rejected, limit: Ceiling = NO_LIMIT, seed: object = 0) -> Verdict:
    if isinstance(outcome, Rejected):
        return outcome
    return judge([outcome], [limit], Entropy(("judge", seed)))[0]


def proved(
    asked: Terms,
    engines: Engines = Device,
    provers: Provers = Prover,
    *,
    gpu: Gpu | None = None,
    limit: Ceiling = NO_LIMIT,
    seed: object = 0,
) -> Verdict:
    return judged(converse(asked, engines, provers, gpu=gpu, seed=seed), limit, seed)


def accepted(verdict: Verdict) -> Accepted:
    assert isinstance(verdict, Accepted), verdict
    return verdict


def rejected(verdict: Verdict) -> Reason:
    assert isinstance(verdict, Rejected), verdict
    return verdict.reason


def completed(outcome: Transcript | Rejected) -> Transcript:
    assert isinstance(outcome, Transcript), outcome
    return outcome
