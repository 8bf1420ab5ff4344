"""The kernels on a processor: the host build beside the reference in NumPy, exact products
beside BLAS as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from polarisd.bench.worker.device import BLOCK_WORDS, Buffer, Device, Operand
from polarisd.bench.worker.exact_product import decoded
from polarisd.bench.worker.host_device import HostDevice
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.processor import processors
from tests.bench.place import Place
from tests.bench.result import Row, compared, number
from tests.bench.timing import in_turn

KEY = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
ROUNDS = 5
WORDS = 1 << 21
ROWS, ENTRIES = 512, 8192
BLOCKS = 256
LINES = BLOCKS * BLOCK_WORDS // 8
WALKERS, STEPS = 4096, 100
FILL_WORDS, COST = 1 << 18, 100

Work = Callable[[Device], Callable[[], object]]


def run(place: Place) -> Iterator[Row]:
    cache = place.directory / "kernels"
    ours: dict[str, Device] = {
        f"{threads} thread{'s' if threads > 1 else ''}": HostDevice(cache, threads=threads)
        for threads in sorted({1, processors()})
    }
    for what, (work, amount, unit) in WORKS.items():
        cases = {name: work(device) for name, device in {**ours, "NumPy": NumpyDevice()}.items()}
        times = in_turn(cases, ROUNDS)
        for name in ours:
            rate = f"{number(amount / times[name] / 1e6)} {unit}"
            yield compared(f"{what}, {name}: {rate}", times[name], "NumPy", times["NumPy"])
    yield from _products("bf16", 8192)
    yield from _products("int8", 8192)


def _generate(operand: Operand) -> Work:
    def work(device: Device) -> Callable[[], object]:
        out = device.empty(WORDS, "u64")
        return lambda: device.generate(out, operand, KEY, 1 << 33, WORDS)

    return work


def _digest_rows(device: Device) -> Callable[[], object]:
    product = np.random.default_rng(1).integers(-(1 << 23), 1 << 23, ROWS * ENTRIES)
    c, leaves = device.from_host(product.astype(np.float32)), device.empty(ROWS, "u64")
    return lambda: device.digest_rows(c, leaves, ROWS, ENTRIES, KEY)


def _digest_blocks(device: Device) -> Callable[[], object]:
    memory, leaves = _filled(device), device.empty(BLOCKS, "u64")
    return lambda: device.digest_blocks(memory, 0, BLOCKS, leaves, KEY)


def _fill(device: Device) -> Callable[[], object]:
    memory = device.empty(FILL_WORDS, "u64")
    return lambda: device.fill(memory, 0, memory.count, KEY, COST)


def _walk(device: Device) -> Callable[[], object]:
    memory, states = _filled(device), device.empty(WALKERS, "u64")
    return lambda: device.walk(memory, LINES, states, WALKERS, STEPS, KEY)


def _filled(device: Device) -> Buffer:
    memory = device.empty(BLOCKS * BLOCK_WORDS, "u64")
    device.fill(memory, 0, memory.count, KEY, 0)
    return memory


# What is measured: how much of what unit it does, in GB or in thousand million mixings.
WORKS: dict[str, tuple[Work, float, str]] = {
    "generate bf16": (_generate("bf16"), 8 * WORDS, "GB/s"),
    "generate fp16": (_generate("fp16"), 8 * WORDS, "GB/s"),
    "generate int8": (_generate("int8"), 8 * WORDS, "GB/s"),
    "digest rows of fp32": (_digest_rows, 4 * ROWS * ENTRIES, "GB/s"),
    "digest blocks": (_digest_blocks, 8 * BLOCKS * BLOCK_WORDS, "GB/s"),
    "fill": (_fill, FILL_WORDS * COST, "Gmix/s"),
    "walk": (_walk, 64 * WALKERS * STEPS, "GB/s"),
}


def _products(operand: Operand, k: int, rows: int = 512, n: int = 512) -> Iterator[Row]:
    """Beside fp64, in which any such product is exact, and fp32, in which it need not be."""
    device = NumpyDevice()
    a, bt = (device.empty(size * k, "i8" if operand == "int8" else "u16") for size in (rows, n))
    c = device.empty(rows * n, "i32" if operand == "int8" else "f32")
    for seed, buffer in enumerate((a, bt)):
        device.generate(buffer, operand, (seed, 7), 0, buffer.nbytes // 8)
    left, right = (decoded(operand, device.to_host(buffer)).reshape(-1, k) for buffer in (a, bt))
    left64, right64 = left.astype(np.float64), right.astype(np.float64)
    times = in_turn(
        {
            "exact": lambda: device.gemm(operand, a, bt, c, rows, n, k),
            "fp64": lambda: left64 @ right64.T,
            "fp32": lambda: left @ right.T,
        },
        ROUNDS,
    )
    rate = number(2 * rows * n * k / times["exact"] / 1e6)
    what = f"exact {operand} product {rows}x{n}x{k}: {rate} Gop/s"
    for other in ("fp64", "fp32"):
        yield compared(what, times["exact"], f"BLAS in {other}", times[other])
