"""The product of integer matrices on a processor, exact whatever the entries are.

BLAS in fp32 is twice as fast as in fp64, and exact while no partial sum leaves 24 bits.
So the depth is cut into pieces that cannot, and the pieces are added up in fp64.  Called
by processor; imports numpy and device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from polarisd.bench.worker.device import WRONG_ANSWER, Array, DeviceError, Operand

Floats = NDArray[np.float32]

_FP32_EXACT = 1 << 24
# The largest product of two entries, and the greatest depth, by eights, that keeps any
# sum of so many within fp32.
_LARGEST = {"bf16": 256, "fp16": 256, "int8": 128}
_DEPTH = {name: (_FP32_EXACT - 1) // (most * most) // 8 * 8 for name, most in _LARGEST.items()}
# Rows of the product at a time: what bounds the memory that it takes besides its operands.
_SLAB_ROWS = 512


def decoded(operand: Operand, patterns: Array) -> Floats:
    """The integers behind bit patterns, as fp32.  ValueError unless they are such."""
    if operand == "int8":
        return patterns.astype(np.float32)
    if operand == "fp16":
        values = patterns.view(np.float16).astype(np.float32)
    else:
        values = (patterns.astype(np.uint32) << np.uint32(16)).view(np.float32)
    most = _LARGEST[operand]
    # Written so that NaN, which compares as false, is not let through.
    if not (np.all(np.abs(values) <= most) and np.all(values == np.rint(values))):
        raise ValueError(f"a {operand} operand here is made of integers from -{most} to {most}")
    return values


def multiply(operand: Operand, a: Array, bt: Array, out: Array) -> None:
    """`out` = a . bt^T.  DeviceError if an entry is more than `out` holds exactly."""
    left, right = decoded(operand, a), decoded(operand, bt)
    most = (1 << 31) - 1 if out.dtype.kind == "i" else _FP32_EXACT
    for at in range(0, len(left), _SLAB_ROWS):
        slab = _summed(left[at : at + _SLAB_ROWS], right, _DEPTH[operand])
        largest = np.abs(slab).max()
        if largest > most:
            raise DeviceError(
                WRONG_ANSWER,
                f"an entry of the product is {largest:.0f}: more than {out.dtype} holds exactly",
                "such matrices are not random, or deeper than what is proved",
            )
        out[at : at + _SLAB_ROWS] = slab


def _summed(left: Floats, right: Floats, depth: int) -> NDArray[Any]:
    total = np.zeros((len(left), len(right)), np.float64)
    for at in range(0, left.shape[1], depth):
        total += left[:, at : at + depth] @ right[:, at : at + depth].T
    return total
