"""What verifying proofs costs, one GPU's and many: CPU time, memory, bytes on the wire.

The proofs are of full size, for an H100; `tests.bench.sampled_prover` makes them up.  Then
the prover's side, by `tests.bench.proof_prover`.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from polarisd.bench.worker.device import Buffer, DeviceError
from polarisd.bench.worker.host_device import HostDevice
from polarisd.proof import memory
from polarisd.proof import messages as m
from polarisd.proof.calibration import Expected, compute_for, memory_for
from polarisd.proof.marks import MemoryCase, verify_memory
from polarisd.proof.parameters import FREIVALDS, ComputeParameters
from polarisd.proof.rows import RowCase
from polarisd.proof.words import Key, Keys, Words
from tests.bench import proof_prover, sampled_prover
from tests.bench.place import REPOSITORY, Place
from tests.bench.proof_child import Spent
from tests.bench.proof_prover import cpu_ms
from tests.bench.result import Row, bounded, compared, number

H100 = Expected(tensor_ops=800e12, memory_bps=3.0e12, mix_ops=0.665e12, vram_bytes=76 << 30)
MAX_CPU_MS = 200.0
MAX_RSS_GB = 0.6
# Held at once, and measured of them; what there is of different ones comes again as copies.
SWEEP, MEASURED, DIFFERENT = 2048, 256, 16
_DEADLINE_S = 3600
# A word of the generator, or a mixing: multiplications, exclusive ors, shifts, additions.
_OPS_A_WORD = 11


def run(place: Place) -> Iterator[Row]:
    yield from _recomputing(place.directory)
    for samples, counts in ((48, (1, 8, 64)), (264, (1, 8))):
        yield from _freivalds(place.directory, samples, counts)
    yield from _host_fill(place.directory)
    yield from proof_prover.run(place.directory, H100)


# The verifier


def _recomputing(directory: Path) -> Iterator[Row]:
    p = compute_for(H100)
    cases = _made(directory / "recompute", p, DIFFERENT)
    wire = wire_bytes(*cases)
    row_bytes = p.samples * 4 * (p.columns + p.depth // 2)
    yield compared(
        "bytes of one GPU's proof, to be recomputed", wire / 1e3,
        "the sampled rows of A and of the product", row_bytes / 1e3, at_most=1, unit="kB",
    )  # fmt: skip
    alone = 0.0
    for held, verified in ((1, 1), (8, 8), (64, 64), (SWEEP, MEASURED)):
        what = f"a GPU of {held}" + (f" ({verified} measured)" if verified < held else "")
        spent = _child(directory / "recompute", held, verified)
        rows, memories, bare = (
            1e3 * s / verified for s in (spent.rows_s, spent.memory_s, spent.bare_s)
        )
        alone = alone or rows + memories
        yield compared(f"recompute, {what}: CPU", rows, "bare fp32 product", bare)
        if held > 1:
            yield compared(f"with its memory part, {what}: CPU", rows + memories, "alone", alone)
        limit = MAX_CPU_MS if held > 1 else None
        yield bounded(f"with its memory part, {what}: CPU", rows + memories, "ms", below=limit)
        yield from _resident(f"recompute and memory, {held} GPUs", spent)
        ops = _ops_recomputing(p, verified)
        yield Row(
            f"operations proven for each one spent, {what}",
            f"{p.operations / ops:.2g}", f"{p.operations:.3g} by {ops:.3g}",
        )  # fmt: skip
    spent = _child(directory / "recompute", 64, 64, blas_threads=os.cpu_count() or 1)
    yield compared(
        f"recompute, a GPU of 64, {os.cpu_count()} BLAS threads: CPU", 1e3 * spent.rows_s / 64,
        "wall", 1e3 * spent.rows_wall_s / 64,
    )  # fmt: skip


def _freivalds(directory: Path, samples: int, counts: tuple[int, ...]) -> Iterator[Row]:
    p = compute_for(H100, check=FREIVALDS, samples=samples)
    file = directory / f"freivalds-{samples}"
    case, _ = _made(file, p, min(DIFFERENT, max(counts)), with_memory=False)
    name = f"Freivalds, q = {samples}"
    yield Row(f"bytes of one GPU's proof, {name}", f"{number(wire_bytes(case, None) / 1e3)} kB")
    for count in counts:
        spent = _child(file, count, count)
        limit = MAX_CPU_MS if count > 1 else None
        yield bounded(
            f"{name}, a GPU of {count}: CPU", 1e3 * spent.rows_s / count, "ms", below=limit
        )
        yield compared(
            f"{name}, a GPU of {count}: CPU", 1e3 * spent.rows_s / count,
            "its share of B r", 1e3 * spent.probe_s / count,
        )  # fmt: skip
        yield from _resident(f"{name}, {count} GPUs", spent)
        ops = _ops_freivalds(p, count)
        yield Row(
            f"operations proven for each one spent, {name}, a GPU of {count}",
            f"{p.operations / ops:.2g}",
            f"{p.operations:.3g} by {ops:.3g}",
        )
    file.unlink()


def _resident(what: str, spent: Spent) -> Iterator[Row]:
    held = f"; {spent.held_rss_bytes / 1e9:.2f} GB before verifying"
    yield bounded(f"resident, {what}{held}", spent.peak_rss_bytes / 1e9, "GB", below=MAX_RSS_GB)


def _made(
    file: Path, p: ComputeParameters, count: int, *, with_memory: bool = True
) -> tuple[RowCase, MemoryCase | None]:
    terms = sampled_prover.terms(count, p, memory_for(H100))
    rows = sampled_prover.row_cases(terms)
    memories = sampled_prover.memory_cases(terms) if with_memory else []
    file.write_bytes(pickle.dumps((rows, memories)))
    return rows[0], next(iter(memories), None)


def _child(file: Path, held: int, verified: int, *, blas_threads: int = 1) -> Spent:
    """One thread unless said otherwise: BLAS's threads also spend CPU time on waiting."""
    command = [sys.executable, "-m", "tests.bench.proof_child", str(file)]
    command += ["--held", str(held), "--verified", str(verified)]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(blas_threads)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=_DEADLINE_S,
    )
    return Spent(**json.loads(done.stdout))


