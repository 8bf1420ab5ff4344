"""Who uses the GPUs now: what is decided by must not be older than the question."""

from __future__ import annotations

from collections.abc import Callable

import trio
from trio.testing import MockClock

from polarisd.api.gpu import SILENT, Gpu, GpuProcess
from polarisd.api.reading import TIMED_OUT, Unknown
from polarisd.bench.look import DEADLINE_S, fresh_gpus
from polarisd.state import State
from tests.unit.build import NOW, condition, gpu, snapshot

USER = GpuProcess(pid=7, kind="compute", vram_bytes=1, name="train.py")


def read_at(at: float, number: int = 0, *users: GpuProcess, state: str = "ok") -> Gpu:
    return gpu(number, state=state, condition=condition(read_at=at, processes=users))


def asking(state: State, *gpus: Gpu, after_s: float = 0.0) -> Callable[[], Callable[[str], bool]]:
    """What the sampler does when asked: the next snapshot has these, which have answered."""
    answered: set[str] = set()

    def ask() -> Callable[[str], bool]:
        trio.lowlevel.spawn_system_task(answer)
        return answered.__contains__

    async def answer() -> None:
        await trio.sleep(after_s)
        answered.update(gpu.uuid for gpu in gpus)
        state.change(gpus=gpus)

    return ask


def not_answered() -> Callable[[str], bool]:
    return lambda _: False


async def test_it_waits_for_a_newer_reading(autojump_clock: MockClock) -> None:
    state = State(snapshot(gpus=(read_at(NOW - 20),)), lambda: NOW)
    new = read_at(NOW + 0.1, 0, USER)
    begun = trio.current_time()
    assert await fresh_gpus(state, asking(state, new, after_s=1.5)) == (new,)
    assert trio.current_time() - begun == 1.5


async def test_a_clock_that_is_set_back_makes_nothing_newer(autojump_clock: MockClock) -> None:
    """What was read before says an hour from now."""
    state = State(snapshot(gpus=(read_at(NOW + 3600),)), lambda: NOW)
    new = read_at(NOW, 0, USER)
    assert await fresh_gpus(state, asking(state, new, after_s=1.5)) == (new,)
    (doubted,) = await fresh_gpus(state, not_answered)
    assert isinstance(doubted.condition.processes, Unknown)


async def test_a_driver_that_does_not_answer_is_not_trusted(autojump_clock: MockClock) -> None:
    old, quick = read_at(NOW - 20, 0), read_at(NOW + 1, 1)
    state = State(snapshot(gpus=(old, read_at(NOW - 20, 1))), lambda: NOW)
    begun = trio.current_time()

    def ask() -> Callable[[str], bool]:
        state.change(gpus=(old, quick))
        return lambda uuid: uuid == quick.uuid

    found = await fresh_gpus(state, ask)
    assert trio.current_time() - begun == DEADLINE_S
    processes = found[0].condition.processes
    assert isinstance(processes, Unknown) and processes.reason == TIMED_OUT
    assert found[1] == quick


async def test_a_gpu_that_cannot_be_asked_is_not_waited_for(autojump_clock: MockClock) -> None:
    silent = read_at(NOW - 20, state=SILENT)
    state = State(snapshot(gpus=(silent,)), lambda: NOW)
    begun = trio.current_time()
    assert await fresh_gpus(state, not_answered) == (silent,)
    assert trio.current_time() == begun
