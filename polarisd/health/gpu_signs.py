"""Which faults hold on a GPU or its driver, from what was read.  Pure.

Each check says yes, or "cannot tell" (None) where its reading is Unknown: a
fault must not vanish because the card stopped answering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polarisd.api import reading
from polarisd.api.gpu import Driver, Gpu
from polarisd.api.reading import Reading, Unknown, known
from polarisd.health.board import Sign
from polarisd.health.catalogue import ERROR, NOTICE, RESET
from polarisd.health.xid import meaning_of

# A renter is promised a card at no less than this share of its default power.
_MIN_POWER_SHARE = 0.8
_BUSY_PERCENT = 50
# The link is read more rarely than the load; only readings of one moment belong together.
_SAME_MOMENT_S = 2.0

_DRIVER_FAULTS = {
    "absent": "driver_absent",
    "mismatched": "driver_mismatched",
    "forbidden": "driver_forbidden",
    "failed": "driver_failed",
    "starting": "driver_slow",
}
_STATE_FAULTS = {"lost": "gpu_lost", "silent": "gpu_silent", "missing": "gpu_missing"}
# What every GPU has and each driver tells of one that works; a mode may hide some.
_VITAL = ("temperature_c", "vram_used_bytes", "sm_clock_mhz")
_NOT_OFFERED = (reading.NOT_SUPPORTED, reading.DRIVER_TOO_OLD)
_LASTING = (*_NOT_OFFERED, reading.NO_PERMISSION)
_NOT_ASKED = (reading.NOT_READ_YET, reading.NO_DRIVER)
# Where the driver tells of damage; no answer there is no answer that all is well.
_TELLING = (
    "recovery_action",
    "row_remap_failed",
    "row_remap_pending",
    "retired_pages_pending",
    "ecc_uncorrected_volatile",
)
_NO_ANSWER = (reading.DRIVER_ERROR, reading.TIMED_OUT)
_RECOVERIES = {
    "reset": RESET,
    "reboot": "reboot the machine",
    "drain_p2p": "let running work end, then reset all GPUs together or reboot",
    "drain_and_reset": f"let running work end, then {RESET}",
}


@dataclass(frozen=True, slots=True)
class XidCount:
    """How often one XID was seen on one GPU since boot, or since it was forgotten."""

    gpu_uuid: str
    xid: int
    count: int
    last_at: float


def driver_signs(driver: Driver, gpus: Iterable[Gpu], no_events: str) -> Iterator[Sign]:
    code = _DRIVER_FAULTS.get(driver.state)
    if code:
        yield Sign(code, facts={"detail": driver.detail})
    if driver.state == "ok" and not any(True for _ in gpus):
        yield Sign("no_gpus")
    if driver.state != "ok":
        yield Sign("gpu_unreadable", holds=None)
    elif driver.detail:
        yield Sign("gpu_unreadable", facts={"detail": driver.detail})
    if no_events:
        yield Sign("xid_watch_unavailable", facts={"detail": no_events})


def gpu_signs(gpu: Gpu) -> Iterator[Sign]:
    yield from _state_signs(gpu)
    yield from _failing_sign(gpu)
    yield from _unreadable_sign(gpu)
    yield from _throttle_signs(gpu)
    yield from _memory_signs(gpu)
    yield from _setting_signs(gpu)


def xid_signs(counts: Iterable[XidCount]) -> Iterator[Sign]:
    for seen in counts:
        meaning = meaning_of(seen.xid)
        if meaning.severity == NOTICE:
            continue
        yield Sign(
            "xid_error" if meaning.severity == ERROR else "xid_warning",
            seen.gpu_uuid,
            key=str(seen.xid),
            facts={
                "xid": seen.xid,
                "meaning": meaning.meaning,
                "remedy": meaning.remedy,
                "times": "once" if seen.count == 1 else f"{seen.count} times",
            },
        )


def _state_signs(gpu: Gpu) -> Iterator[Sign]:
    code = _STATE_FAULTS.get(gpu.state)
    if gpu.state == "silent" and _was_not_asked(gpu):
        # The driver as a whole is down, or has only just started.
        yield Sign("gpu_silent", gpu.uuid, holds=None)
    elif code:
        yield Sign(code, gpu.uuid, facts={"pci": known(gpu.identity.pci_bus_id) or "unknown"})


def _was_not_asked(gpu: Gpu) -> bool:
    temperature = gpu.sample.temperature_c
    return isinstance(temperature, Unknown) and temperature.reason in _NOT_ASKED


def _failing_sign(gpu: Gpu) -> Iterator[Sign]:
    """A GPU that answers, but only with errors, is not known to work."""
    vital = [getattr(gpu.sample, name) for name in _VITAL]
    unknown = [value for value in vital if isinstance(value, Unknown)]
    errors = [why for why in unknown if why.reason not in _NOT_OFFERED]
    if gpu.state != "ok" or any(why.reason in _NOT_ASKED for why in errors):
        yield Sign("gpu_failing", gpu.uuid, holds=None)
    elif errors and len(unknown) == len(vital):
        yield Sign("gpu_failing", gpu.uuid, facts={"detail": _said(errors[0])})


def _unreadable_sign(gpu: Gpu) -> Iterator[Sign]:
    values = {name: getattr(gpu.condition, name) for name in _TELLING}
    unknown = {name: why for name, why in values.items() if isinstance(why, Unknown)}
    errors = {name: why for name, why in unknown.items() if why.reason in _NO_ANSWER}
    if gpu.state == "ok" and errors:
        facts = {"fields": ", ".join(errors), "detail": _said(next(iter(errors.values())))}
        yield Sign("condition_unreadable", gpu.uuid, facts=facts)
    elif gpu.state != "ok" or any(why.reason not in _LASTING for why in unknown.values()):
        yield Sign("condition_unreadable", gpu.uuid, holds=None)


def _said(why: Unknown) -> str:
    return why.detail or reading.REASONS.get(why.reason, why.reason)


def _throttle_signs(gpu: Gpu) -> Iterator[Sign]:
    reasons = gpu.sample.throttle
    temperature = known(gpu.sample.temperature_c)
    facts = {"temperature": "temperature unknown" if temperature is None else f"{temperature} °C"}

    def sign(code: str, holds: bool | None) -> Iterator[Sign]:
        if holds is not False:
            yield Sign(code, gpu.uuid, holds=holds, facts=facts)

    def has(name: str) -> bool | None:
        return None if isinstance(reasons, Unknown) else name in reasons

    thermal, brake = has("hw_thermal"), has("hw_power_brake")
    yield from sign("throttled_hw_thermal", thermal)
    yield from sign("throttled_power_brake", brake)
    yield from sign("throttled_sw_thermal", has("sw_thermal"))
    # The general bit is also set by the two particular ones.
    general = has("hw_slowdown")
    yield from sign("throttled_hw_slowdown", general and not (thermal or brake))


def _memory_signs(gpu: Gpu) -> Iterator[Sign]:
    condition = gpu.condition
    flags = (
        ("row_remap_failed", condition.row_remap_failed),
        ("row_remap_pending", condition.row_remap_pending),
        ("retired_pages_pending", condition.retired_pages_pending),
    )
    for code, value in flags:
        yield from _flag_sign(code, gpu.uuid, value)
    errors = condition.ecc_uncorrected_volatile
    if isinstance(errors, Unknown):
        yield Sign("ecc_uncorrected", gpu.uuid, holds=None)
    elif errors > 0:
        yield Sign("ecc_uncorrected", gpu.uuid, facts={"count": errors})
    action = condition.recovery_action
    if isinstance(action, Unknown):
        yield Sign("recovery_needed", gpu.uuid, holds=None)
    elif action != "none":
        remedy = _RECOVERIES.get(action, "reboot the machine")
        yield Sign("recovery_needed", gpu.uuid, facts={"action": action, "remedy": remedy})


def _setting_signs(gpu: Gpu) -> Iterator[Sign]:
    condition = gpu.condition
    limit_w, default_w = condition.power_limit_w, gpu.identity.power_limit_default_w
    if isinstance(limit_w, Unknown) or isinstance(default_w, Unknown):
        yield Sign("power_limit_low", gpu.uuid, holds=None)
    elif limit_w < _MIN_POWER_SHARE * default_w:
        facts = {
            "limit_w": limit_w,
            "default_w": default_w,
            "percent": 100 * limit_w / default_w,
        }
        yield Sign("power_limit_low", gpu.uuid, facts=facts)
    pending, current = condition.mig_mode_pending, condition.mig_mode
    if isinstance(pending, Unknown) or isinstance(current, Unknown):
        yield Sign("mig_mode_pending", gpu.uuid, holds=None)
    elif pending != current:
        yield Sign("mig_mode_pending", gpu.uuid)
    yield from _pcie_sign(gpu)


def _pcie_sign(gpu: Gpu) -> Iterator[Sign]:
    """Only under load: an idle card lowers its link to save power."""
    generation, width = known(gpu.condition.pcie_generation), known(gpu.condition.pcie_width)
    best, widest = known(gpu.identity.pcie_max_generation), known(gpu.identity.pcie_max_width)
    busy = known(gpu.sample.utilisation_percent)
    if generation is None or width is None or best is None or widest is None or busy is None:
        yield Sign("pcie_link_reduced", gpu.uuid, holds=None)
        return
    apart_s = abs(gpu.sample.read_at - gpu.condition.read_at)
    if busy < _BUSY_PERCENT or apart_s > _SAME_MOMENT_S:
        yield Sign("pcie_link_reduced", gpu.uuid, holds=None)
    elif generation < best or width < widest:
        facts = {
            "generation": generation,
            "width": width,
            "max_generation": best,
            "max_width": widest,
        }
        yield Sign("pcie_link_reduced", gpu.uuid, facts=facts)


def _flag_sign(code: str, uuid: str, value: Reading[bool]) -> Iterator[Sign]:
    if isinstance(value, Unknown):
        yield Sign(code, uuid, holds=None)
    elif value:
        yield Sign(code, uuid)
