"""Why a figure is lower than it was: what differs between the conditions of two.  Pure.

Only what was recorded on both sides is compared, and only what can slow that test:
a clock of the GPU says nothing about its link to the host.
"""

from __future__ import annotations

from polarisctl import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from polarisctl.render.readings import Record

NOT_VISIBLE = "cause not visible"
LINK_NOT_VISIBLE = "cause not visible: the PCIe link is not recorded, polarisctl gpus -v shows it"
LINK_TESTS = ("h2d_pinned", "d2h_pinned")
CLOCK_TESTS = (
    *("gemm_bf16", "gemm_fp16", "gemm_int8", "gemm_tf32", "gemm_fp32"),
    *("memory_copy", "memory_read", "int32_rate", "proof_compute"),
)
# Less than this is what two equal runs differ by.
LEAST_FALL = 0.02
LEAST_WARMER_C = 5.0
UNSTEADY = 0.1
_NO_CAUSE = ("idle",)
_THERMAL = ("sw_thermal", "hw_thermal")


def explain(now: Record, then: Record, run_now: Record, run_then: Record) -> str:
    """Why the figure `now` is below `then`, which is of the same test, in words."""
    test = values.text(now, "test") or ""
    found = [
        *_of_the_gpu(test, now, then),
        *_of_the_repeats(now, then),
        *_of_the_software(run_now, run_then),
    ]
    if found:
        return ", ".join(found)
    return LINK_NOT_VISIBLE if test in LINK_TESTS else NOT_VISIBLE


def _of_the_gpu(test: str, now: Record, then: Record) -> Iterator[str]:
    if test not in CLOCK_TESTS:
        return
    yield from _lower(now, then, "sm_clock_mhz", "SM clock", "MHz")
    yield from _lower(now, then, "memory_clock_mhz", "memory clock", "MHz")
    yield from _lower(now, then, "power_limit_w", "power limit", "W")
    reasons = new_reasons(now, then)
    yield from reasons
    if any(reason in _THERMAL for reason in reasons):
        warm, before = _temperature(now), _temperature(then)
        if warm is not None and before is not None and warm - before >= LEAST_WARMER_C:
            yield f"{warm:.0f} instead of {before:.0f} °C"


def _lower(now: Record, then: Record, key: str, name: str, unit: str) -> Iterator[str]:
    low = values.number(now, "conditions", key)
    before = values.number(then, "conditions", key)
    if low is not None and before is not None and before - low > LEAST_FALL * abs(before):
        yield f"{name} {low:.0f} instead of {before:.0f} {unit}"


def new_reasons(now: Record, then: Record) -> tuple[str, ...]:
    """Throttle reasons that hold now and did not then."""
    held = values.names(now, "conditions", "throttle")
    before = values.names(then, "conditions", "throttle")
    if held is None or before is None:
        return ()
    return tuple(name for name in held if name and name not in (*before, *_NO_CAUSE))


def _temperature(figure: Record) -> float | None:
    return values.number(figure, "conditions", "temperature_c")


def _of_the_repeats(now: Record, then: Record) -> Iterator[str]:
    """Something else was at work, on the GPU or beside it."""
    wide, before = values.number(now, "spread"), values.number(then, "spread")
    if wide is not None and before is not None and wide >= UNSTEADY and wide > 2 * abs(before):
        yield f"repeats {100 * wide:.0f} % apart instead of {100 * before:.0f} %"


def _of_the_software(now: Record, then: Record) -> Iterator[str]:
    yield from _other("driver", values.text(now, "driver_version"), _driver(then))
    names = values.get(now, "versions")
    for name in sorted(names) if isinstance(names, dict) else ():
        yield from _other(
            str(name), values.text(now, "versions", name), values.text(then, "versions", name)
        )


def _driver(run: Record) -> str | None:
    return values.text(run, "driver_version")


def _other(name: str, now: str | None, then: str | None) -> Iterator[str]:
    if now and then and now != then:
        yield f"{name} {now} instead of {then}"