def wire_bytes(rows: RowCase, memories: MemoryCase | None) -> int:
    """All messages of both sides but the pings and their answers."""
    secret = bytes(m.SEED_BYTES)
    messages: list[m.Message] = [m.Offer(rows.terms), m.Ready(), m.Begin(m.COMPUTE, secret)]
    messages += [m.RoundDigest(n, digest) for n, digest in enumerate(rows.record.digests)]
    messages.append(m.Sample(secret))
    messages += [m.Opened(m.ROW, n, opening) for n, opening in enumerate(rows.openings)]
    if memories is not None:
        messages += [m.Begin(phase, secret) for phase in (m.FILL, m.WALK, m.PASS)]
        messages += [m.Filled(), m.WalkRoot(memories.record.walk_root)]
        messages += [m.UnitRoot(n, root) for n, root in enumerate(memories.record.unit_roots)]
        messages += [m.Opened(m.WALKER, n, opening) for n, opening in enumerate(memories.walkers)]
        messages += [m.Opened(m.BLOCK, n, opening) for n, opening in enumerate(memories.blocks)]
    return sum(len(m.encode(message)) for message in messages)


def _ops_recomputing(p: ComputeParameters, batch: int) -> float:
    """The product, the words of the rows of A and of a share of B, the digests."""
    in_a_product = min(batch, 1024 // p.samples)
    words = (p.samples + p.columns / in_a_product) * p.row_words + p.samples * p.columns / 4
    return 2 * p.samples * p.columns * p.depth + _OPS_A_WORD * words


def _ops_freivalds(p: ComputeParameters, batch: int) -> float:
    """Both halves of the row, and the row of A, by two limbs for each of two primes; and a
    share of B by eight limbs."""
    words = (p.samples + p.columns / batch) * p.row_words + p.samples * p.columns / 4
    products = p.samples * (2 * p.columns + p.depth) * 4 + p.columns * p.depth * 8 / batch
    return 2 * products + _OPS_A_WORD * words


class _HostFill:
    """Memory's words by the kernels' build for the processor.  Short runs, such as lines,
    are left to NumPy: a call into the library costs more than they do."""

    def __init__(self, device: HostDevice) -> None:
        self._device = device

    def __call__(self, counters: Words, key: Key | Keys, cost: int) -> Words:
        if isinstance(key, Keys) or counters.shape[-1] < 1024:
            return memory.filled(counters, key, cost)
        out = self._device.empty(counters.size, "u64")
        for n, run in enumerate(counters):
            part: Buffer = out.part(n * len(run), len(run))
            self._device.fill(part, int(run[0]), len(run), key, cost)
        return self._device.to_host(out).reshape(counters.shape)


def _host_fill(directory: Path) -> Iterator[Row]:
    try:
        device = HostDevice(directory / "kernels", threads=1)
    except DeviceError as error:
        yield Row("memory part with the kernels' host build", f"not measured: {error}")
        return
    _, cases = pickle.loads((directory / "recompute").read_bytes())
    fill = _HostFill(device)
    verify_memory(cases[:1], fill)
    for count in (1, 8, DIFFERENT):
        times = [
            cpu_ms(lambda: verify_memory(cases[:count], each)) / count  # noqa: B023
            for each in (fill, memory.filled)
        ]
        yield compared(
            f"memory part, blocks by the host build, a GPU of {count}", times[0], "NumPy", times[1]
        )
