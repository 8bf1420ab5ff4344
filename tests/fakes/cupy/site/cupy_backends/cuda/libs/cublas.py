"""The fake cuBLAS."""

from __future__ import annotations

from cupy._gemm import CUBLASError
from cupy._gemm import gemm_ex as _gemm_ex
from cupy._machine import MACHINE

__all__ = ["CUBLASError"]

if MACHINE.script.get("no_cublas"):
    raise ImportError('Failure finding "libcublasLt.so.13 or libcublasLt.so.12"')

CUBLAS_OP_N = 0
CUBLAS_OP_T = 1
CUBLAS_COMPUTE_32F = 68
CUBLAS_COMPUTE_32I = 72
CUBLAS_COMPUTE_32F_FAST_TF32 = 77
CUBLAS_GEMM_DEFAULT = -1


def getVersion(handle: int) -> int:
    return 120902


def gemmEx(
    handle: int,
    transa: int,
    transb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    A: int,
    Atype: int,
    lda: int,
    B: int,
    Btype: int,
    ldb: int,
    beta: int,
    C: int,
    Ctype: int,
    ldc: int,
    computeType: int,
    algo: int,
) -> None:
    MACHINE.check()
    if isinstance(status := MACHINE.script.get("gemm"), int):
        raise CUBLASError(status)
    _gemm_ex(
        (transa, transb),
        (m, n, k),
        (alpha, beta),
        (A, Atype, lda),
        (B, Btype, ldb),
        (C, Ctype, ldc),
        computeType,
    )
