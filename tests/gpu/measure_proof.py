"""What the proofs' work costs on a real GPU, for docs/measurements.md.

    python -m tests.gpu.measure_proof [--backend cupy] [--seconds 9] [--small]

Needs the GPU stack on the module path.  Prints a table; exits with 1 if a proof made here
is rejected.  `--small` and `--backend host` try the program itself where there is no GPU.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterator

from polarisd.bench.worker.cupy_device import CupyDevice
from polarisd.bench.worker.device import Device
from polarisd.bench.worker.engine import DeviceEngine, encoding_for
from polarisd.bench.worker.host_device import HostDevice
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.proof_rate import conversation
from polarisd.proof import calibration
from polarisd.proof import messages as m
from polarisd.proof.judge import Ceiling, judge, proven_by
from polarisd.proof.parameters import LINE_BYTES, ComputeParameters, MemoryParameters
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Accepted
from polarisd.proof.words import Key

DEVICES: dict[str, Callable[[], Device]] = {
    "cupy": CupyDevice,
    "host": lambda: HostDevice(None),
    "numpy": NumpyDevice,
}
# Above every device; the links of a PCIe 5 host.
CEILING = Ceiling(
    tensor_ops=1e17,
    memory_bps=1e14,
    mix_ops=1e13,
    elsewhere_bps=64e9,
    remake_ops=2e12,
    host_bps=4e11,
)
RESERVE_BYTES = 2 << 30
REPEATS = 20

Line = tuple[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=DEVICES, default="cupy")
    parser.add_argument("--seconds", type=float, default=calibration.DEFAULT_TARGET_S)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    before = DEVICES[given.backend]()
    info = before.describe()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = info.total_bytes - info.free_bytes
    _say(f"with its context open: {resident >> 10} MiB of the host, {held >> 20} MiB of the device")
    _say(f"{info.name}, {info.free_bytes / 2**30:.1f} GiB free; {info.versions}")
    edge = 512 if given.small else 8192
    vram_bytes = 64 << 20 if given.small else info.free_bytes - RESERVE_BYTES
    accepted = True
    for line in measured(before, edge, vram_bytes, given.seconds):
        _say(f"{line[0]:58} {line[1]}")
        accepted = accepted and "REJECTED" not in line[1]
    return 0 if accepted else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measured(device: Device, edge: int, vram_bytes: int, target_s: float) -> Iterator[Line]:
    raw_ops = yield from _steps(device, edge)
    yield from _copies(device, vram_bytes)
    expected = calibration.Expected(
        tensor_ops=raw_ops * 0.9, memory_bps=_copy_bps(device), mix_ops=_mix_ops(device),
        vram_bytes=vram_bytes,
    )  # fmt: skip
    for operand in ("nine_bit", "int8"):
        compute = calibration.compute_for(expected, target_s, operand=operand)
        yield from _compute(device, compute, raw_ops if operand == "nine_bit" else None)
    yield from _memory(device, calibration.memory_for(expected, target_s), expected.memory_bps)


def _time(device: Device, once: Callable[[], None]) -> float:
    once()
    times = []
    for _ in range(REPEATS):
        start = device.mark()
        once()
        times.append(device.elapsed_s(start, device.mark()))
    return statistics.median(times)


def _steps(device: Device, edge: int) -> Generator[Line, None, float]:
    """One chunk, step by step; returns the product's rate alone."""
    p = ComputeParameters(
        operand="nine_bit", chunk_rows=edge, columns=edge, depth=edge, chunks=1, rounds=1,
        group=64, samples=1,
    )  # fmt: skip
    encoding = encoding_for(p, device.describe().compute_capability)
    a, bt = device.empty(edge * edge, "u16"), device.empty(edge * edge, "u16")
    c, leaves = device.empty(edge * edge, "f32"), device.empty(edge, "u64")
    words = edge * p.row_words
    device.generate(bt, encoding, (11, 12), 0, words)
    made_s = _time(device, lambda: device.generate(a, encoding, (13, 14), 0, words))
    product_s = _time(device, lambda: device.gemm(encoding, a, bt, c, edge, edge, edge))
    digest_s = _time(device, lambda: device.digest_rows(c, leaves, edge, edge, (15, 16)))
    for buffer in (a, bt, c, leaves):
        buffer.free()
    yield f"raw {encoding} product, {edge} cubed", f"{p.operations / product_s / 1e12:.2f} TFLOP/s"
    yield (
        "a chunk: A / product / digest",
        " / ".join(f"{each * 1e3:.3f} ms" for each in (made_s, product_s, digest_s)),
    )
    share = product_s / (made_s + product_s + digest_s)
    yield "product's share of a chunk", f"{share:.3f} (target 0.85)"
    return p.operations / product_s


