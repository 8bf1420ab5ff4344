"""A validator challenges a real worker process through its pipe, as the daemon passes it on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from polarisd.proof import messages as m
from polarisd.proof.judge import judge
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Accepted, Reason, Rejected
from tests.unit import proof_support as support
from tests.worker.conftest import WorkerFactory
from tests.worker.process import Worker


def ask(worker: WorkerFactory, backend: str, **said: Any) -> Worker:
    environ = dict(os.environ) if backend != "cupy" else None
    terms = support.terms()
    it = worker(environ=environ, **said).ask(
        job="prove", backend=backend, hotkey=terms.hotkey, slot=terms.slot
    )
    it.wait_for("hello")
    return it


def say(worker: Worker, message: m.Message) -> None:
    worker.send(msgpack.packb({"message": m.encode(message)}))


def challenge(worker: Worker, terms: Terms) -> Iterator[str]:
    """Run a session; yields the outcome's text, then the kind of the last frame."""
    session = Session(terms, Deadlines(), os.urandom)
    session.start(0.0)
    clock = iter(range(1, 100_000))
    frames = worker.frames()
    while session.outcome is None:
        for data in session.take_outgoing():
            worker.send(msgpack.packb({"message": data}))
        frame = next(frames)
        assert frame["kind"] == "message", frame
        session.receive(frame["message"], next(clock) * 1e-4)
    yield said(session.outcome)
    yield next(frames)["kind"]


def said(outcome: Transcript | Rejected) -> str:
    if isinstance(outcome, Rejected):
        return outcome.reason.value
    (verdict,) = judge([outcome], [support.HIGH], os.urandom)
    return "accepted" if isinstance(verdict, Accepted) else verdict.reason.value


@pytest.mark.parametrize("backend", ["cupy", "host", "numpy"])
@pytest.mark.parametrize("check", ["recompute", "freivalds"])
def test_a_worker_proves(worker: WorkerFactory, backend: str, check: str) -> None:
    compute = dataclasses.replace(support.COMPUTE, check=check)
    it = ask(worker, backend, memory_bytes=1 << 30)
    assert list(challenge(it, support.terms(compute))) == ["accepted", "done"]
    assert it.wait() == 0


def test_a_gpu_that_multiplies_wrongly_is_rejected(worker: WorkerFactory) -> None:
    it = ask(worker, "cupy", memory_bytes=1 << 30, gemm="wrong")
    # it is wrong again, in another place, when it opens
    outcome = next(challenge(it, support.terms(memory=None)))
    assert outcome in (Reason.WRONG_ROW.value, Reason.WRONG_PATH.value)


def test_too_little_memory_is_said_before_anything_is_timed(worker: WorkerFactory) -> None:
    it = ask(worker, "cupy", memory_bytes=1 << 20)
    session = challenge(it, support.terms())
    assert next(session) == Reason.REFUSED.value
    assert next(session) == "failed"


def test_what_a_validator_does_wrong_ends_it(worker: WorkerFactory) -> None:
    breaches: list[list[m.Message]] = [
        [m.Ping(1)],
        [m.Offer(support.terms()), m.Begin(m.COMPUTE, bytes(32))],
        [m.Offer(support.terms()), m.Sample(bytes(32))],
        [m.Offer(support.terms()), m.Offer(support.terms())],
        [m.Offer(support.terms(label="another hotkey"))],
        [m.Offer(support.terms(slot=1))],
    ]
    for wrong in breaches:
        it = ask(worker, "numpy")
        for message in wrong:
            say(it, message)
        failed = it.wait_for("failed")
        assert failed["code"] == "bad_challenge"
        assert "validator" in failed["hint"]
    for frame in ({"message": b"nonsense"}, {"message": 5}, {}):
        it = ask(worker, "numpy")
        it.send(msgpack.packb(frame))
        assert it.wait_for("failed")["code"] in ("bad_challenge", "bad_job")


def test_a_validator_that_leaves_leaves_no_worker(worker: WorkerFactory) -> None:
    it = ask(worker, "numpy")
    say(it, m.Offer(support.terms()))
    it.wait_for("message")
    it.end_sending()
    assert it.wait() == 0
