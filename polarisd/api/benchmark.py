"""A benchmark of one GPU: its figures, the conditions they were taken under, its progress.

All of it is self-reported: the host measured itself.  What a validator measured is
a proof's verdict, and another type.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.api.reading import Reading

# What ran the tests.  Only the first is a GPU.
CUPY, HOST, NUMPY = "cupy", "host", "numpy"
BACKENDS = (CUPY, HOST, NUMPY)

# The tests, in the order in which they run and are shown.
TESTS = (
    "gemm_bf16",
    "gemm_fp16",
    "gemm_int8",
    "gemm_tf32",
    "gemm_fp32",
    "memory_copy",
    "memory_read",
    "h2d_pinned",
    "d2h_pinned",
    "vram_capacity",
    "int32_rate",
    "proof_compute",
)

# How a run came to its end.
COMPLETED, CANCELLED, FAILED, DEADLINE = "completed", "cancelled", "failed", "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What NVML saw of the GPU while one figure was taken; `samples` readings of it."""

    samples: int
    sm_clock_mhz: Reading[float]
    memory_clock_mhz: Reading[float]
    power_w: Reading[float]
    power_limit_w: Reading[float]
    temperature_c: Reading[float]
    throttle: Reading[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One test's outcome.  `value` is the median of `repeats`, in `unit`: `op/s`,
    `byte/s` or `byte`; `spread` is (max - min) / median.  `detail` says in words what
    was run, such as the shape of a product."""

    test: str
    value: Reading[float]
    unit: str
    repeats: int
    spread: Reading[float]
    started_at: float
    ended_at: float
    detail: str
    conditions: Conditions
    peak: Reading[float]
    good: Reading[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All figures of one GPU from one benchmark.  `gpu_uuid` is empty, and `gpu_name`
    names the processor, when the backend is no GPU.  `outcome` is empty while it runs;
    `problem` and `remedy` say why it failed.  `versions` are those of CuPy, cuBLAS, ..."""

    run: int
    gpu_uuid: str
    gpu_name: str
    backend: str
    quick: bool
    started_at: float
    ended_at: Reading[float]
    outcome: str
    problem: str
    remedy: str
    driver_version: Reading[str]
    versions: dict[str, str]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of a benchmark that runs now: `share` of the work is done, 0 to 1; `test` runs."""

    run: int
    gpu_uuid: str
    backend: str
    test: str
    share: float
    started_at: float
