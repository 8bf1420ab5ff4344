"""Whether a device computes right: everything that it can do, once and small, beside NumPy.

For the job "check", and before each benchmark: a GPU that computes wrongly has no figures.
"""

from __future__ import annotations

import numpy as np

from polarisd.bench.worker.device import (
    BLOCK_WORDS,
    LINE_WORDS,
    NOT_SUPPORTED,
    OPERAND_KINDS,
    WRONG_ANSWER,
    Array,
    Device,
    DeviceError,
    Kind,
    Operand,
)
from polarisd.bench.worker.numpy_device import NumpyDevice
from polarisd.bench.worker.products import WRONG_HINT, lacking

_OPERANDS: tuple[Operand, ...] = ("bf16", "fp16", "int8")
_KEYS = ((0x0123456789ABCDEF, 0xFEDCBA9876543210), (0xD1B54A32D192ED03, 0x2545F4914F6CDD1D))
# More rows than warps in a block, and no powers of two beside one.
_ROWS, _COLUMNS, _DEPTH = 80, 128, 256
_BLOCKS = 3
_COST = 5
_WALKERS, _STEPS = 70, 9


def verify(device: Device) -> None:
    """Raises DeviceError: an answer is wrong, or there is none.

    Not every GPU multiplies every type; one of them it must.
    """
    reference = NumpyDevice()
    _compare(_memory(device), _memory(reference))
    capability, multiplied = device.describe().compute_capability, 0
    for operand in _OPERANDS:
        if lacking(operand, capability):
            continue
        try:
            found = _product(device, operand)
        except DeviceError as error:
            if error.code != NOT_SUPPORTED:
                raise
            continue
        _compare(found, _product(reference, operand))
        multiplied += 1
    if not multiplied:
        raise DeviceError(NOT_SUPPORTED, "this GPU multiplies no type of matrix that is known here")


def _compare(found: dict[str, Array], right: dict[str, Array]) -> None:
    for name, answer in found.items():
        wrong = int(np.count_nonzero(answer != right[name]))
        if wrong:
            raise DeviceError(
                WRONG_ANSWER,
                f"{name}: {wrong} of {answer.size} entries differ from NumPy's",
                WRONG_HINT,
            )


def _product(device: Device, operand: Operand) -> dict[str, Array]:
    kind = OPERAND_KINDS[operand]
    kind_of_c: Kind = "i32" if operand == "int8" else "f32"
    a, bt = device.empty(_ROWS * _DEPTH, kind), device.empty(_COLUMNS * _DEPTH, kind)
    for number, matrix in enumerate((a, bt)):
        device.generate(matrix, operand, _KEYS[number], 7, matrix.nbytes // 8)
    c, leaves = device.empty(_ROWS * _COLUMNS, kind_of_c), device.empty(_ROWS, "u64")
    device.gemm(operand, a, bt, c, _ROWS, _COLUMNS, _DEPTH)
    device.digest_rows(c, leaves, _ROWS, _COLUMNS, _KEYS[0])
    return {
        f"the {operand} generator": device.to_host(a),
        f"the {operand} product": device.to_host(c),
        f"the digest of a {operand} product": device.to_host(leaves),
    }


def _memory(device: Device) -> dict[str, Array]:
    words = _BLOCKS * BLOCK_WORDS
    memory, leaves = device.empty(words, "u64"), device.empty(_BLOCKS, "u64")
    states = device.empty(_WALKERS, "u64")
    device.fill(memory, 11, words, _KEYS[0], _COST)
    device.digest_blocks(memory, 0, _BLOCKS, leaves, _KEYS[1])
    device.walk(memory, words // LINE_WORDS, states, _WALKERS, _STEPS, _KEYS[1])
    return {
        "the fill": device.to_host(memory),
        "the digest of memory": device.to_host(leaves),
        "the walk": device.to_host(states),
    }
