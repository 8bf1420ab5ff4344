"""Sections 8 (time) and 10: durations, and the figures that an accepted challenge proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, floor, sqrt

from .messages import Offer, Rejected
from .parameters import BLOCK_BYTES, BLOCK_WORDS, Memory

LONGEST_TRIP = 0.25
LARGEST_SHARE = 0.03


@dataclass
class Times:
    """By the validator's clock, before anything is taken off."""

    shortest_trip: float
    fill: float | None = None
    walk: float | None = None
    passes: float | None = None
    compute: float | None = None

    def net(self, measured: float, trips: int = 1) -> float:
        trip = trips * self.shortest_trip
        return measured - min(trip, LONGEST_TRIP, LARGEST_SHARE * measured)


@dataclass(frozen=True)
class Proven:
    tensor_ops: float | None = None
    memory_bps: float | None = None
    vram_bytes: int | None = None
    mix_ops: float | None = None


def largest(memory: Memory, seconds: float, ceiling: Mapping[str, float], s: float) -> float:
    steps = memory.walkers * memory.steps
    f = steps / memory.lines
    elsewhere = ceiling["elsewhere_bps"] / (64 * (1 - s))
    h = seconds * (elsewhere + ceiling["remake_ops"] / (8 * memory.cost))
    return (h + sqrt(h * h + 8 * memory.walkers * f * h)) / (2 * steps)


def lacking(memory: Memory, seconds: float, ceiling: Mapping[str, float]) -> float:
    """The largest share of the lines that the walks leave room for; `seconds` as measured."""
    first = largest(memory, seconds, ceiling, 0.5)
    return 1.0 if first > 0.5 else largest(memory, seconds, ceiling, first)


def figures(offer: Offer, times: Times, ceiling: Mapping[str, float]) -> Proven:
    tensor_ops = memory_bps = mix_ops = read = None
    vram_bytes = None
    if offer.compute is not None and times.compute is not None:
        tensor_ops = offer.compute.work / times.net(times.compute)
    memory = offer.memory
    if memory is not None and times.fill is not None and times.walk is not None:
        f = memory.walkers * memory.steps / memory.lines
        work = BLOCK_WORDS * memory.blocks * memory.cost * (1 - exp(-f))
        mix_ops = work / times.net(times.fill + times.walk, 2)
        share = lacking(memory, times.walk, ceiling)
        vram_bytes = max(0, floor((1 - share) * BLOCK_BYTES * memory.blocks))
        if times.passes is not None:
            read = memory.units * memory.segment_blocks * BLOCK_BYTES / times.net(times.passes)
            anew = 8 * ceiling["remake_ops"] / memory.cost
            memory_bps = max(0.0, (1 - share) * read - anew - ceiling["host_bps"])
    rates = {"tensor_ops": tensor_ops, "memory_bps": read, "mix_ops": mix_ops}
    for name, rate in rates.items():
        if rate is not None and rate > ceiling[name]:
            raise Rejected("too_fast", name)
    return Proven(tensor_ops, memory_bps, vram_bytes, mix_ops)
