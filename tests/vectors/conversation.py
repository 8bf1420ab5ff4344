"""A whole challenge with fixed randomness: every message of it, and the verdict."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256

from polarisd.proof import messages as m
from polarisd.proof.judge import Ceiling, judge
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.prover import Prover
from polarisd.proof.reference import ReferenceEngine
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Accepted

STEP_S = 0.125
PATIENT = Deadlines(
    ready_s=100, ping_s=100, fill_s=100, walk_s=100, pass_s=1000, compute_s=1000, openings_s=1000
)
CEILING = Ceiling(
    tensor_ops=1e15,
    memory_bps=1e13,
    mix_ops=6e6,
    elsewhere_bps=100.0,
    remake_ops=7e6,
    host_bps=50.0,
)


def fixed_bytes(label: str) -> Callable[[int], bytes]:
    """The SHA-256 of `label` and a count, so that anyone can have the same."""
    counter = itertools.count()

    def take(count: int) -> bytes:
        return sha256(f"{label} {next(counter)}".encode()).digest()[:count]

    return take


def terms(compute: ComputeParameters | None, memory: MemoryParameters | None) -> Terms:
    take = fixed_bytes("terms")
    return Terms(
        challenge=take(16), sweep_seed=take(32), hotkey=take(32), slot=3, compute=compute,
        memory=memory,
    )  # fmt: skip


def run(asked: Terms, step_s: float) -> tuple[list[list[str]], Transcript]:
    """Messages as [direction, hex], and what the validator holds at the end."""
    session = Session(asked, PATIENT, fixed_bytes("validator"))
    said: list[list[str]] = []
    now = 0.0
    session.start(now)
    prover = Prover(asked, ReferenceEngine())
    while session.outcome is None:
        for data in session.take_outgoing():
            said.append(["V", data.hex()])
            message = m.decode(data)
            offered = isinstance(message, m.Offer)
            for reply in [prover.prepare()] if offered else prover.answer(message):
                now += step_s
                said.append(["P", m.encode(reply).hex()])
                session.receive(m.encode(reply), now)
    assert isinstance(session.outcome, Transcript)
    return said, session.outcome


def example(
    compute: ComputeParameters | None, memory: MemoryParameters | None, step_s: float = STEP_S
) -> dict[str, object]:
    said, transcript = run(terms(compute, memory), step_s)
    (verdict,) = judge([transcript], [CEILING], fixed_bytes("freivalds"))
    assert isinstance(verdict, Accepted)
    return {
        "seconds_between_prover_messages": step_s,
        "ceiling": asdict(CEILING),
        "messages": said,
        "proven": asdict(verdict.proven),
    }
