"""A stand-in for nvidia-smi that knows `--query-gpu=... --format=csv,noheader,nounits`.

It asks NVML by itself (the fake one, in a test's environment) and prints as nvidia-smi
does: units left out, MiB and hundredths of a watt, [N/A] for what the card lacks.
`FAKE_SMI_REFUSES` names a field that it is too old to know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pynvml as nvml

Query = Callable[[Any], Any]


def install(directory: Path, repository: Path) -> None:
    """Put it into a directory of PATH as `nvidia-smi`."""
    script = directory / "nvidia-smi"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH={repository} exec {sys.executable} -m tests.fakes.nvidia_smi "$@"\n'
    )
    script.chmod(0o755)


def main(arguments: list[str]) -> int:
    names = arguments[0].removeprefix("--query-gpu=").split(",")
    refused = os.environ.get("FAKE_SMI_REFUSES", "")
    for name in names:
        if name == refused or name not in FIELDS:
            sys.stdout.write(f'Field "{name}" is not a valid field to query.\n')
            return 2
    nvml.nvmlInit()
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        sys.stdout.write(", ".join(_answer(FIELDS[name], handle) for name in names) + "\n")
    return 0


def _answer(query: Query, handle: Any) -> str:
    try:
        return str(query(handle))
    except nvml.NVMLError_NotSupported:
        return "[N/A]"
    except nvml.NVMLError_GpuIsLost:
        return "[GPU is lost]"


def _call(function: str, *args: Any, item: int | None = None) -> Query:
    """The result of an NVML function on the device, or one item of it."""

    def query(handle: Any) -> Any:
        value = getattr(nvml, function)(handle, *args)
        return value if item is None else value[item]

    return query


def _watts(function: str, item: int | None = None) -> Query:
    query = _call(function, item=item)
    return lambda handle: f"{query(handle) / 1000:.2f}"


def _named(query: Query, names: Sequence[str]) -> Query:
    return lambda handle: names[query(handle)]


def _memory(part: str) -> Query:
    query = _call("nvmlDeviceGetMemoryInfo", nvml.nvmlMemory_v2)
    return lambda handle: getattr(query(handle), part) >> 20


def _use(part: str) -> Query:
    query = _call("nvmlDeviceGetUtilizationRates")
    return lambda handle: getattr(query(handle), part)


def _field(number: int) -> Query:
    query = _call("nvmlDeviceGetFieldValues", [number], item=0)

    def value(handle: Any) -> Any:
        answer = query(handle)
        if answer.nvmlReturn != nvml.NVML_SUCCESS:
            raise nvml.NVMLError(answer.nvmlReturn)
        return answer.value.uiVal

    return value


def _capability(handle: Any) -> str:
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    return f"{major}.{minor}"


_SWITCH = ("Disabled", "Enabled")
_MODES = ("Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process")
_ECC = {
    f"ecc.errors.{kind_name}.{span_name}.total": _call("nvmlDeviceGetTotalEccErrors", kind, span)
    for kind, kind_name in enumerate(("corrected", "uncorrected"))
    for span, span_name in enumerate(("volatile", "aggregate"))
}
FIELDS: dict[str, Query] = {
    "uuid": _call("nvmlDeviceGetUUID"),
    "driver_version": lambda _: nvml.nvmlSystemGetDriverVersion(),
    "index": _call("nvmlDeviceGetIndex"),
    "name": _call("nvmlDeviceGetName"),
    "pci.bus_id": lambda handle: nvml.nvmlDeviceGetPciInfo(handle).busId,
    "serial": _call("nvmlDeviceGetSerial"),
    "vbios_version": _call("nvmlDeviceGetVbiosVersion"),
    "compute_cap": _capability,
    "memory.total": _memory("total"),
    "memory.used": _memory("used"),
    "memory.free": _memory("free"),
    "memory.reserved": _memory("reserved"),
    "pcie.link.gen.max": _call("nvmlDeviceGetMaxPcieLinkGeneration"),
    "pcie.link.width.max": _call("nvmlDeviceGetMaxPcieLinkWidth"),
    "pcie.link.gen.current": _call("nvmlDeviceGetCurrPcieLinkGeneration"),
    "pcie.link.width.current": _call("nvmlDeviceGetCurrPcieLinkWidth"),
    "power.default_limit": _watts("nvmlDeviceGetPowerManagementDefaultLimit"),
    "power.min_limit": _watts("nvmlDeviceGetPowerManagementLimitConstraints", 0),
    "power.max_limit": _watts("nvmlDeviceGetPowerManagementLimitConstraints", 1),
    "enforced.power.limit": _watts("nvmlDeviceGetEnforcedPowerLimit"),
    "power.draw": _watts("nvmlDeviceGetPowerUsage"),
    "clocks.max.sm": _call("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM),
    "clocks.max.memory": _call("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_MEM),
    "clocks.sm": _call("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
    "clocks.mem": _call("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM),
    "persistence_mode": _named(_call("nvmlDeviceGetPersistenceMode"), _SWITCH),
    "compute_mode": _named(_call("nvmlDeviceGetComputeMode"), _MODES),
    "ecc.mode.current": _named(_call("nvmlDeviceGetEccMode", item=0), _SWITCH),
    "ecc.mode.pending": _named(_call("nvmlDeviceGetEccMode", item=1), _SWITCH),
    "mig.mode.current": _named(_call("nvmlDeviceGetMigMode", item=0), _SWITCH),
    "mig.mode.pending": _named(_call("nvmlDeviceGetMigMode", item=1), _SWITCH),
    "retired_pages.pending": _named(_call("nvmlDeviceGetRetiredPagesPendingStatus"), ("No", "Yes")),
    "pstate": lambda handle: f"P{nvml.nvmlDeviceGetPerformanceState(handle)}",
    "fan.speed": _call("nvmlDeviceGetFanSpeed"),
    "utilization.gpu": _use("gpu"),
    "utilization.memory": _use("memory"),
    "temperature.gpu": _call("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
    "temperature.memory": _field(nvml.NVML_FI_DEV_MEMORY_TEMP),
    "clocks_event_reasons.active": lambda handle: (
        f"0x{nvml.nvmlDeviceGetCurrentClocksEventReasons(handle):016x}"
    ),
    **_ECC,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
