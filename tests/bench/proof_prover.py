"""What a prover's host adds to its GPU's work, and the prover without a GPU.

Called by `tests.bench.proof`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from polarisd.bench.worker.device import DeviceError
from polarisd.bench.worker.engine import DeviceEngine
from polarisd.bench.worker.host_device import HostDevice
from polarisd.proof import tree
from polarisd.proof.calibration import RANDOM_SHARE, Expected, compute_for, memory_for
from polarisd.proof.engine import Engine
from polarisd.proof.parameters import LINE_BYTES, RECOMPUTE, ComputeParameters
from polarisd.proof.reference import ReferenceEngine
from polarisd.proof.words import Key
from tests.bench.result import Row, compared

_TURNS = 3


def run(directory: Path, expected: Expected) -> Iterator[Row]:
    yield from _trees(expected)
    yield from _provers(directory)


def _trees(expected: Expected) -> Iterator[Row]:
    """Trees are built while the GPU works on the next step; a slower tree holds it up."""
    compute, memories = compute_for(expected), memory_for(expected)
    round_ms = 1e3 * compute.operations / compute.rounds / expected.tensor_ops
    unit_ms = 1e3 * memories.pass_bytes / memories.units / expected.memory_bps
    read = memories.walkers * memories.steps * LINE_BYTES
    walk_ms = 1e3 * read / (RANDOM_SHARE * expected.memory_bps)
    for what, leaves, group, gpu_ms in (
        ("of a round", compute.rows, compute.group, round_ms),
        ("of a unit", memories.segment_blocks, memories.group, unit_ms),
        ("of the walks, which wait for it", memories.walkers, memories.group, walk_ms),
    ):
        words = np.frombuffer(os.urandom(8 * leaves), np.uint64)
        took = cpu_ms(lambda: tree.levels_of(words, group))  # noqa: B023
        yield compared(
            f"the tree {what}, {leaves} leaves",
            took,
            "its GPU's time (calculated)",
            gpu_ms,
            at_most=1.0,
        )


def _provers(directory: Path) -> Iterator[Row]:
    """One round and one read on the processor, of a size that NumPy can bear."""
    p = ComputeParameters(
        operand="nine_bit", chunk_rows=512, columns=2048, depth=2048, chunks=2, rounds=4, group=64,
        samples=4, check=RECOMPUTE,
    )  # fmt: skip
    vrc = memory_for(Expected(tensor_ops=1.0, memory_bps=1e9, mix_ops=1e8, vram_bytes=32 << 20))
    try:
        device = HostDevice(directory / "kernels")
    except DeviceError as error:
        yield Row("prover by the kernels' host build", f"not measured: {error}")
        return
    engines: dict[str, Engine] = {
        "host": DeviceEngine(device, device.describe()), "NumPy": ReferenceEngine(),
    }  # fmt: skip
    for engine in engines.values():
        engine.prepare(p, vrc, Key(3, 4))
    key = Key(1, 2)
    works: dict[str, Callable[[Engine], object]] = {
        "a round": lambda engine: engine.start_round(key, key).leaves(),
        "the fill": lambda engine: engine.fill(key),
        "the walks": lambda engine: engine.walk(key),
        "a read": lambda engine: engine.start_read(key, 0, vrc.segment_blocks).leaves(),
    }
    for what, work in works.items():
        times = {name: cpu_ms(lambda: work(each)) for name, each in engines.items()}  # noqa: B023
        yield compared(f"{what} by the host build: CPU", times["host"], "NumPy", times["NumPy"])


def cpu_ms(work: Callable[[], object]) -> float:
    """The least of a few turns: whatever else runs on the machine only adds to it."""
    times = []
    for _ in range(_TURNS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return 1e3 * min(times)
