"""A miner and validators that do as they please, in time that is jumped over.

A test module imports the fixture `world` by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

import pytest
import trio

from polarisd.api.chain import Validator
from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.document import Signed, is_genuine, parse
from polarisd.heartbeat.peers import Target
from polarisd.heartbeat.sender import Beats
from polarisd.heartbeat.sequence import Sequence
from tests.unit.heartbeat_support import FACTS, NOW, hotkey, origin

INTERVAL_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Said:
    """A reply that a validator has signed."""

    status: int = 200
    document: Mapping[str, object] = field(default_factory=dict)
    clock_offset_s: float = 0.0
    round_trip_s: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Lost:
    code: str = "unreachable"
    text: str = "no route"
    retry_after_s: float | None = None
    clock_offset_s: float | None = None
    proven: bool = False


Answers = Callable[[Signed], Awaitable[Union[Said, Lost]]]


class World:
    """All validators, by endpoint: what each does, and what came to it and when."""

    def __init__(self) -> None:
        self.answers: dict[str, Answers] = {}
        self.got: dict[str, list[tuple[float, Signed]]] = {}
        self.published: list[tuple[Validator, ...]] = []
        self.sightings: list[tuple[str, str]] = []
        self.problems: list[tuple[str, str]] = []
        self.under_way = self.most_under_way = 0

    def add(self, number: int, answers: Answers | Said | Lost = Said()) -> Target:
        target = Target(hotkey(number).ss58, f"198.51.100.{number % 250}:{8000 + number}")

        async def same(_: Signed) -> Said | Lost:
            assert isinstance(answers, (Said, Lost))
            return answers

        is_fixed = isinstance(answers, (Said, Lost))
        self.answers[target.endpoint] = same if is_fixed else answers  # type: ignore[assignment]
        self.got[target.endpoint] = []
        return target

    async def post(
        self,
        endpoint: str,
        path: str,
        content: bytes,
        *,
        receiver: str,
        deadline_s: float,
        most_bytes: int,
    ) -> Said | Lost:
        signed = parse(content)
        assert path == PATH
        assert isinstance(signed, Signed)
        assert is_genuine(signed)
        self.got[endpoint].append((trio.current_time(), signed))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            with trio.move_on_after(deadline_s):
                return await self.answers[endpoint](signed)
            return Lost(code="timed_out", text="too slow")
        finally:
            self.under_way -= 1

    def times(self, target: Target) -> list[float]:
        return [at for at, _ in self.got[target.endpoint]]

    @asynccontextmanager
    async def miner(self, directory: Path, *targets: Target) -> AsyncIterator[Beats]:
        def now() -> float:
            return NOW + trio.current_time()

        beats = Beats(
            origin=origin(),
            facts=lambda: FACTS,
            sequence=Sequence(directory, now),
            courier=self,
            interval_s=INTERVAL_S,
            clock=now,
            publish=self.published.append,
            sighting=lambda hotkey, address, at: self.sightings.append((hotkey, address)),
            trouble=lambda problem, remedy: self.problems.append((problem, remedy)),
            chance=lambda: 0.5,
        )
        beats.targets = targets
        async with trio.open_nursery() as nursery:
            await nursery.start(beats.run)
            yield beats
            nursery.cancel_scope.cancel()


@pytest.fixture
def world() -> World:
    return World()


def view(beats: Beats, target: Target) -> Validator:
    return next(v for v in beats.views() if v.hotkey == target.hotkey)
