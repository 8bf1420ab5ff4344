"""What one side can make the other spend: memory, time, an exception.

What stops it: the bounds of `problems()` on both sides, and sizes that are agreed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import messages as m
from polarisd.proof.judge import judge
from polarisd.proof.parameters import (
    FREIVALDS,
    ComputeParameters,
    MemoryParameters,
)
from polarisd.proof.prover import Breach, Prover
from polarisd.proof.transcript import Opening
from polarisd.proof.verdict import Reason, Rejected
from tests.cheats.cases import (
    COMPUTE,
    MEMORY,
    NO_LIMIT,
    Entropy,
    accepted,
    card,
    completed,
    converse,
    judged,
    party,
    rejected,
    terms,
)
from tests.cheats.devices import Device
from tests.cheats.players import Editing, before
from tests.cheats.world import Act, Pause, Worker, play

numbers = st.sampled_from([0, 1, 2, 3, 8, 16, 64, 4096, 1 << 16, 1 << 22, (1 << 32) - 1])


@given(st.data())
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_numbers_have_problems_or_none(data: st.DataObject) -> None:
    """Whatever is asked for can be judged without an exception."""
    drawn = data.draw(st.lists(numbers, min_size=9, max_size=9))
    operand = data.draw(st.sampled_from(["nine_bit", "int8", "", "x" * 99]))
    compute = dict(zip((each.name for each in fields(ComputeParameters)), drawn, strict=True))
    named = {**compute, "operand": operand, "check": FREIVALDS}
    list(ComputeParameters(**named).problems())  # type: ignore[arg-type]
    memory = dict(zip((each.name for each in fields(MemoryParameters)), drawn, strict=True))
    list(MemoryParameters(**memory).problems())


def tree_bytes(rounds: int, blocks: int) -> int:
    """What a prover keeps of its commitments until the sample comes."""
    return rounds * blocks * 2 * 32


# Some hundred times what a calibrated challenge asks of the largest card there is.
LARGEST_HOST_BYTES = 1 << 32
LARGEST_OPERATIONS, LARGEST_MIXINGS, LARGEST_VISITS = 5e18, 4e14, 4e12


def test_rounds_cannot_exhaust_the_provers_host() -> None:
    """Cheap to compute, and 16 TiB to keep."""
    p = replace(COMPUTE, chunk_rows=1 << 26, chunks=1, rounds=4096, samples=4096, group=1)
    assert list(p.problems()) or tree_bytes(p.rounds, p.blocks) <= LARGEST_HOST_BYTES


def test_units_cannot_exhaust_the_provers_host() -> None:
    p = replace(MEMORY, blocks=1 << 21, segments=2, units=1 << 16, group=1)
    assert list(p.problems()) or tree_bytes(p.units, p.segment_blocks) <= LARGEST_HOST_BYTES


def test_walkers_cannot_exhaust_the_provers_host() -> None:
    p = replace(MEMORY, walkers=1 << 28, steps=1, group=1)
    assert list(p.problems()) or tree_bytes(1, p.walkers) + 8 * p.walkers <= LARGEST_HOST_BYTES


def test_fill_cannot_take_hours() -> None:
    p = replace(MEMORY, blocks=1 << 21, cost=1 << 16)
    assert list(p.problems()) or p.words * p.cost <= LARGEST_MIXINGS


def test_walks_cannot_take_hours() -> None:
    p = replace(MEMORY, walkers=1 << 28, steps=1 << 16)
    assert list(p.problems()) or p.walkers * p.steps <= LARGEST_VISITS


def test_rounds_cannot_take_hours() -> None:
    p = replace(COMPUTE, chunk_rows=1 << 12, chunks=1 << 14, columns=1 << 16, depth=8192)
    p = replace(p, rounds=100, samples=100)
    assert list(p.problems()) or p.operations <= LARGEST_OPERATIONS


def test_openings_cannot_take_hours() -> None:
    """A prover computes a whole leaf block for each sample."""
    p = replace(COMPUTE, operand="int8", chunk_rows=4096, chunks=1, group=4096, rounds=1)
    p = replace(p, columns=1 << 16, depth=65520, samples=4096)
    opened = 2 * p.samples * p.group * p.columns * p.depth
    assert list(p.problems()) or opened <= 4 * p.operations


def test_session_keeps_no_oversized_openings() -> None:
    """Else each of 2,048 provers has it keep 72 openings of 0.3 MB: 40 GB in a sweep."""
    asked = terms(1, memory=MEMORY)
    big = Opening(bytes(8 * 4096), (), bytes(4 << 16))
    kept = 0

    def edit(message: m.Message, seen: int) -> Iterator[Act]:
        nonlocal kept
        if isinstance(message, m.Opened):
            kept += 1
            yield replace(message, opening=big)
        else:
            yield message

    worker = Worker(card())
    outcome = play([party(asked, Editing(worker, edit=edit), worker)])[0]
    assert isinstance(outcome, Rejected) and outcome.reason is Reason.MALFORMED
    assert kept == 1


def test_frames_have_a_size_that_fits_the_largest_opening() -> None:
    row = Opening(bytes(8 * 4096), (bytes(32),) * 26, bytes(4 << 16))
    assert len(m.encode(m.Opened(m.ROW, 4095, row))) <= m.MAX_FRAME_BYTES


def prover() -> Prover:
    made = Prover(terms(2, memory=MEMORY), Device(Worker(card())))
    made.prepare()
    return made


HASH = bytes(32)
HOSTILE: dict[str, list[m.Message]] = {
    "sample first": [m.Sample(HASH)],
    "compute first": [m.Begin(m.COMPUTE, HASH)],
    "walk before fill": [m.Begin(m.WALK, HASH)],
    "fill twice": [m.Begin(m.FILL, HASH), m.Begin(m.FILL, HASH)],
    "sample early": [m.Begin(m.FILL, HASH), m.Begin(m.WALK, HASH), m.Sample(HASH)],
    "prover's own": [m.Filled()],
    "another offer": [m.Offer(terms(3))],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_validator_that_leaves_the_protocol(name: str) -> None:
    made = prover()
    *before_it, last = HOSTILE[name]
    for message in before_it:
        list(made.answer(message))
    with pytest.raises(Breach):
        list(made.answer(last))


def test_second_sample() -> None:
    """A frame of 40 bytes costs the prover a block of products for each opening."""
    made = prover()
    for phase in m.PHASES:
        list(made.answer(m.Begin(phase, HASH)))
    assert list(made.answer(m.Sample(HASH)))
    assert made.finished
    with pytest.raises(Breach):
        list(made.answer(m.Sample(bytes(31) + b"\x01")))


def test_slow_prover_keeps_no_session_for_long() -> None:
    """Every wait has an end: getting ready, five pings, four phases, the openings."""
    worker = Worker(card())
    longest = Editing(worker, edit=before(m.Pong, Pause(4.9)))
    one = party(terms(4, memory=MEMORY), longest, worker)
    play([one])
    assert worker.now < 60 + 5 * 5 + 4 * 60 + 30
    silent = party(terms(5), Editing(worker, edit=lambda message, seen: []), Worker(card()))
    outcome = play([silent])[0]
    assert isinstance(outcome, Rejected) and outcome.reason is Reason.NOT_READY


@pytest.mark.parametrize("change", [{"operand": "x"}, {"rounds": 0}])
def test_transcript_of_impossible_parameters(change: dict[str, object]) -> None:
    """Anyone may be handed a transcript to check again: such a one is malformed."""
    done = completed(converse(terms(6)))
    impossible = replace(COMPUTE, **change)  # type: ignore[arg-type]
    verdict = judged(replace(done, terms=replace(done.terms, compute=impossible)))
    assert rejected(verdict) is Reason.MALFORMED


@pytest.mark.parametrize("change", [{"segments": 3}, {"segments": 0}, {"cost": 0}, {"group": 0}])
def test_transcript_of_impossible_memory(change: dict[str, int]) -> None:
    done = completed(converse(terms(6, None, MEMORY)))
    impossible = replace(MEMORY, **change)
    verdict = judged(replace(done, terms=replace(done.terms, memory=impossible)))
    assert rejected(verdict) is Reason.MALFORMED


def test_one_impossible_transcript_spoils_no_others() -> None:
    good = completed(converse(terms(7)))
    bad = replace(good, terms=replace(good.terms, compute=replace(COMPUTE, operand="x")))
    verdicts = judge([good, bad], [NO_LIMIT] * 2, Entropy(1))
    accepted(verdicts[0])
