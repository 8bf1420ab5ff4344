"""Simulated time: provers that talk to real sessions, and GPUs that take time to work.

Used by all tests here.  A prover's generator is advanced one message at a time, the
earliest prover first, so that several may share a GPU.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, Union

from polarisd.proof import messages as m
from polarisd.proof.session import Session
from polarisd.proof.transcript import Transcript
from polarisd.proof.verdict import Rejected

LATENCY_S = 0.001
PHASES = list(m.PHASES)


@dataclass(frozen=True, slots=True)
class Pause:
    """The prover does nothing for so long; its GPU is free."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """The prover closes the connection."""


# `bytes` are sent as they are.
Act = Union[m.Message, bytes, Pause, HangUp]


class Player(Protocol):
    """The prover's side of one conversation."""

    def hear(self, message: m.Message) -> Iterator[Act]: ...


@dataclass(slots=True)
class Gpu:
    """What a device can do each second; who uses it waits until it is free.

    `link_bps` is how fast it reads the host's memory, `host_lines` how many lines the
    host itself reads there at random, `random_share` what random reads make of
    `memory_bps`.
    """

    tensor_ops: float
    mix_ops: float
    memory_bps: float
    link_bps: float
    host_lines: float = 0.0
    random_share: float = 0.5
    busy_until: float = 0.0


@dataclass(slots=True)
class Worker:
    """One prover's place in time, and the GPU it works on."""

    gpu: Gpu
    now: float = 0.0

    def spend(self, seconds: float) -> None:
        self.gpu.busy_until = self.now = max(self.now, self.gpu.busy_until) + seconds


@dataclass(slots=True)
class Party:
    """A session and the prover that it talks to."""

    session: Session
    player: Player
    worker: Worker
    latency_s: float = LATENCY_S
    heard_at: float = 0.0
    inbox: deque[tuple[float, bytes]] = field(default_factory=deque)
    acts: Iterator[Act] | None = None

    def start(self) -> None:
        self.session.start(0.0)
        self._collect()

    def go(self, now: float) -> None:
        self.heard_at = now
        self.session.go(now)
        self._collect()

    @property
    def next_at(self) -> float:
        """When it acts next; infinite if it waits for what never comes."""
        if self.acts is not None:
            return self.worker.now
        return max(self.worker.now, self.inbox[0][0]) if self.inbox else float("inf")

    def step(self) -> None:
        if self.acts is None:
            if not self.inbox:
                self.session.expire(self.session.deadline)
                return
            arrived, data = self.inbox.popleft()
            self.worker.now = max(self.worker.now, arrived)
            self.acts = self.player.hear(m.decode(data))
        act = next(self.acts, None)
        if act is None:
            self.acts = None
        elif isinstance(act, Pause):
            self.worker.now += act.seconds
        elif isinstance(act, HangUp):
            self.session.closed()
        else:
            data = act if isinstance(act, bytes) else m.encode(act)
            self.heard_at = self.worker.now + self.latency_s
            self.session.receive(data, self.heard_at)
            self._collect()

    def _collect(self) -> None:
        arrives = self.heard_at + self.latency_s
        self.inbox.extend((arrives, data) for data in self.session.take_outgoing())


def play(parties: list[Party]) -> list[Transcript | Rejected]:
    """All conversations to their ends.  Sessions that hold begin each phase together, when
    the last of them is there."""
    for party in parties:
        party.start()
    while playing := [party for party in parties if party.session.outcome is None]:
        if all(party.session.poised for party in playing):
            now = max(party.heard_at for party in playing)
            phase = min((party.session.poised for party in playing), key=PHASES.index)
            for party in playing:
                if party.session.poised == phase:
                    party.go(now)
        moving = [party for party in playing if not party.session.poised]
        min(moving, key=lambda party: party.next_at).step()
    outcomes = [party.session.outcome for party in parties]
    return [outcome for outcome in outcomes if outcome is not None]
