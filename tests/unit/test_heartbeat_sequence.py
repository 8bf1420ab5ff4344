"""No number is given twice: not after a crash, a lost directory or a clock that jumps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.heartbeat.document import MAX_NUMBER
from polarisd.heartbeat.sequence import BLOCK, FILE, Sequence, Unnumbered
from tests.unit.heartbeat_support import NOW, Clock


async def taken(sequence: Sequence, count: int = 1) -> list[int]:
    numbers = [await sequence.take() for _ in range(count)]
    assert not any(isinstance(number, Unnumbered) for number in numbers), numbers
    return [number for number in numbers if isinstance(number, int)]


def reserved_to(directory: Path) -> int:
    return int(json.loads((directory / FILE).read_text())["reserved_to"])


async def test_numbers_rise_by_one_and_begin_with_the_time(tmp_path: Path) -> None:
    numbers = await taken(Sequence(tmp_path, Clock()), 3)
    assert numbers == [int(NOW * 1e3) + n for n in range(3)]


async def test_each_number_was_reserved_before_it_is_given(tmp_path: Path) -> None:
    sequence = Sequence(tmp_path, Clock())
    for _ in range(2 * BLOCK + 1):
        assert (await taken(sequence))[0] <= reserved_to(tmp_path)


async def test_a_restart_goes_on_above_all_that_could_have_been_given(tmp_path: Path) -> None:
    clock = Clock()
    first = await taken(Sequence(tmp_path, clock), 5)
    clock.now -= 86400  # the clock has been set back meanwhile
    assert (await taken(Sequence(tmp_path, clock)))[0] == first[0] + BLOCK


async def test_a_lost_directory_goes_on_above_by_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):  # restarts, too
        last = (await taken(Sequence(tmp_path, clock), 5))[-1]
    (tmp_path / FILE).unlink()
    clock.now += 5
    assert (await taken(Sequence(tmp_path, clock)))[0] > last


async def test_a_spoilt_file_is_set_aside_and_the_clock_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_text('{"format": 1, "reserved_to": -5}')
    assert (await taken(Sequence(tmp_path, Clock())))[0] == int(NOW * 1e3)
    assert (tmp_path / f"{FILE}.bad").exists()
    assert "whose numbers go on by the clock" in caplog.text


@pytest.mark.parametrize("now", [0.0, 1e9, 1e11])
async def test_a_clock_that_cannot_be_gives_no_first_number(tmp_path: Path, now: float) -> None:
    problem = await Sequence(tmp_path, Clock(now)).take()
    assert isinstance(problem, Unnumbered)
    assert "clock" in problem.why
    assert "timedatectl" in problem.remedy
    assert not (tmp_path / FILE).exists()


async def test_with_a_file_no_clock_is_needed(tmp_path: Path) -> None:
    first = (await taken(Sequence(tmp_path, Clock())))[0]
    assert (await taken(Sequence(tmp_path, Clock(0.0))))[0] == first + BLOCK


async def test_without_a_disk_there_is_no_number_and_then_there_is(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    sequence = Sequence(directory, Clock())
    problem = await sequence.take()
    assert isinstance(problem, Unnumbered)
    assert "No such file" in problem.why
    assert "disk" in problem.remedy
    directory.mkdir()
    await taken(sequence)


async def test_a_disk_that_fails_later_ends_numbers_with_the_block(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    sequence = Sequence(directory, Clock())
    await taken(sequence, BLOCK)
    (directory / FILE).unlink()
    directory.rmdir()
    assert isinstance(await sequence.take(), Unnumbered)
    directory.mkdir()
    assert (await taken(sequence))[0] == int(NOW * 1e3) + BLOCK


async def test_a_disk_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """As all threads are taken, nobody gets to it."""
    limiter = trio.to_thread.current_default_thread_limiter()
    for number in range(int(limiter.total_tokens)):
        limiter.acquire_on_behalf_of_nowait(number)
    sequence = Sequence(tmp_path, Clock())
    problem = await sequence.take()
    assert isinstance(problem, Unnumbered)
    assert problem.why == "the disk does not answer"
    for number in range(int(limiter.total_tokens)):
        limiter.release_on_behalf_of(number)


async def test_all_numbers_used_up_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"format": 1, "reserved_to": MAX_NUMBER - 3}))
    problem = await Sequence(tmp_path, Clock()).take()
    assert isinstance(problem, Unnumbered)
    assert "used up" in problem.why


async def test_it_passes_by_what_was_given_before(tmp_path: Path) -> None:
    sequence = Sequence(tmp_path, Clock())
    assert not sequence.pass_by(5)  # nothing is known before the first
    first = (await taken(sequence))[0]
    assert not sequence.pass_by(first)
    assert sequence.pass_by(first + 10**6)
    assert await taken(sequence) == [first + 10**6 + 1]
    assert reserved_to(tmp_path) == first + 10**6 + BLOCK
    assert not sequence.pass_by(MAX_NUMBER)


@settings(max_examples=25)  # each waits for the disk a few times
@given(st.lists(st.tuples(st.integers(1, 40), st.floats(-1e7, 1e7)), min_size=1, max_size=6))
def test_whatever_the_clock_and_crashes_do_numbers_only_rise(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, float]]
) -> None:
    directory = tmp_path_factory.mktemp("state")
    clock = Clock()

    async def live() -> list[int]:
        numbers: list[int] = []
        for count, jump_s in runs:
            clock.now += jump_s
            numbers += await taken(Sequence(directory, clock), count)
        return numbers

    numbers = trio.run(live)
    assert numbers == sorted(set(numbers))
