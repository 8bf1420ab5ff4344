"""What the daemon tells of the last minutes on request."""

from __future__ import annotations

import msgpack

from polarisd.gpu.sampling import GpuView
from tests.unit.build import NOW, card, driver, sample
from tests.unit.services_support import A, World, world

__all__ = ["world"]


async def test_history_goes_back_as_far_as_asked(world: World) -> None:
    for second in range(0, 100, 10):
        world.now = NOW + second
        world.keeper.take_gpus(
            GpuView(driver(), (card(0, sample=sample(read_at=world.now)),), "", sampled=True)
        )
    columns = world.services.history(35)["gpus"]
    assert isinstance(columns, dict)
    assert columns[A]["read_at"] == [NOW + 60, NOW + 70, NOW + 80, NOW + 90]


async def test_packed_history_is_made_once_a_snapshot(world: World) -> None:
    pack = world.services.packed_history
    first = pack(60)
    assert msgpack.unpackb(first) == world.services.history(60)
    assert pack(60) is first
    assert pack(61) is not first
    cards = (card(0, sample=sample(read_at=NOW)),)
    world.keeper.take_gpus(GpuView(driver(), cards, "", sampled=True))
    world.now = NOW + 1
    assert A in msgpack.unpackb(pack(60))["gpus"]
    # However many spans are asked for, few are kept.
    assert [pack(1 + i) is pack(1 + i) for i in range(8)].count(True) < 8


async def test_a_burst_ends_when_it_says(world: World) -> None:
    assert world.services.burst(0.1, 20) == NOW + 20


def test_what_was_read_before_the_question_is_no_answer(world: World) -> None:
    has_answered = world.sampler.read_condition()
    assert not has_answered(card(0).uuid)
