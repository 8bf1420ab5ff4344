"""The validator's side of one challenge, without I/O and without a clock.

Specification: docs/proof.md, "The conversation".  The caller moves the bytes and says
when they came; what is due next, and by when, is decided here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from polarisd.proof import messages as m
from polarisd.proof import transcript as t
from polarisd.proof import tree
from polarisd.proof.parameters import FREIVALDS, ComputeParameters, MemoryParameters
from polarisd.proof.verdict import Reason, Rejected

_PINGS = 5

T = TypeVar("T")
Script = Generator["_Due", "m.Message | None", T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long to wait for each; those of the phases are for all of their commitments.

    In a sweep they should hardly be longer than the work takes: else several provers
    could take turns on one GPU.  `polarisd.proof.calibration` has them.
    """

    ready_s: float = 60.0
    ping_s: float = 5.0
    fill_s: float = 60.0
    walk_s: float = 60.0
    pass_s: float = 60.0
    compute_s: float = 60.0
    openings_s: float = 30.0

    def phase_s(self, phase: str) -> float:
        return {
            m.FILL: self.fill_s,
            m.WALK: self.walk_s,
            m.PASS: self.pass_s,
            m.COMPUTE: self.compute_s,
        }[phase]


class _Due(NamedTuple):
    """What must come next, until when, and what it is called if it does not."""

    kind: type
    until: float
    missing: Reason


