"""From transcripts to verdicts, many at once.

Specification: docs/proof.md, "Verdict" and "How much memory is proven".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polarisd.proof import keys, memory
from polarisd.proof.marks import MemoryCase, verify_memory
from polarisd.proof.memory import Fill
from polarisd.proof.parameters import LINE_BYTES, LINE_WORDS, MemoryParameters
from polarisd.proof.rows import RowCase, verify_rows
from polarisd.proof.soundness import of_compute, of_memory
from polarisd.proof.transcript import Transcript
from polarisd.proof.verdict import Accepted, Proven, Reason, Rejected, Verdict

# A prover can hold back its answers to pings, and so lengthen the round trip that is
# taken off; what that can earn it is bounded in time and as a share.
MAX_ALLOWANCE_S = 0.25
MAX_ALLOWANCE_SHARE = 0.03
# A clock that did not move measured nothing faster than this.
SHORTEST_S = 1e-9
# Who holds less than this of the memory is not the device, but a helper of another.
_MOST_LACKING = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What no device of a class exceeds: a proof beyond it is no proof.

    `tensor_ops`, `memory_bps` and `mix_ops` as in `Proven`.  For what may be done instead
    of holding the memory: `elsewhere_bps` each way between the device and other memory,
    `remake_ops` mixings a second of any device that might pass itself off as this class;
    `host_bps` at which a host reads its own memory, and so a copy of the device's.
    """

    tensor_ops: float
    memory_bps: float
    mix_ops: float
    elsewhere_bps: float
    remake_ops: float
    host_bps: float


def judge(
    transcripts: Sequence[Transcript],
    ceilings: Sequence[Ceiling],
    entropy: Callable[[int], bytes],
    fill: Fill = memory.filled,
) -> list[Verdict]:
    """One verdict for each transcript, in order, against the ceiling of its class."""
    secrets = [keys.sample_secret(t.sample_seed, t.commitments) for t in transcripts]
    rejected = {n: _INCOMPLETE for n, t in enumerate(transcripts) if not _complete(t)}
    memory_numbers = [n for n, t in enumerate(transcripts) if t.memory and n not in rejected]
    memory_cases = [_memory_case(transcripts[n], secrets[n]) for n in memory_numbers]
    _gather(rejected, memory_numbers, verify_memory(memory_cases, fill))
    row_numbers = [n for n, t in enumerate(transcripts) if t.compute and n not in rejected]
    row_cases = [_row_case(transcripts[n], secrets[n]) for n in row_numbers]
    _gather(rejected, row_numbers, verify_rows(row_cases, entropy))
    return [
        rejected.get(n) or _accepted(transcript, ceiling)
        for n, (transcript, ceiling) in enumerate(zip(transcripts, ceilings, strict=True))
    ]


_INCOMPLETE = Rejected(
    reason=Reason.MALFORMED, detail="its parameters are wrong, or a part is missing"
)


def _complete(t: Transcript) -> bool:
    """Sessions make no others, but a transcript may have come from anywhere."""
    memory, compute = t.terms.memory, t.terms.compute
    return (
        (memory is None) == (t.memory is None)
        and (compute is None) == (t.compute is None)
        and not (memory and any(memory.problems()))
        and not (compute and any(compute.problems()))
    )


def _gather(
    rejected: dict[int, Rejected], numbers: Sequence[int], found: Sequence[Rejected | None]
) -> None:
    pairs = zip(numbers, found, strict=True)
    rejected.update((number, outcome) for number, outcome in pairs if outcome is not None)


def _memory_case(t: Transcript, secret: bytes) -> MemoryCase:
    assert t.memory is not None and t.terms.memory is not None
    return MemoryCase(t.terms, t.terms.memory, t.memory, secret, t.walkers, t.blocks)


def _row_case(t: Transcript, secret: bytes) -> RowCase:
    assert t.compute is not None and t.terms.compute is not None
    return RowCase(t.terms, t.terms.compute, t.compute, secret, t.rows)


def _accepted(t: Transcript, ceiling: Ceiling) -> Verdict:
    proven = proven_by(t, ceiling)
    for what, value, limit in (
        ("tensor", proven.tensor_ops, ceiling.tensor_ops),
        ("memory", _read_bps(t), ceiling.memory_bps),
        ("mixing", proven.mix_ops, ceiling.mix_ops),
    ):
        if value is not None and value > limit:
            detail = f"{what} rate {value:.4g}, where at most {limit:.4g} is possible"
            return Rejected(reason=Reason.TOO_FAST, detail=detail)
    return Accepted(
        proven=proven,
        compute=of_compute(t.terms.compute) if t.terms.compute else None,
        memory=of_memory(t.terms.memory) if t.terms.memory else None,
    )


def proven_by(t: Transcript, ceiling: Ceiling) -> Proven:
    """The figures of a transcript whose answers are right."""
    tensor_ops = memory_bps = mix_ops = vram_bytes = None
    if t.terms.compute and t.compute:
        tensor_ops = t.terms.compute.operations / timed(t.compute.took_s, t.round_trip_s)
    if t.terms.memory and t.memory:
        p, record = t.terms.memory, t.memory
        # "filled" is only a word: what was not filled by then was so during the walks
        filled_s = timed(record.fill_s + record.walk_s, 2 * t.round_trip_s)
        mix_ops = p.words * p.cost * _visited(p) / filled_s
        lacking = lacking_share(p, record.walk_s, ceiling)
        vram_bytes = int(p.vram_bytes * (1.0 - lacking))
        if (read_bps := _read_bps(t)) is not None:
            # less what was made anew, or read where lines that are lacking, or copies, are
            others_bps = 8 * ceiling.remake_ops / p.cost + ceiling.host_bps
            memory_bps = max(0.0, (1.0 - lacking) * read_bps - others_bps)
    return Proven(
        tensor_ops=tensor_ops, memory_bps=memory_bps, vram_bytes=vram_bytes, mix_ops=mix_ops
    )


def timed(took_s: float, round_trip_s: float) -> float:
    """A duration less the round trip, as far as that may be taken off; never nothing."""
    taken_s = min(round_trip_s, MAX_ALLOWANCE_S, MAX_ALLOWANCE_SHARE * took_s)
    return max(took_s - taken_s, SHORTEST_S)


def _read_bps(t: Transcript) -> float | None:
    """As if all that the passes cover had been read."""
    if not t.memory or not t.terms.memory or not t.terms.memory.units:
        return None
    return t.terms.memory.pass_bytes / timed(t.memory.pass_s, t.round_trip_s)


def _visited(p: MemoryParameters) -> float:
    """The share of lines that the walks come by; the others need not have been filled."""
    return 1.0 - math.exp(-p.walk_factor)


def lacking_share(p: MemoryParameters, walk_s: float, ceiling: Ceiling) -> float:
    """The largest share of the lines that the device can have been without; 1.0 if that is
    more than half, since then nothing follows.

    To visit a line that is not there costs at least 64 bytes each way, less the share of
    visits for which the walker was there already; or the line's mixings.
    """

    def largest(staying: float) -> float:
        line_s = ceiling.elsewhere_bps / (LINE_BYTES * (1.0 - staying))
        had = walk_s * (line_s + ceiling.remake_ops / (LINE_WORDS * p.cost))
        # each line that was had served all walkers that waited for it; one at which most of
        # them wait serves twice as many as one at random
        waiting = 8 * p.walkers * p.walk_factor * had
        return (had + math.sqrt(had * had + waiting)) / (2 * p.walkers * p.steps)

    first = largest(_MOST_LACKING)
    return largest(first) if first <= _MOST_LACKING else 1.0
