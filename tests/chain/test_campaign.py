"""A small part of the campaign; `python -m tests.chain.campaign 1000` is the whole of it."""

from __future__ import annotations

from pathlib import Path

from tests.chain.campaign import Campaign


async def test_random_troubles(tmp_path: Path) -> None:
    report = await Campaign(seed=20).run(20, tmp_path)
    assert report.wrongs == []
    assert report.rounds == 20 and report.landed > 20
