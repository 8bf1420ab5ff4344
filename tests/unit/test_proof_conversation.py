"""What a session takes and when, and what ends it; and how a prover keeps it to the protocol."""

from __future__ import annotations

import pytest

from polarisd.proof import messages as m
from polarisd.proof.judge import judge
from polarisd.proof.prover import Breach, Prover
from polarisd.proof.reference import ReferenceEngine
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Opening, Transcript
from polarisd.proof.verdict import BEFORE_SAMPLE, Accepted, Reason, Rejected
from tests.unit import proof_support as support

# Deadlines, order, ends.


def started(**deadlines: float) -> Session:
    session = Session(support.terms(), Deadlines(**deadlines), support.entropy("s"))
    session.start(100.0)
    return session


def due(session: Session) -> type:
    return session._due.kind


def over(session: Session) -> bool:
    return session.outcome is not None


def advance(session: Session, until: type, now: float = 100.0) -> Prover:
    """Play an honest prover until the validator waits for a message of this kind."""
    prover = Prover(support.terms(), ReferenceEngine())
    waiting = [m.encode(prover.prepare())]
    session.take_outgoing()
    while due(session) is not until:
        session.receive(waiting.pop(0), now)
        assert session.outcome is None
        for data in session.take_outgoing():
            waiting += map(m.encode, prover.answer(m.decode(data)))
    return prover


@pytest.mark.parametrize(
    ("kind", "reason", "when_closed"),
    [
        (m.Ready, Reason.NOT_READY, Reason.NOT_READY),
        (m.Pong, Reason.NOT_READY, Reason.NOT_READY),
        (m.Filled, Reason.LATE, Reason.ENDED),
        (m.WalkRoot, Reason.LATE, Reason.ENDED),
        (m.UnitRoot, Reason.LATE, Reason.ENDED),
        (m.RoundDigest, Reason.LATE, Reason.ENDED),
        (m.Opened, Reason.NO_OPENINGS, Reason.NO_OPENINGS),
    ],
)
def test_what_does_not_come(kind: type, reason: Reason, when_closed: Reason) -> None:
    session = started()
    advance(session, kind)
    session.expire(session.deadline - 0.001)
    assert not over(session)
    session.expire(session.deadline)
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is reason

    session = started()
    advance(session, kind)
    session.closed()
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is when_closed
    assert (when_closed in BEFORE_SAMPLE) == (kind is not m.Opened)


def test_what_comes_too_late_is_late() -> None:
    session = started(ready_s=5.0)
    session.receive(m.encode(m.Ready()), 105.1)
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is Reason.NOT_READY


def test_digests_share_one_deadline() -> None:
    """A prover does not win time by sending a digest."""
    session = started(compute_s=7.0)
    advance(session, m.RoundDigest)
    first = session.deadline
    session.receive(m.encode(m.RoundDigest(0, bytes(32))), 101.0)
    assert session.deadline == first == 107.0


