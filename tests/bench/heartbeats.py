"""A beat to 64 validators: what it costs a miner, beside as many bare posts, and a validator.

All connections are new each time, as they are in life: beats are further apart than a
connection is kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import httpx
import trio
from trio.testing import MockClock

from polarisd.heartbeat.courier import Answer, Undelivered
from polarisd.heartbeat.peers import Target
from polarisd.heartbeat.sender import Beats
from polarisd.heartbeat.sequence import Sequence
from polarisd.http.client import KEEP_S, Courier
from tests.bench.heartbeat_peers import BARE
from tests.bench.place import REPOSITORY, Place
from tests.bench.process import cpu_s
from tests.bench.result import Row, bounded, compared
from tests.unit.heartbeat_support import FACTS, MINER, beat, body_of, origin

VALIDATORS = 64
ROUNDS = 8
# The beats' clock goes faster, so that the gap between two of them need not be waited for.
_RATE = 8.0
_APART_S = KEEP_S + 0.3
_TARGET = 2.0


class Counting:
    """Says when all have answered."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self.answered = 0
        self.all_answered = trio.Event()

    async def post(
        self, endpoint: str, path: str, content: bytes,
        *, receiver: str, deadline_s: float, most_bytes: int,
    ) -> Answer | Undelivered:  # fmt: skip
        outcome = await self._courier.post(
            endpoint, path, content,
            receiver=receiver, deadline_s=deadline_s * _RATE, most_bytes=most_bytes,
        )  # fmt: skip
        if not isinstance(outcome, Answer) or outcome.status != 200:
            raise SystemExit(f"cannot measure: {outcome}")
        self.answered += 1
        if self.answered % VALIDATORS == 0:
            self.all_answered.set()
        return outcome


def run(place: Place) -> Iterator[Row]:
    words = (str(VALIDATORS), str(place.directory))
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.heartbeat_peers", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    try:
        assert child.stdout is not None
        targets = [Target(*each) for each in json.loads(child.stdout.readline())]
        spent = trio.run(_measure, place.directory, targets, child.pid, clock=MockClock(_RATE))
    finally:
        child.communicate()
    yield compared(
        f"a beat to {VALIDATORS} validators, CPU of the miner",
        spent["beat"],
        f"{VALIDATORS} bare posts by httpx",
        spent["bare"],
        at_most=_TARGET,
    )
    yield bounded("the same, of one core, every 30 s", spent["beat"] / 300, "%", below=1.0)
    yield bounded("a heartbeat taken, CPU of a validator", spent["taken"] / VALIDATORS, "ms")


async def _measure(directory: Path, targets: list[Target], pid: int) -> Mapping[str, float]:
    """Medians, in ms of CPU for all validators together."""
    async with Courier(hotkey=MINER) as courier, trio.open_nursery() as nursery:
        counting = Counting(courier)
        beats = Beats(
            origin=origin(),
            facts=lambda: FACTS,
            sequence=Sequence(directory, time.time),
            courier=counting,
            interval_s=1e6,
            clock=time.time,
            publish=lambda _: None,
            sighting=lambda *_: None,
        )
        await nursery.start(beats.run)

        async def one_beat() -> None:
            counting.all_answered = trio.Event()
            beats.hurry()
            await counting.all_answered.wait()
            await trio.sleep(1)  # what was said is published

        beats.targets = targets
        await counting.all_answered.wait()
        spent: dict[str, list[float]] = {"beat": [], "bare": [], "taken": []}
        for _ in range(ROUNDS):
            await trio.sleep(_APART_S * _RATE)
            before = cpu_s(pid)
            spent["beat"].append(await _cpu_ms(one_beat))
            spent["taken"].append(1e3 * (cpu_s(pid) - before))
            await trio.sleep(_APART_S * _RATE)
            async with httpx.AsyncClient(
                limits=httpx.Limits(max_connections=VALIDATORS), timeout=60, trust_env=False
            ) as client:
                spent["bare"].append(await _cpu_ms(lambda: _bare(client, targets)))
        nursery.cancel_scope.cancel()
    return {name: median(values) for name, values in spent.items()}


async def _bare(client: httpx.AsyncClient, targets: list[Target]) -> None:
    body = body_of(beat())

    async def post(target: Target) -> None:
        response = await client.post(f"http://{target.endpoint}{BARE}", content=body)
        assert response.status_code == 200

    async with trio.open_nursery() as nursery:
        for target in targets:
            nursery.start_soon(post, target)


async def _cpu_ms(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.process_time()
    await work()
    return 1e3 * (time.process_time() - begun)
