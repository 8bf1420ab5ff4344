"""Small challenges, and both their sides in one process on a simulated clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from hashlib import sha256

from hypothesis import strategies as st

from polarisd.proof import messages as m
from polarisd.proof.engine import Engine
from polarisd.proof.judge import Ceiling
from polarisd.proof.parameters import CHECKS, ComputeParameters, MemoryParameters
from polarisd.proof.prover import Prover
from polarisd.proof.reference import ReferenceEngine
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Rejected

HIGH = Ceiling(
    tensor_ops=1e20, memory_bps=1e20, mix_ops=1e20, elsewhere_bps=1.0, remake_ops=1.0, host_bps=0.5
)
COMPUTE = ComputeParameters(
    operand="nine_bit", chunk_rows=16, columns=32, depth=32, chunks=2, rounds=4, group=8, samples=9
)
MEMORY = MemoryParameters(
    blocks=16, cost=3, walkers=16, steps=9, segments=4, units=9, group=2, walk_samples=4,
    unit_samples=5,
)  # fmt: skip


def entropy(label: str) -> Callable[[int], bytes]:
    """The same bytes for the same label, and each call others."""
    counter = itertools.count()

    def take(count: int) -> bytes:
        blocks = (sha256(f"{label}/{next(counter)}".encode()).digest() for _ in itertools.count())
        return b"".join(itertools.islice(blocks, count // 32 + 1))[:count]

    return take


def terms(
    compute: ComputeParameters | None = COMPUTE,
    memory: MemoryParameters | None = MEMORY,
    *,
    label: str = "terms",
    slot: int = 0,
) -> Terms:
    take = entropy(label)
    return Terms(
        challenge=take(16), sweep_seed=take(32), hotkey=take(32), slot=slot, compute=compute,
        memory=memory,
    )  # fmt: skip


def converse(
    asked: Terms,
    engine: Engine | None = None,
    *,
    label: str = "validator",
    step_s: float = 0.01,
) -> Transcript | Rejected:
    """An honest prover on `engine`; each of its messages takes `step_s`."""
    session = Session(asked, Deadlines(), entropy(label))
    prover = Prover(asked, engine or ReferenceEngine())
    now = 0.0
    session.start(now)
    while session.outcome is None:
        for data in session.take_outgoing():
            message = m.decode(data)
            offered = isinstance(message, m.Offer)
            for reply in [prover.prepare()] if offered else prover.answer(message):
                now += step_s
                session.receive(m.encode(reply), now)
    return session.outcome


def transcript(asked: Terms, engine: Engine | None = None) -> Transcript:
    outcome = converse(asked, engine)
    assert isinstance(outcome, Transcript)
    return outcome


@st.composite
def compute_parameters(draw: st.DrawFn) -> ComputeParameters:
    group = draw(st.sampled_from((1, 2, 4, 8)))
    rounds = draw(st.integers(1, 5))
    return ComputeParameters(
        operand=draw(st.sampled_from(("nine_bit", "int8"))),
        chunk_rows=group * draw(st.integers(1, 4)),
        columns=16 * draw(st.integers(1, 3)),
        depth=16 * draw(st.integers(1, 4)),
        chunks=draw(st.integers(1, 3)),
        rounds=rounds,
        group=group,
        samples=rounds + draw(st.integers(0, 6)),
        check=draw(st.sampled_from(CHECKS)),
    )


@st.composite
def memory_parameters(draw: st.DrawFn) -> MemoryParameters:
    group = draw(st.integers(1, 3))
    segments = draw(st.sampled_from((2, 4)))
    return MemoryParameters(
        blocks=group * segments * draw(st.integers(1, 2)),
        cost=draw(st.integers(1, 3)),
        walkers=group * draw(st.integers(1, 5)),
        steps=draw(st.integers(1, 8)),
        segments=segments,
        units=draw(st.integers(0, 9)),
        group=group,
        walk_samples=draw(st.integers(1, 4)),
        unit_samples=draw(st.integers(1, 6)),
    )