@pytest.mark.parametrize(
    "message",
    [
        m.Ready(),
        m.Filled(),
        m.RoundDigest(0, bytes(32)),
        m.UnitRoot(1, bytes(32)),
        m.Pong(9),
        m.Offer(support.terms()),
        m.Sample(bytes(32)),
        m.Opened("row", 0, Opening(b"", ())),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_not_due_ends_it(message: m.Message) -> None:
    session = started()
    advance(session, m.UnitRoot)
    session.receive(m.encode(message), 100.0)
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is Reason.OUT_OF_TURN


def test_an_opening_of_another_size_is_not_kept() -> None:
    session = started()
    advance(session, m.Opened)
    opening = Opening(bytes(8 * 4096), (bytes(32),) * 30, bytes(200_000))
    session.receive(m.encode(m.Opened(m.WALKER, 0, opening)), 100.0)
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is Reason.MALFORMED


def test_a_refusal_counts_only_before_the_sample() -> None:
    session = started()
    session.receive(m.encode(m.Refused("busy")), 100.0)
    assert session.outcome == Rejected(reason=Reason.REFUSED, detail="busy")
    session = started()
    advance(session, m.Opened)
    session.receive(m.encode(m.Refused("oh no")), 100.0)
    assert isinstance(session.outcome, Rejected)
    assert session.outcome.reason is Reason.OUT_OF_TURN


def test_nothing_more_is_taken_once_it_is_over() -> None:
    session = started()
    session.receive(b"nonsense", 100.0)
    outcome = session.outcome
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.MALFORMED
    session.receive(m.encode(m.Ready()), 100.0)
    session.expire(1e9)
    session.closed()
    assert session.outcome is outcome


def test_no_randomness_for_the_sample_is_drawn_before_the_last_commitment() -> None:
    drawn: list[int] = []
    take = support.entropy("s")

    def counted(count: int) -> bytes:
        drawn.append(count)
        return take(count)

    session = Session(support.terms(), Deadlines(), counted)
    session.start(0.0)
    advance(session, m.RoundDigest, 0.0)
    before = len(drawn)
    for number in range(support.COMPUTE.rounds):
        assert len(drawn) == before
        session.receive(m.encode(m.RoundDigest(number, bytes(32))), 0.0)
    assert len(drawn) == before + 1
    (data,) = session.take_outgoing()
    assert isinstance(m.decode(data), m.Sample)


# The prover's side.


def test_a_prover_keeps_a_validator_to_the_protocol() -> None:
    prover = Prover(support.terms(), ReferenceEngine())
    prover.prepare()
    for message in (
        m.Begin(m.COMPUTE, bytes(32)),
        m.Begin(m.WALK, bytes(32)),
        m.Sample(bytes(32)),
        m.Ready(),
    ):
        with pytest.raises(Breach):
            list(prover.answer(message))
    list(prover.answer(m.Begin(m.FILL, bytes(32))))
    with pytest.raises(Breach):
        list(prover.answer(m.Begin(m.FILL, bytes(32))))
    assert list(prover.answer(m.Ping(4))) == [m.Pong(4)]
    for phase in (m.WALK, m.PASS, m.COMPUTE):
        list(prover.answer(m.Begin(phase, bytes(32))))
    assert not prover.finished
    list(prover.answer(m.Sample(bytes(32))))
    with pytest.raises(Breach):
        list(prover.answer(m.Sample(bytes(32))))


def test_a_session_that_holds_waits_before_each_phase() -> None:
    asked = support.terms()
    session = Session(asked, Deadlines(), support.entropy("s"), hold=True)
    prover = Prover(asked, ReferenceEngine())
    session.start(0.0)
    with pytest.raises(ValueError, match="no phase"):
        session.go(0.0)
    held = []
    now = 0.0
    while session.outcome is None:
        if session.poised:
            assert session.take_outgoing() == []
            held.append(session.poised)
            now += 50.0
            session.expire(now)
            session.go(now)
        for data in session.take_outgoing():
            message = m.decode(data)
            offered = isinstance(message, m.Offer)
            for reply in [prover.prepare()] if offered else prover.answer(message):
                now += 0.01
                session.receive(m.encode(reply), now)
    assert held == [m.FILL, m.WALK, m.PASS, m.COMPUTE]
    assert isinstance(session.outcome, Transcript)
    assert session.outcome.memory is not None
    assert session.outcome.memory.fill_s == pytest.approx(0.01)
    (said,) = judge([session.outcome], [support.HIGH], support.entropy("f"))
    assert isinstance(said, Accepted)


def test_a_prover_that_speaks_or_leaves_while_it_is_held() -> None:
    for speaks in (True, False):
        session = Session(support.terms(), Deadlines(), support.entropy("s"), hold=True)
        session.start(0.0)
        session.receive(m.encode(m.Ready()), 0.0)
        for number in range(5):
            session.receive(m.encode(m.Pong(number)), 0.0)
        assert session.poised == m.FILL
        if speaks:
            session.receive(m.encode(m.Filled()), 0.0)
        else:
            session.closed()
        assert isinstance(session.outcome, Rejected)
        assert session.outcome.reason is (Reason.OUT_OF_TURN if speaks else Reason.ENDED)
        session.take_outgoing()
        session.go(1.0)
        assert session.take_outgoing() == []
