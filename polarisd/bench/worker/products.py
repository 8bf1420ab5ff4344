"""Matrix products: how many operations a second, by type of operand.

On random data, since a GPU draws less power on zeros and then runs faster than it ever
will at work.  Some entries of the last product are computed again by NumPy.  For bench.
"""

from __future__ import annotations

import math
import secrets

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker.device import (
    DTYPES,
    OPERAND_KINDS,
    WRONG_ANSWER,
    Array,
    Buffer,
    Device,
    DeviceError,
    Kind,
    Product,
)
from polarisd.bench.worker.exact_product import decoded
from polarisd.bench.worker.figures import (
    Outcome,
    Setting,
    Test,
    below,
    needs_gpu,
    new_key,
    not_supported,
    rate,
)

# Large enough that what surrounds the arithmetic does not count.
_GPU_EDGE = 8192
_PROCESSOR_EDGE = 1024
_LEAST_EDGE = 256
# What a square product may take of the memory that is free.
_SHARE = 4
# A block of random numbers is repeated over larger matrices; a prime, so that the rows
# of a matrix differ.
_RANDOM_BLOCK = 1_000_003
# How far from NumPy's answer, in units of |row| |column|.
_TOLERANCE = {"fp32": 1e-5, "tf32": 2e-3}
_WORDS = {
    "bf16": "9-bit integers in bf16, sums in fp32",
    "fp16": "9-bit integers in fp16, sums in fp32",
    "int8": "8-bit integers, sums in int32",
    "fp32": "fp32, sums in fp32",
    "tf32": "fp32 rounded to TF32, sums in fp32",
}
WRONG_HINT = (
    "this GPU computes wrongly: do not offer it; look at `journalctl -k` for Xid lines, "
    "and at its cooling and power"
)


def lacking(operand: Product, compute_capability: str) -> str:
    """Why a GPU has no units for that type; empty if it has them, or is no GPU."""
    if operand not in ("bf16", "tf32") or not compute_capability:
        return ""
    major = int(compute_capability.partition(".")[0])
    return "" if major >= 8 else f"compute capability {compute_capability}; {operand} needs 8.0"


def edge_for(free_bytes: int, entry_bytes: int, most: int) -> int:
    """Of the square matrices; `entry_bytes` is what an entry takes of all three together."""
    return max(_LEAST_EDGE, below(math.isqrt(free_bytes // _SHARE // entry_bytes), most))


def test_of(operand: Product) -> Test:
    """The test for one type."""

    def test(setting: Setting) -> Outcome:
        if operand != "fp32" and (outcome := needs_gpu(setting)):
            return outcome
        if why := lacking(operand, setting.info.compute_capability):
            return not_supported(why)
        return _measure(setting, operand)

    return test


def _measure(setting: Setting, operand: Product) -> Outcome:
    device = setting.device
    kind_of_c: Kind = "i32" if operand == "int8" else "f32"
    entry_bytes = 2 * DTYPES[OPERAND_KINDS[operand]].itemsize + 4
    most = _GPU_EDGE if setting.on_gpu else _PROCESSOR_EDGE
    edge = edge_for(setting.free_bytes(), entry_bytes, most)
    a, bt = random_matrix(device, operand, edge), random_matrix(device, operand, edge)
    c = device.empty(edge * edge, kind_of_c)
    timing = setting.time(lambda: device.gemm(operand, a, bt, c, edge, edge, edge))
    verify(device, operand, a, bt, c, edge)
    return rate(2.0 * edge**3, timing, f"{edge} x {edge} x {edge}, random {_WORDS[operand]}")


def random_matrix(device: Device, operand: Product, edge: int) -> Buffer:
    if operand == "fp32" or operand == "tf32":
        return _random_floats(device, edge * edge)
    matrix = device.empty(edge * edge, OPERAND_KINDS[operand])
    device.generate(matrix, operand, new_key(), 0, matrix.nbytes // 8)
    return matrix


def _random_floats(device: Device, count: int) -> Buffer:
    block = np.random.default_rng().standard_normal(min(_RANDOM_BLOCK, count), np.float32)
    matrix = device.empty(count, "f32")
    device.copy(matrix, device.from_host(block), block.nbytes)
    have = block.size
    while have < count:
        more = min(have, count - have)
        device.copy(matrix.part(have, more), matrix.part(0, more), 4 * more)
        have += more
    return matrix


def verify(device: Device, operand: Product, a: Buffer, bt: Buffer, c: Buffer, edge: int) -> None:
    """Raises DeviceError if one of a few random entries of `c` is wrong."""
    rows = [secrets.randbelow(edge) for _ in range(4)]
    columns = [secrets.randbelow(edge) for _ in range(16)]
    left = _rows(device, a, rows, edge, operand)
    right = _rows(device, bt, columns, edge, operand)
    expected = left @ right.T
    got = np.stack([_row(device, c, row, edge)[columns] for row in rows]).astype(np.float64)
    allowed = np.zeros_like(expected)
    if operand in _TOLERANCE:
        norms = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
        allowed = _TOLERANCE[operand] * norms
    # Written so that NaN is not let through.
    wrong = int(np.sum(~(np.abs(got - expected) <= allowed)))
    if wrong:
        raise DeviceError(
            WRONG_ANSWER,
            f"{wrong} of {got.size} entries of a {operand} product differ from NumPy's",
            WRONG_HINT,
        )


def _rows(
    device: Device, matrix: Buffer, rows: list[int], edge: int, operand: Product
) -> NDArray[np.float64]:
    stored = np.stack([_row(device, matrix, row, edge) for row in rows])
    if operand == "fp32" or operand == "tf32":
        return stored.astype(np.float64)
    return decoded(operand, stored).astype(np.float64)


def _row(device: Device, matrix: Buffer, row: int, edge: int) -> Array:
    return device.to_host(matrix.part(row * edge, edge))
