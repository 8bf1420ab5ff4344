"""Records of benchmarks with known values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from polarisd.api.benchmark import COMPLETED, Conditions, Figure, Progress, Run
from polarisd.api.reading import NOT_KNOWN, Unknown
from tests.unit.ctl_samples import NOW, uuid_of


def conditions(**changes: Any) -> Conditions:
    base = Conditions(
        samples=14,
        sm_clock_mhz=1755.0,
        memory_clock_mhz=2619.0,
        power_w=688.4,
        power_limit_w=700.0,
        temperature_c=64.0,
        throttle=("sw_power_cap",),
    )
    return replace(base, **changes)


def figure(test: str = "gemm_bf16", **changes: Any) -> Figure:
    base = Figure(
        test=test,
        value=7.61e14,
        unit="op/s",
        repeats=21,
        spread=0.012,
        started_at=NOW - 8,
        ended_at=NOW - 5.5,
        detail="8192 x 8192 x 8192, random operands, sums in fp32",
        conditions=conditions(),
        peak=9.894e14,
        good=Unknown(NOT_KNOWN, "the reference of H100 SXM has none"),
    )
    return replace(base, **changes)


def bench_run(number: int = 7, **changes: Any) -> Run:
    base = Run(
        run=number,
        gpu_uuid=uuid_of(0),
        gpu_name="NVIDIA H100 80GB HBM3",
        backend="cupy",
        quick=True,
        started_at=NOW - 10,
        ended_at=NOW - 5,
        outcome=COMPLETED,
        problem="",
        remedy="",
        driver_version="570.86.15",
        versions={"cupy": "14.2.0", "cublas": "12.9.2"},
        figures=(figure(),),
    )
    return replace(base, **changes)


def progress(**changes: Any) -> Progress:
    base = Progress(
        run=8,
        gpu_uuid=uuid_of(0),
        backend="cupy",
        test="gemm_int8",
        share=0.25,
        started_at=NOW - 3,
    )
    return replace(base, **changes)