class _Breach(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.rejected = Rejected(reason=reason, detail=detail)


class Session:
    """`start` it, send what `take_outgoing` gives at once, hand what comes to `receive`,
    call `expire` at `deadline` and `closed` when the connection ends.  When `outcome`
    is there it is over: a Transcript is still to be judged.

    With `hold` it stops before each phase, which `poised` names then, until `go`: so that
    all provers of a sweep begin it at the same moment.
    """

    def __init__(
        self,
        terms: t.Terms,
        deadlines: Deadlines,
        entropy: Callable[[int], bytes],
        *,
        hold: bool = False,
    ) -> None:
        self.outcome: t.Transcript | Rejected | None = None
        self.poised = ""
        self._hold = hold
        self._terms = terms
        self._deadlines = deadlines
        self._entropy = entropy
        self._now = 0.0
        self._outgoing: list[bytes] = []
        self._script = self._conversation()
        self._due = _Due(m.Ready, 0.0, Reason.NOT_READY)

    @property
    def deadline(self) -> float:
        return self._due.until

    def take_outgoing(self) -> list[bytes]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def start(self, now: float) -> None:
        self._now = now
        self._due = next(self._script)

    def go(self, now: float) -> None:
        """Begin the phase that it is poised for.  ValueError if it is not."""
        if not self.poised:
            raise ValueError("no phase is waiting to begin")
        if self.outcome is None:
            self._now = now
            self._due = self._script.send(None)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of one message that were there at `now`."""
        if self.outcome is not None:
            return
        if now > self._due.until:
            self._reject(self._due.missing, "it came after the deadline")
            return
        self._now = now
        try:
            self._take(m.decode(data))
        except m.Malformed as error:
            self._reject(Reason.MALFORMED, str(error))
        except _Breach as breach:
            self.outcome = breach.rejected

    def expire(self, now: float) -> None:
        if self.outcome is None and now >= self._due.until:
            self._reject(self._due.missing, "nothing came by the deadline")

    def closed(self) -> None:
        if self.outcome is None:
            missing = self._due.missing
            ended = Reason.ENDED if missing is Reason.LATE else missing
            self._reject(ended, "the prover closed the connection")

    def _reject(self, reason: Reason, detail: str) -> None:
        self.outcome = Rejected(reason=reason, detail=detail)

    def _take(self, message: m.Message) -> None:
        if isinstance(message, m.Refused) and self._due.missing is not Reason.NO_OPENINGS:
            raise _Breach(Reason.REFUSED, message.text)
        if not isinstance(message, self._due.kind):
            due = "nothing" if self.poised else self._due.kind.__name__
            came = type(message).__name__
            raise _Breach(Reason.OUT_OF_TURN, f"{came} came where {due} was due")
        try:
            self._due = self._script.send(message)
        except StopIteration as end:
            self.outcome = end.value

    def _send(self, message: m.Message) -> None:
        self._outgoing.append(m.encode(message))

    def _conversation(self) -> Script[t.Transcript]:
        self._send(m.Offer(self._terms))
        yield _Due(m.Ready, self._now + self._deadlines.ready_s, Reason.NOT_READY)
        round_trip_s = yield from self._round_trip()
        memory = compute = None
        if self._terms.memory is not None:
            memory = yield from self._memory(self._terms.memory)
        if self._terms.compute is not None:
            compute = yield from self._compute(self._terms.compute)
        # Not drawn a moment earlier: there is nothing yet that could leak.
        seed = self._entropy(m.SEED_BYTES)
        self._send(m.Sample(seed))
        walkers, blocks, rows = yield from self._openings()
        return t.Transcript(
            terms=self._terms,
            round_trip_s=round_trip_s,
            memory=memory,
            compute=compute,
            sample_seed=seed,
            walkers=walkers,
            blocks=blocks,
            rows=rows,
        )

    def _round_trip(self) -> Script[float]:
        shortest = float("inf")
        for number in range(_PINGS):
            sent_at = self._now
            self._send(m.Ping(number))
            due = _Due(m.Pong, sent_at + self._deadlines.ping_s, Reason.NOT_READY)
            yield from self._expect(due, m.Pong(number))
            shortest = min(shortest, self._now - sent_at)
        return shortest

    def _expect(self, due: _Due, wanted: m.Message) -> Script[None]:
        if (yield due) != wanted:
            raise _Breach(Reason.OUT_OF_TURN, f"{type(wanted).__name__} has another number")

    def _begin(self, phase: str) -> Script[tuple[bytes, float]]:
        if self._hold:
            self.poised = phase
            yield _Due(type(None), math.inf, Reason.LATE)
            self.poised = ""
        nonce = self._entropy(m.SEED_BYTES)
        self._send(m.Begin(phase, nonce))
        return nonce, self._now

    def _commitment(self, kind: type, phase: str, began_at: float) -> _Due:
        return _Due(kind, began_at + self._deadlines.phase_s(phase), Reason.LATE)

    def _memory(self, p: MemoryParameters) -> Script[t.MemoryRecord]:
        fill_nonce, began_at = yield from self._begin(m.FILL)
        yield self._commitment(m.Filled, m.FILL, began_at)
        fill_s = self._now - began_at
        walk_nonce, began_at = yield from self._begin(m.WALK)
        walked = yield self._commitment(m.WalkRoot, m.WALK, began_at)
        assert isinstance(walked, m.WalkRoot)
        walk_s = self._now - began_at
        pass_nonce, began_at = yield from self._begin(m.PASS)
        roots = []
        for unit in range(p.units):
            read = yield self._commitment(m.UnitRoot, m.PASS, began_at)
            assert isinstance(read, m.UnitRoot)
            self._in_order(read.unit, unit)
            roots.append(read.root)
        return t.MemoryRecord(
            fill_nonce=fill_nonce,
            walk_nonce=walk_nonce,
            pass_nonce=pass_nonce,
            walk_root=walked.root,
            unit_roots=tuple(roots),
            fill_s=fill_s,
            walk_s=walk_s,
            pass_s=self._now - began_at,
        )

    def _compute(self, p: ComputeParameters) -> Script[t.ComputeRecord]:
        nonce, began_at = yield from self._begin(m.COMPUTE)
        digests = []
        for number in range(p.rounds):
            done = yield self._commitment(m.RoundDigest, m.COMPUTE, began_at)
            assert isinstance(done, m.RoundDigest)
            self._in_order(done.round, number)
            digests.append(done.digest)
        return t.ComputeRecord(nonce=nonce, digests=tuple(digests), took_s=self._now - began_at)

    def _in_order(self, came: int, due: int) -> None:
        if came != due:
            raise _Breach(Reason.OUT_OF_TURN, f"number {came} came where {due} was due")

    def _openings(self) -> Script[tuple[tuple[t.Opening, ...], ...]]:
        until = self._now + self._deadlines.openings_s
        memory, compute = self._terms.memory, self._terms.compute
        counts = {
            m.WALKER: memory.walk_samples if memory else 0,
            m.BLOCK: memory.unit_samples if memory and memory.units else 0,
            m.ROW: compute.samples if compute else 0,
        }
        opened = []
        for what, count in counts.items():
            openings = []
            for place in range(count):
                message = yield _Due(m.Opened, until, Reason.NO_OPENINGS)
                assert isinstance(message, m.Opened)
                if (message.what, message.place) != (what, place):
                    raise _Breach(Reason.OUT_OF_TURN, f"{what} {place} was due")
                # Here already, so that nobody can have thousands of them kept.
                if _size(message.opening) != agreed_size(what, self._terms):
                    raise _Breach(Reason.MALFORMED, f"{what} {place} is not of the agreed size")
                openings.append(message.opening)
            opened.append(tuple(openings))
        return tuple(opened)


def _size(opening: t.Opening) -> tuple[int, int, int]:
    return len(opening.block), len(opening.path), len(opening.row)


def agreed_size(what: str, terms: t.Terms) -> tuple[int, int, int]:
    """Of an opening: bytes of the block, hashes of the path, bytes of the row."""
    memory, compute = terms.memory, terms.compute
    if what == m.ROW:
        assert compute is not None
        row_bytes = 4 * compute.columns if compute.check == FREIVALDS else 0
        return 8 * compute.group, tree.depth(compute.blocks), row_bytes
    assert memory is not None
    leaves = memory.walkers if what == m.WALKER else memory.segment_blocks
    return 8 * memory.group, tree.depth(leaves // memory.group), 0
