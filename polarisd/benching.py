"""Puts the room of benchmarks together: what `main` knows, joined to what `daemon` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from polarisd.bench import launch, reference
from polarisd.bench.ledger import Ledger
from polarisd.bench.link import Start
from polarisd.bench.look import fresh_gpus
from polarisd.bench.measuring import Measuring, Patience
from polarisd.bench.reference import Reference
from polarisd.bench.runner import Runner
from polarisd.bench.store import FILE, Store
from polarisd.claims import Claims
from polarisd.gpu.sampling import Sampler
from polarisd.keeper import Keeper
from polarisd.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchParts:
    """What benchmarks are made from: how a worker is started, and whether it finds CuPy."""

    start: Start
    has_cupy: Callable[[], bool]
    reference: Reference = field(default_factory=Reference)
    patience: Patience = field(default_factory=Patience)


def bench_parts(environ: Mapping[str, str], worker_socket: Path | None) -> BenchParts:
    """Through the socket if there is one, else as children.  Blocking, and short."""
    find = launch.finder(launch.candidates(environ))
    if worker_socket is None:
        start = launch.as_child(environ, find)
    else:
        start = launch.through_socket(worker_socket)
    return BenchParts(
        start=start,
        has_cupy=partial(launch.has_cupy, find),
        reference=reference.load(),
    )


async def open_runner(
    parts: BenchParts,
    directory: Path,
    *,
    state: State,
    keeper: Keeper,
    sampler: Sampler,
    clock: Callable[[], float],
) -> Runner:
    """With what the daemon before this one left in the state directory."""
    ledger = Ledger(Store(directory / FILE), keeper.take_benchmarks_kept, clock)
    await ledger.open()
    measuring = Measuring(
        start=parts.start,
        state=state,
        burst=sampler.burst,
        reference=parts.reference,
        clock=clock,
        patience=parts.patience,
    )
    return Runner(
        state=state,
        claims=Claims(keeper.take_claims),
        ledger=ledger,
        measure=measuring.measure,
        look=partial(fresh_gpus, state, sampler.read_condition),
        refresh=sampler.read_condition,
        has_cupy=parts.has_cupy,
        publish=keeper.take_benchmarks,
        tell_begun=keeper.take_benchmark_begun,
        tell_ended=keeper.take_benchmark_ended,
        clock=clock,
    )
