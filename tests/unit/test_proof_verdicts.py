"""From whole challenges to verdicts: what is proven, and that every byte counts."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import judge as judging
from polarisd.proof.judge import Ceiling, judge
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.transcript import Opening, Transcript
from polarisd.proof.verdict import Accepted, Reason, Rejected, Verdict
from tests.unit import proof_support as support


def verdict(transcript: Transcript, ceiling: Ceiling = support.HIGH) -> Verdict:
    (said,) = judge([transcript], [ceiling], support.entropy("freivalds"))
    return said


@settings(max_examples=60, deadline=None)
@given(support.compute_parameters(), support.memory_parameters())
def test_an_honest_prover_is_accepted(compute: ComputeParameters, memory: MemoryParameters) -> None:
    for asked in (support.terms(compute, memory), support.terms(compute, None)):
        assert not list(compute.problems())
        assert not list(memory.problems())
        assert isinstance(verdict(support.transcript(asked)), Accepted)


def test_memory_alone() -> None:
    said = verdict(support.transcript(support.terms(None, support.MEMORY)))
    assert isinstance(said, Accepted)
    assert said.proven.tensor_ops is None
    assert said.compute is None
    assert said.memory is not None


def test_what_is_proven_is_work_by_time() -> None:
    transcript = support.transcript(support.terms())
    assert transcript.compute is not None and transcript.memory is not None
    assert transcript.compute.took_s == pytest.approx(0.04)
    # 10 ms round trip, of which 3 % of each duration may be taken off
    ceiling = dataclasses.replace(support.HIGH, remake_ops=3.0)
    proven = judging.proven_by(transcript, ceiling)
    compute, memory = support.COMPUTE, support.MEMORY
    assert proven.tensor_ops == pytest.approx(compute.operations / 0.04 / 0.97)
    held = 1 - judging.lacking_share(memory, transcript.memory.walk_s, ceiling)
    read_bps = memory.pass_bytes / 0.09 / 0.97
    assert proven.memory_bps == pytest.approx(held * read_bps - 8 * 3.0 / memory.cost - 0.5)
    assert proven.vram_bytes == int(held * memory.vram_bytes)
    seen = 1 - math.exp(-memory.walkers * memory.steps / memory.lines)
    assert proven.mix_ops == pytest.approx(memory.words * memory.cost * seen / 0.02 / 0.97)


def test_bandwidth_that_could_have_been_made_up_is_not_proven() -> None:
    transcript = support.transcript(support.terms())
    ceiling = dataclasses.replace(support.HIGH, remake_ops=1e7)
    assert judging.proven_by(transcript, ceiling).memory_bps == 0.0


@given(
    st.floats(0.01, 0.5), st.integers(1, 1 << 14), st.floats(1, 16), st.floats(0, 1), st.booleans()
)
def test_nobody_lacks_more_lines_than_the_bound_says(
    lacking: float, steps: int, factor: float, made: float, moves: bool
) -> None:
    """The cheapest ways to do without a share of the lines: to let walkers wait at lines
    that are missing and to get each for all that wait, or to send walkers there, where they
    stay as long as they can."""
    lines = 1 << 24
    walkers = max(1, int(factor * lines / steps))
    waiting = walkers / (lacking * lines)
    shared = (1 - math.exp(-waiting)) / waiting
    visits = lacking * walkers * steps * (1 - lacking if moves else shared)
    p = dataclasses.replace(
        support.MEMORY, blocks=lines // 1024, walkers=walkers, steps=steps, cost=100
    )
    walk_s = 2.0
    ceiling = dataclasses.replace(
        support.HIGH,
        elsewhere_bps=visits / walk_s * 64 * (1 if moves else 1 - made),
        remake_ops=0.0 if moves else visits / walk_s * 8 * p.cost * made,
    )
    assert judging.lacking_share(p, walk_s, ceiling) >= lacking * (1 - 1e-9)


def test_who_lacks_more_than_half_has_nothing_proven() -> None:
    ceiling = dataclasses.replace(support.HIGH, elsewhere_bps=1e9)
    proven = judging.proven_by(support.transcript(support.terms()), ceiling)
    assert (proven.vram_bytes, proven.memory_bps) == (0, 0.0)


def test_a_clock_that_did_not_move_divides_nothing_by_zero() -> None:
    assert judging.timed(0.0, 0.0) > 0


@pytest.mark.parametrize(
    ("took_s", "round_trip_s", "left_s"),
    [(10.0, 0.01, 9.99), (10.0, 0.4, 9.75), (10.0, 5.0, 9.75), (1.0, 0.2, 0.97), (1.0, 0, 1.0)],
)
def test_a_round_trip_is_taken_off_only_so_far(
    took_s: float, round_trip_s: float, left_s: float
) -> None:
    assert judging.timed(took_s, round_trip_s) == pytest.approx(left_s)


@pytest.mark.parametrize("what", ["tensor_ops", "memory_bps", "mix_ops"])
def test_faster_than_any_device_is_no_proof(what: str) -> None:
    ceiling = dataclasses.replace(support.HIGH, **{what: 1.0})
    said = verdict(support.transcript(support.terms()), ceiling)
    assert isinstance(said, Rejected)
    assert said.reason is Reason.TOO_FAST


def changed(transcript: Transcript, **fields: Any) -> Transcript:
    return dataclasses.replace(transcript, **fields)


def _with_opening(transcript: Transcript, kind: str, place: int, opening: Opening) -> Transcript:
    openings = list(getattr(transcript, kind))
    openings[place] = opening
    return changed(transcript, **{kind: tuple(openings)})


def _fields(opening: Opening) -> dict[str, Any]:
    return {"block": opening.block, "path": opening.path, "row": opening.row}


@pytest.mark.parametrize("kind", ["rows", "walkers", "blocks"])
@pytest.mark.parametrize("check", ["recompute", "freivalds"])
def test_every_byte_of_an_opening_counts(kind: str, check: str) -> None:
    asked = support.terms(dataclasses.replace(support.COMPUTE, check=check))
    honest = support.transcript(asked)
    opening: Opening = getattr(honest, kind)[1]
    fields = ["block", "row"] if opening.row else ["block"]
    for field in fields:
        data = getattr(opening, field)
        for at in range(len(data)):
            spoilt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            other = Opening(**{**_fields(opening), field: spoilt})
            assert isinstance(verdict(_with_opening(honest, kind, 1, other)), Rejected)
    for level in range(len(opening.path)):
        path = list(opening.path)
        path[level] = bytes(32)
        other = dataclasses.replace(opening, path=tuple(path))
        assert isinstance(verdict(_with_opening(honest, kind, 1, other)), Rejected)


@pytest.mark.parametrize("kind", ["rows", "walkers", "blocks"])
def test_openings_of_other_sizes_are_malformed(kind: str) -> None:
    honest = support.transcript(support.terms())
    opening: Opening = getattr(honest, kind)[0]
    for wrong in (
        dataclasses.replace(opening, block=opening.block + b"\0" * 8),
        dataclasses.replace(opening, block=b""),
        dataclasses.replace(opening, path=(*opening.path, bytes(32))),
        dataclasses.replace(opening, path=()),
        dataclasses.replace(opening, row=b"\0" * 4),
    ):
        said = verdict(_with_opening(honest, kind, 0, wrong))
        assert isinstance(said, Rejected)
        assert said.reason is Reason.MALFORMED


def test_a_transcript_with_impossible_parameters_proves_nothing() -> None:
    honest = support.transcript(support.terms())
    assert honest.terms.compute is not None and honest.terms.memory is not None
    for terms in (
        dataclasses.replace(
            honest.terms, compute=dataclasses.replace(honest.terms.compute, operand="fp4")
        ),
        dataclasses.replace(
            honest.terms, memory=dataclasses.replace(honest.terms.memory, segments=0)
        ),
    ):
        said = verdict(changed(honest, terms=terms))
        assert isinstance(said, Rejected)
        assert said.reason is Reason.MALFORMED


@pytest.mark.parametrize("part", ["memory", "compute"])
def test_a_transcript_that_lacks_a_part_proves_nothing(part: str) -> None:
    honest = support.transcript(support.terms())
    said = verdict(changed(honest, **{part: None}))
    assert isinstance(said, Rejected)
    assert said.reason is Reason.MALFORMED


def test_one_wrong_proof_does_not_harm_the_others() -> None:
    transcripts = [support.transcript(support.terms(slot=slot)) for slot in range(4)]
    wrong = dataclasses.replace(transcripts[1], sample_seed=bytes(32))
    said = judge(
        [transcripts[0], wrong, *transcripts[2:]], [support.HIGH] * 4, support.entropy("x")
    )
    assert [isinstance(each, Accepted) for each in said] == [True, False, True, True]
