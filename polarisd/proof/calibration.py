"""How much work to ask for, so that a device of known speed takes about so long.

Specification: docs/proof.md, "Calibration".  Only the amount depends on what is
expected; a wrong expectation makes a challenge shorter or longer, and never wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from polarisd.proof.judge import MAX_ALLOWANCE_S
from polarisd.proof.operand import NINE_BIT
from polarisd.proof.parameters import (
    BLOCK_BYTES,
    BLOCK_WORDS,
    LINE_BYTES,
    MAX_COST,
    MAX_LEAF_BLOCKS,
    MAX_MIXINGS,
    MAX_OPERATIONS,
    MAX_ROUNDS,
    MAX_ROWS,
    MAX_UNITS,
    RECOMPUTE,
    ComputeParameters,
    MemoryParameters,
)
from polarisd.proof.session import Deadlines

DEFAULT_TARGET_S = 9.0
ROUNDS = 48
SAMPLES = 48
_GROUP = 64
_EDGES = (8192, 4096, 2048, 1024, 512, 256)
# A chunk this short is mostly starting kernels.
_CHUNK_S = 0.001

FILL_S = 2.0
_WALK_FACTOR = 8
_STEPS = 1024
_SEGMENTS = 8
# Smaller groups cost the host more time than the GPU takes to read.
_MEMORY_GROUPS = (128, 64, 8, 1)
WALK_SAMPLES = 16
# How much longer than expected a phase of a sweep may take.
SLACK = 1.2
# Lines of 64 bytes here and there are read at about this share of the full rate (estimated;
# no card has been measured yet).
RANDOM_SHARE = 0.35
UNIT_SAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a device is expected to do; as in `Proven`, and `vram_bytes` that are free."""

    tensor_ops: float
    memory_bps: float
    mix_ops: float
    vram_bytes: int


def compute_for(
    expected: Expected,
    target_s: float = DEFAULT_TARGET_S,
    *,
    operand: str = NINE_BIT.name,
    check: str = RECOMPUTE,
    samples: int = SAMPLES,
) -> ComputeParameters:
    """Edges as long as the device can keep busy in a round; then as many chunks as fit
    the time, and fewer rounds where even one chunk a round is too long."""
    ops = expected.tensor_ops * target_s
    rounds = min(ROUNDS, samples)
    edge = next((e for e in _EDGES if 2 * e**3 * rounds <= ops), _EDGES[-1])
    chunk_ops = 2 * edge**3
    most = min(
        MAX_ROWS // edge,
        MAX_OPERATIONS // (chunk_ops * rounds),
        MAX_LEAF_BLOCKS * _GROUP // (edge * rounds),
    )
    chunks = max(1, min(most, round(ops / chunk_ops / rounds)))
    if chunks == 1:
        rounds = max(4, min(rounds, round(ops / chunk_ops)))
    return ComputeParameters(
        operand=operand,
        chunk_rows=edge,
        columns=edge,
        depth=edge,
        chunks=chunks,
        rounds=rounds,
        group=_GROUP,
        samples=samples,
        check=check,
    )


def memory_for(
    expected: Expected, target_s: float = DEFAULT_TARGET_S, *, remake_ops: float = 0.0
) -> MemoryParameters:
    """All of `vram_bytes`, filled in a quarter of the time (2 s at most), read through in
    about as long.  Filled for longer where a device of `remake_ops`, which poses as several
    of these, could else fill its memory anew for each one's walk."""
    group = next((g for g in _MEMORY_GROUPS if _granule(g) * 32 <= expected.vram_bytes), 1)
    blocks = max(1, expected.vram_bytes // _granule(group)) * _SEGMENTS * group
    part_s = min(FILL_S, target_s / 4)
    cost = round(part_s * expected.mix_ops / (blocks * BLOCK_WORDS))
    walkers = _WALK_FACTOR * blocks * (BLOCK_BYTES // LINE_BYTES) // _STEPS
    segment_bytes = blocks // _SEGMENTS * BLOCK_BYTES
    most = (MAX_LEAF_BLOCKS - walkers // group) * group * _SEGMENTS // blocks
    units = min(most, round(part_s * expected.memory_bps / segment_bytes))
    usual = MemoryParameters(
        blocks=blocks,
        cost=1,
        walkers=max(1, walkers // group) * group,
        steps=_STEPS,
        segments=_SEGMENTS,
        units=max(_SEGMENTS, min(MAX_UNITS, units)),
        group=group,
        walk_samples=WALK_SAMPLES,
        unit_samples=UNIT_SAMPLES,
    )
    wanted = max(1, cost, remake_cost(expected, usual, remake_ops))
    return replace(usual, cost=min(MAX_COST, MAX_MIXINGS // usual.words, wanted))


def remake_cost(expected: Expected, memory: MemoryParameters, remake_ops: float) -> int:
    """What a word must cost, so that a fill at that rate takes longer than the walks may."""
    walk_s = deadlines_for(expected, None, memory).walk_s
    return math.ceil(walk_s * remake_ops / memory.words)


def _granule(group: int) -> int:
    """Bytes that the memory is a multiple of."""
    return BLOCK_BYTES * _SEGMENTS * group


def deadlines_for(
    expected: Expected,
    compute: ComputeParameters | None,
    memory: MemoryParameters | None,
    slack: float = SLACK,
) -> Deadlines:
    """For a sweep: hardly longer than the work takes a device that does what is expected, so
    that there is no time for a second one after the first."""
    phases = {}
    if compute is not None:
        phases["compute_s"] = compute.operations / expected.tensor_ops
    if memory is not None:
        phases["fill_s"] = memory.words * memory.cost / expected.mix_ops
        read_bytes = memory.walkers * memory.steps * LINE_BYTES
        phases["walk_s"] = read_bytes / (RANDOM_SHARE * expected.memory_bps)
        phases["pass_s"] = memory.pass_bytes / expected.memory_bps
    return Deadlines(**{name: slack * s + MAX_ALLOWANCE_S for name, s in phases.items()})


def rescaled(
    parameters: ComputeParameters, took_s: float, target_s: float = DEFAULT_TARGET_S
) -> ComputeParameters:
    """The same work, more or less of it, after it took `took_s`."""
    wanted = parameters.chunks * parameters.rounds * target_s / took_s
    rounds = parameters.rounds
    most = min(
        MAX_ROWS // parameters.chunk_rows,
        parameters.chunks * MAX_OPERATIONS // parameters.operations,
        MAX_LEAF_BLOCKS * parameters.group // (parameters.chunk_rows * rounds),
    )
    chunks = max(1, min(most, round(wanted / rounds)))
    if chunks == 1:
        rounds = max(1, min(rounds, MAX_ROUNDS, round(wanted)))
    return replace(parameters, chunks=chunks, rounds=rounds)