def _copy_bps(device: Device) -> float:
    size = 1 << 30 if device.backend == "cupy" else 1 << 26
    x, y = device.empty(size // 8, "u64"), device.empty(size // 8, "u64")
    took_s = _time(device, lambda: device.copy(y, x, size))
    x.free()
    y.free()
    return 2 * size / took_s


def _mix_ops(device: Device) -> float:
    words, cost = (1 << 24, 256) if device.backend == "cupy" else (1 << 16, 16)
    memory = device.empty(words, "u64")
    took_s = _time(device, lambda: device.fill(memory, 0, words, (1, 2), cost))
    memory.free()
    return words * cost / took_s


def _copies(device: Device, vram_bytes: int) -> Iterator[Line]:
    yield "device copy, read and written", f"{_copy_bps(device) / 1e9:.1f} GB/s"
    yield "mixings", f"{_mix_ops(device) / 1e9:.2f} G/s"
    yield "memory to be filled", f"{vram_bytes / 2**30:.2f} GiB"


def _terms(compute: ComputeParameters | None, memory: MemoryParameters | None) -> Terms:
    return Terms(
        challenge=os.urandom(m.CHALLENGE_BYTES), sweep_seed=os.urandom(m.SEED_BYTES),
        hotkey=bytes(m.HOTKEY_BYTES), slot=0, compute=compute, memory=memory,
    )  # fmt: skip


def _judged(transcript: Transcript) -> str:
    begun = time.process_time()
    (verdict,) = judge([transcript], [CEILING], os.urandom)
    said = "accepted" if isinstance(verdict, Accepted) else f"REJECTED: {verdict}"
    return f"{said}, {time.process_time() - begun:.2f} s CPU to verify"


def _compute(device: Device, p: ComputeParameters, raw_ops: float | None) -> Iterator[Line]:
    transcript = conversation(device, _terms(p, None))
    ops = proven_by(transcript, CEILING).tensor_ops
    assert ops is not None and transcript.compute is not None
    shape = f"SGC/1 {p.operand}, {p.rounds} x {p.rows} x {p.columns} x {p.depth}"
    yield shape, f"{ops / 1e12:.2f} TOP/s in {transcript.compute.took_s:.2f} s"
    if raw_ops is not None:
        yield "of the raw product's rate", f"{ops / raw_ops:.3f} (target 0.85)"
    yield "verdict (so every sampled entry was exact)", _judged(transcript)


def _memory(device: Device, p: MemoryParameters, copy_bps: float) -> Iterator[Line]:
    transcript = conversation(device, _terms(None, p))
    proven = proven_by(transcript, CEILING)
    assert transcript.memory is not None and proven.memory_bps is not None
    record = transcript.memory
    yield "VRC/1", f"{p.vram_bytes / 2**30:.2f} GiB, cost {p.cost}, {p.walkers} walkers"
    yield (
        "fill / walk / passes",
        (f"{record.fill_s:.3f} s / {record.walk_s:.3f} s / {record.pass_s:.3f} s"),
    )
    read_bps = p.pass_bytes / record.pass_s
    random_bps = p.walkers * p.steps * LINE_BYTES / _walk_s(device, p)
    yield "passes, as read", f"{read_bps / 1e9:.1f} GB/s"
    yield "of the device copy", f"{read_bps / copy_bps:.3f} (target 0.9)"
    yield "passes, as proven", f"{proven.memory_bps / 1e9:.1f} GB/s"
    yield "random lines, of the device copy (assumed 0.35)", f"{random_bps / copy_bps:.3f}"
    share = (proven.vram_bytes or 0) / p.vram_bytes
    yield "of the memory proven, link at 64 GB/s, mixing at 2 T/s", f"{share:.3f}"
    yield "verdict", _judged(transcript)


def _walk_s(device: Device, p: MemoryParameters) -> float:
    engine = DeviceEngine(device, device.describe())
    engine.prepare(None, p, None)
    engine.fill(Key(1, 2))
    begun = time.perf_counter()
    engine.walk(Key(3, 4))
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
