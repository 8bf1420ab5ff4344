"""cublasGemmEx on raw pointers: exact, by cuBLAS's rules for types, layout and alignment."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ._machine import MACHINE

R_32F, R_16F, R_8I, R_32I, R_16BF = 0, 2, 3, 10, 14
COMPUTE_32F, COMPUTE_32I, COMPUTE_TF32 = 68, 72, 77
NOT_INITIALIZED, INVALID_VALUE, NOT_SUPPORTED = 1, 7, 15
OP_N, OP_T = 0, 1

_STORED = {R_32F: np.float32, R_16F: np.float16, R_8I: np.int8, R_32I: np.int32, R_16BF: np.uint16}
# type of A and B, type of C, how it is computed: those of cuBLAS's table that are used
_COMBINATIONS = {
    (R_16BF, R_32F, COMPUTE_32F): np.float32,
    (R_16F, R_32F, COMPUTE_32F): np.float32,
    (R_32F, R_32F, COMPUTE_32F): np.float32,
    (R_32F, R_32F, COMPUTE_TF32): np.float32,
    (R_8I, R_32I, COMPUTE_32I): np.int32,
}


class CUBLASError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        texts = {NOT_INITIALIZED: "NOT_INITIALIZED", INVALID_VALUE: "INVALID_VALUE"}
        super().__init__(f"CUBLAS_STATUS_{texts.get(status, 'NOT_SUPPORTED')}")


def gemm_ex(
    ways: tuple[int, int],
    shape: tuple[int, int, int],
    scales: tuple[int, int],
    left: tuple[int, int, int],
    right: tuple[int, int, int],
    out: tuple[int, int, int],
    compute: int,
) -> None:
    """C = alpha op(A) op(B) + beta C, by columns; `left`, `right` and `out` are address,
    type and leading dimension."""
    m, n, k = shape
    stored = left[1]
    scalar = _COMBINATIONS.get((stored, out[1], compute))
    if scalar is None or stored != right[1]:
        raise CUBLASError(NOT_SUPPORTED)
    if stored == R_16BF and MACHINE.capability < (8, 0):
        raise CUBLASError(NOT_SUPPORTED)
    if stored == R_8I and any(ld % 4 or address % 4 for address, _, ld in (left, right)):
        raise CUBLASError(NOT_SUPPORTED)
    if min(shape) < 1 or out[2] < m:
        raise CUBLASError(INVALID_VALUE)
    a = _operand(left, ways[0] == OP_T, m, k, compute)
    b = _operand(right, ways[1] == OP_N, n, k, compute)
    alpha, beta = (_view(scale, 1, scalar)[0] for scale in scales)
    # In memory, C by columns is Ct by rows: n rows of ldc entries, of which m count.
    c = _view(out[0], n * out[2], _STORED[out[1]]).reshape(n, out[2])[:, :m]
    product = float(alpha) * (b @ a.T)
    if beta:
        product += float(beta) * c
    c[...] = product.astype(c.dtype)
    if MACHINE.script.get("gemm") == "wrong":
        c[n // 2, m // 2] += 1


def _operand(given: tuple[int, int, int], by_rows: bool, rows: int, k: int, compute: int) -> Any:
    """rows x k, as float64, in which every product here is exact."""
    address, stored, ld = given
    if ld < (k if by_rows else rows):
        raise CUBLASError(INVALID_VALUE)
    lines = rows if by_rows else k
    raw = _view(address, lines * ld, _STORED[stored]).reshape(lines, ld)
    raw = raw[:, :k] if by_rows else raw[:, :rows].T
    if stored == R_16BF:
        raw = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if compute == COMPUTE_TF32:
        bits = np.ascontiguousarray(raw).view(np.uint32) + np.uint32(0x1000)
        raw = (bits & np.uint32(0xFFFFE000)).view(np.float32)
    return raw.astype(np.float64)


def _view(address: int, count: int, dtype: Any) -> Any:
    nbytes = count * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_char * nbytes).from_address(address), dtype)
