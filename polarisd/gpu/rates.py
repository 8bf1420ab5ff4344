"""Counters to rates, and NVML's units and masks to ours.  Pure."""

from __future__ import annotations

from collections.abc import Callable

from polarisd.api import reading
from polarisd.api.gpu import Sample
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.raw import RawSample

# nvmlClocksEventReasons: bit -> the name we use everywhere
THROTTLE_REASONS = {
    0x001: "idle",
    0x002: "application_clocks",
    0x004: "sw_power_cap",
    0x008: "hw_slowdown",
    0x010: "sync_boost",
    0x020: "sw_thermal",
    0x040: "hw_thermal",
    0x080: "hw_power_brake",
    0x100: "display_clocks",
}

_KIB = 1024


def to_sample(before: RawSample | None, now: RawSample) -> Sample:
    """What the daemon publishes, from this raw sample and the one before it."""

    def rate(counter: Callable[[RawSample], Reading[int]], unit: int = 1) -> Reading[float]:
        return counter_rate(before, now, counter, unit)

    return Sample(
        read_at=now.read_at,
        utilisation_percent=now.utilisation_percent,
        memory_busy_percent=now.memory_busy_percent,
        vram_used_bytes=now.vram_used_bytes,
        vram_free_bytes=now.vram_free_bytes,
        vram_reserved_bytes=now.vram_reserved_bytes,
        power_w=mean_power_w(before, now),
        energy_j=_scaled(now.energy_mj, 1e-3),
        temperature_c=now.temperature_c,
        memory_temperature_c=now.memory_temperature_c,
        sm_clock_mhz=now.sm_clock_mhz,
        memory_clock_mhz=now.memory_clock_mhz,
        throttle=throttle_names(now.throttle_mask),
        pcie_tx_bps=rate(lambda s: s.pcie_tx_bytes),
        pcie_rx_bps=rate(lambda s: s.pcie_rx_bytes),
        nvlink_tx_bps=rate(lambda s: s.nvlink_tx_kib, _KIB),
        nvlink_rx_bps=rate(lambda s: s.nvlink_rx_kib, _KIB),
    )


def unread_sample(reason: str, at: float, detail: str = "") -> Sample:
    """A sample of a GPU that could not be read at all."""
    why = Unknown(reason, detail)
    values = {name: why for name in Sample.__dataclass_fields__ if name != "read_at"}
    return Sample(read_at=at, **values)


def counter_rate(
    before: RawSample | None,
    now: RawSample,
    counter: Callable[[RawSample], Reading[int]],
    unit: int,
) -> Reading[float]:
    """Units a second, or Unknown for the first sample and across a counter's wrap.

    The driver's byte counters are 32 bits wide on some cards: a wrap is seen as
    a step backwards, and skipped rather than guessed.
    """
    current = counter(now)
    if isinstance(current, Unknown):
        return current
    previous = Unknown(reading.NOT_READ_YET) if before is None else counter(before)
    if isinstance(previous, Unknown):
        return Unknown(reading.NOT_READ_YET)
    assert before is not None
    elapsed_s = now.read_s - before.read_s
    if elapsed_s <= 0 or current < previous:
        return Unknown(reading.NOT_READ_YET, "the counter was reset or wrapped")
    return (current - previous) * unit / elapsed_s


def mean_power_w(before: RawSample | None, now: RawSample) -> Reading[float]:
    """Mean power between two samples from the energy counter, else the driver's own.

    The counter moves in steps of some 10 ms, so over short spans (a burst) its
    mean would jump about; there the driver's average is the better figure.
    """
    if before is None or now.read_s - before.read_s < 0.5:
        return _scaled(now.power_mw, 1e-3)
    mean = counter_rate(before, now, lambda s: s.energy_mj, 1)
    # No card draws nothing: a counter that stands still is not counting.
    return _scaled(now.power_mw if isinstance(mean, Unknown) or mean == 0 else mean, 1e-3)


def throttle_names(mask: Reading[int]) -> Reading[tuple[str, ...]]:
    if isinstance(mask, Unknown):
        return mask
    return tuple(name for bit, name in THROTTLE_REASONS.items() if mask & bit)


def _scaled(value: Reading[int] | Reading[float], factor: float) -> Reading[float]:
    return value if isinstance(value, Unknown) else value * factor
