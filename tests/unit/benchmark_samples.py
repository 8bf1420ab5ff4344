"""For the tests of `polarisctl benchmark`: runs and their figures, as a daemon sends them."""

from __future__ import annotations

from typing import Any

from polarisd.api.benchmark import Conditions, Figure, Progress, Run
from polarisd.api.encode import to_wire
from polarisd.api.reading import NOT_KNOWN, NOT_SUPPORTED, Unknown
from tests.unit.ctl_samples import GIB, NOW, uuid_of

T, G = 1e12, 1e9
# Value, unit, peak and good: roughly those of a healthy H100.
H100: dict[str, tuple[float, str, float, float | None]] = {
    "gemm_bf16": (770.6 * T, "op/s", 989.4 * T, 794.5 * T),
    "gemm_fp16": (752.1 * T, "op/s", 989.4 * T, None),
    "gemm_int8": (1389.0 * T, "op/s", 1978.9 * T, None),
    "gemm_tf32": (391.2 * T, "op/s", 494.7 * T, None),
    "gemm_fp32": (51.9 * T, "op/s", 66.9 * T, None),
    "memory_copy": (2.998 * T, "byte/s", 3.352 * T, 3.0 * T),
    "memory_read": (3.05 * T, "byte/s", 3.352 * T, None),
    "h2d_pinned": (55.3 * G, "byte/s", 63.015 * G, 55.6 * G),
    "d2h_pinned": (54.9 * G, "byte/s", 63.015 * G, None),
    "vram_capacity": (78.9 * GIB, "byte", 80.0 * GIB, None),
    "int32_rate": (29.1 * T, "op/s", 0.0, None),
}
NO_GPU = Unknown(NOT_SUPPORTED, "no GPU took part")
NO_REFERENCE = Unknown(NOT_KNOWN, "the reference of H100 SXM has none")


def conditions(**changes: Any) -> Conditions:
    base: dict[str, Any] = {
        "samples": 12,
        "sm_clock_mhz": 1755.0,
        "memory_clock_mhz": 2619.0,
        "power_w": 688.4,
        "power_limit_w": 700.0,
        "temperature_c": 64.0,
        "throttle": ("sw_power_cap",),
    }
    return Conditions(**{**base, **changes})


def figure(test: str = "gemm_bf16", **changes: Any) -> Figure:
    value, unit, peak, good = H100.get(test, (1.0 * T, "op/s", 0.0, None))
    base: dict[str, Any] = {
        "test": test,
        "value": value,
        "unit": unit,
        "repeats": 20,
        "spread": 0.012,
        "started_at": NOW - 90,
        "ended_at": NOW - 80,
        "detail": "8192 x 8192 x 8192",
        "conditions": conditions(),
        "peak": peak or NO_REFERENCE,
        "good": NO_REFERENCE if good is None else good,
    }
    return Figure(**{**base, **changes})


def figures(slowed: float = 1.0, **seen: Any) -> tuple[Figure, ...]:
    """All of a healthy H100, times `slowed`, under the conditions given."""
    return (
        *(
            figure(test, value=value * slowed, conditions=conditions(**seen))
            for test, (value, *_) in H100.items()
        ),
        figure(
            "proof_compute",
            value=Unknown(NOT_SUPPORTED, "not in this version"),
            spread=Unknown(NOT_SUPPORTED),
            repeats=0,
        ),
    )


def run(number: int = 7, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "run": number,
        "gpu_uuid": uuid_of(0),
        "gpu_name": "NVIDIA H100 80GB HBM3",
        "backend": "cupy",
        "quick": False,
        "started_at": NOW - 95 - 86400 * (7 - number),
        "ended_at": NOW - 86400 * (7 - number),
        "outcome": "completed",
        "problem": "",
        "remedy": "",
        "driver_version": "570.86.15",
        "versions": {"cupy": "14.2.0", "cublas": "12.9.2"},
        "figures": figures(),
    }
    wired = to_wire(Run(**{**base, **changes}))
    assert isinstance(wired, dict)
    return wired


def on_the_processor(number: int = 7, backend: str = "numpy", **changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("sm_clock_mhz", "memory_clock_mhz", "power_w", "power_limit_w", "temperature_c"), NO_GPU
    )
    seen = Conditions(samples=0, throttle=NO_GPU, **nothing)
    none = Unknown(NOT_KNOWN, "there is no reference of AMD EPYC 9654")
    made = (
        figure("gemm_bf16", value=51.2 * G, peak=none, good=none, conditions=seen),
        figure("memory_copy", value=18.4 * G, peak=none, good=none, conditions=seen),
    )
    base: dict[str, Any] = {"gpu_uuid": "", "gpu_name": "AMD EPYC 9654", "backend": backend}
    base |= {"figures": made, "driver_version": NO_GPU, "versions": {"numpy": "2.3.1"}}
    return run(number, **{**base, **changes})


def progress(number: int = 7, **changes: Any) -> Progress:
    base: dict[str, Any] = {
        "run": number,
        "gpu_uuid": uuid_of(0),
        "backend": "cupy",
        "test": "gemm_bf16",
        "share": 0.25,
        "started_at": NOW - 20,
    }
    return Progress(**{**base, **changes})
