"""Whoever asks is shown the newest heartbeat; asking uses up next to nothing."""

from __future__ import annotations

from pathlib import Path

import trio
from trio.testing import MockClock

from polarisd.heartbeat.document import Signed
from polarisd.heartbeat.scribe import FRESH_S, Scribe
from polarisd.heartbeat.sequence import Sequence, Unnumbered
from tests.unit.heartbeat_clock import patient_clock
from tests.unit.heartbeat_support import FACTS, Clock, origin

__all__ = ["patient_clock"]


def scribe(directory: Path) -> Scribe:
    clock = Clock()
    return Scribe(origin(), lambda: FACTS, Sequence(directory, clock), clock)


async def test_of_a_thousand_requests_one_is_made(tmp_path: Path, patient_clock: MockClock) -> None:
    writer, shown = scribe(tmp_path), set()

    async def ask() -> None:
        newest = await writer.newest()
        assert isinstance(newest, Signed)
        shown.add(newest.document)

    async with trio.open_nursery() as nursery:
        for _ in range(1000):
            nursery.start_soon(ask)
    assert len(shown) == 1


async def test_it_is_what_validators_were_told_and_not_for_long(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    writer = scribe(tmp_path)
    sent = await writer.write()
    assert isinstance(sent, Signed)
    await trio.sleep(FRESH_S - 0.1)
    assert await writer.newest() is sent
    await trio.sleep(0.2)
    later = await writer.newest()
    assert isinstance(later, Signed)
    assert later.heartbeat.sequence == sent.heartbeat.sequence + 1
    assert await writer.newest() is later


async def test_without_a_disk_there_is_none(tmp_path: Path, patient_clock: MockClock) -> None:
    assert isinstance(await scribe(tmp_path / "gone").newest(), Unnumbered)
