"""The fast tier: seven driver calls a GPU, none of which blocks.

`nvmlDeviceGetPcieThroughput` is left out on purpose: it sleeps 20 ms a counter.
The byte counters among the field values say the same for free.
"""

from __future__ import annotations

import time
from typing import Any

import pynvml

from polarisd.api import reading
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.probe.calls import Calls, part
from polarisd.gpu.probe.fieldvalues import ALL_LINKS, read_fields
from polarisd.gpu.probe.identity import read_memory
from polarisd.gpu.raw import RawSample

_FIELDS = (
    pynvml.NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
    pynvml.NVML_FI_DEV_POWER_AVERAGE,
    pynvml.NVML_FI_DEV_POWER_INSTANT,
    pynvml.NVML_FI_DEV_MEMORY_TEMP,
    pynvml.NVML_FI_DEV_PCIE_COUNT_TX_BYTES,
    pynvml.NVML_FI_DEV_PCIE_COUNT_RX_BYTES,
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ALL_LINKS),
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ALL_LINKS),
)


def read_sample(calls: Calls) -> RawSample:
    memory = read_memory(calls)
    utilisation = calls.read("nvmlDeviceGetUtilizationRates")
    energy, *powers, memory_temperature, pcie_tx, pcie_rx, nvlink_tx, nvlink_rx = read_fields(
        calls, _FIELDS
    )
    return RawSample(
        read_s=time.monotonic(),
        read_at=time.time(),
        utilisation_percent=part(utilisation, "gpu"),
        memory_busy_percent=part(utilisation, "memory"),
        vram_used_bytes=part(memory, "used"),
        vram_free_bytes=part(memory, "free"),
        vram_reserved_bytes=_reserved(memory),
        temperature_c=calls.read("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU),
        memory_temperature_c=memory_temperature,
        sm_clock_mhz=calls.read("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_SM),
        memory_clock_mhz=calls.read("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_MEM),
        throttle_mask=calls.first(
            ("nvmlDeviceGetCurrentClocksEventReasons",),
            ("nvmlDeviceGetCurrentClocksThrottleReasons",),
        ),
        power_mw=_power(calls, *powers),
        energy_mj=energy,
        pcie_tx_bytes=pcie_tx,
        pcie_rx_bytes=pcie_rx,
        nvlink_tx_kib=nvlink_tx,
        nvlink_rx_kib=nvlink_rx,
    )


def _power(calls: Calls, average: Reading[int], instant: Reading[int]) -> Reading[int]:
    """Cards before Ampere, and GA100, have no average; drivers before 525 neither field."""
    if not isinstance(average, Unknown):
        return average
    if not isinstance(instant, Unknown):
        return instant
    return calls.read("nvmlDeviceGetPowerUsage")


def _reserved(memory: Reading[Any]) -> Reading[int]:
    """Only the v2 struct tells it."""
    if isinstance(memory, Unknown):
        return memory
    return getattr(memory, "reserved", Unknown(reading.DRIVER_TOO_OLD))
