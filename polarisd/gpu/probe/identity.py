"""What a GPU is: read once per life of this process."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

import pynvml

from polarisd.api import reading
from polarisd.api.gpu import Driver, Identity
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.probe.calls import Calls, explain, item, part, scaled

_ARCHITECTURES = {
    pynvml.NVML_DEVICE_ARCH_KEPLER: "kepler",
    pynvml.NVML_DEVICE_ARCH_MAXWELL: "maxwell",
    pynvml.NVML_DEVICE_ARCH_PASCAL: "pascal",
    pynvml.NVML_DEVICE_ARCH_VOLTA: "volta",
    pynvml.NVML_DEVICE_ARCH_TURING: "turing",
    pynvml.NVML_DEVICE_ARCH_AMPERE: "ampere",
    pynvml.NVML_DEVICE_ARCH_ADA: "ada",
    pynvml.NVML_DEVICE_ARCH_HOPPER: "hopper",
    pynvml.NVML_DEVICE_ARCH_BLACKWELL: "blackwell",
}

# Everything is kept by UUID, so what is none must not pass for one.
_UUID = re.compile("(GPU|MIG)-[!-~]{1,90}")


def system(function: str) -> Reading[Any]:
    """A call that needs no device."""
    try:
        return getattr(pynvml, function)()
    except pynvml.NVMLError as error:
        return explain(error)
    except pynvml.NVMLLibraryMismatchError:
        return Unknown(reading.DRIVER_TOO_OLD)


def read_driver() -> Driver:
    return Driver(
        state="ok",
        detail="",
        driver_version=system("nvmlSystemGetDriverVersion"),
        nvml_version=system("nvmlSystemGetNVMLVersion"),
        cuda_version=_cuda_version(system("nvmlSystemGetCudaDriverVersion_v2")),
    )


def read_uuid(calls: Calls, taken: Container[str]) -> Reading[str]:
    """The UUID by which everybody knows this device, if it is one and its own."""
    uuid = calls.read("nvmlDeviceGetUUID")
    if isinstance(uuid, Unknown):
        return uuid
    if not _UUID.fullmatch(uuid):
        return Unknown(reading.DRIVER_ERROR, f"{uuid!a:.100} is no UUID")
    if uuid in taken:
        return Unknown(reading.DRIVER_ERROR, f"another GPU has the same UUID {uuid}")
    return str(uuid)


def unread_identity(uuid: str, index: int) -> Identity:
    """All that is known of a GPU which does not answer what it is."""
    values: dict[str, Any] = dict.fromkeys(
        Identity.__dataclass_fields__, Unknown(reading.TIMED_OUT)
    )
    return Identity(**{**values, "uuid": uuid, "index": index})


def read_identity(calls: Calls, uuid: str, index: int) -> Identity:
    limits = calls.read("nvmlDeviceGetPowerManagementLimitConstraints")
    default_mw = calls.read("nvmlDeviceGetPowerManagementDefaultLimit")
    capability = calls.read("nvmlDeviceGetCudaComputeCapability")
    slowdown, shutdown = (
        calls.read("nvmlDeviceGetTemperatureThreshold", threshold)
        for threshold in (
            pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN,
            pynvml.NVML_TEMPERATURE_THRESHOLD_SHUTDOWN,
        )
    )
    return Identity(
        uuid=uuid,
        index=index,
        name=calls.read("nvmlDeviceGetName"),
        pci_bus_id=part(calls.read("nvmlDeviceGetPciInfo"), "busId"),
        serial=calls.read("nvmlDeviceGetSerial"),
        board_part=calls.read("nvmlDeviceGetBoardPartNumber"),
        vbios=calls.read("nvmlDeviceGetVbiosVersion"),
        architecture=_architecture(calls.read("nvmlDeviceGetArchitecture")),
        compute_capability=_dotted(capability),
        cuda_cores=calls.read("nvmlDeviceGetNumGpuCores"),
        memory_bus_bits=calls.read("nvmlDeviceGetMemoryBusWidth"),
        vram_bytes=part(read_memory(calls), "total"),
        pcie_max_generation=calls.read("nvmlDeviceGetMaxPcieLinkGeneration"),
        pcie_max_width=calls.read("nvmlDeviceGetMaxPcieLinkWidth"),
        power_limit_default_w=scaled(default_mw, 1e-3),
        power_limit_min_w=scaled(item(limits, 0), 1e-3),
        power_limit_max_w=scaled(item(limits, 1), 1e-3),
        sm_clock_max_mhz=calls.read("nvmlDeviceGetMaxClockInfo", pynvml.NVML_CLOCK_SM),
        memory_clock_max_mhz=calls.read("nvmlDeviceGetMaxClockInfo", pynvml.NVML_CLOCK_MEM),
        slowdown_temperature_c=slowdown,
        shutdown_temperature_c=shutdown,
        minor_number=calls.read("nvmlDeviceGetMinorNumber"),
        numa_node=calls.read("nvmlDeviceGetNumaNodeId"),
    )


def read_memory(calls: Calls) -> Reading[Any]:
    """The v2 struct, whose `used` leaves out what the driver reserves; else v1."""
    return calls.first(
        ("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2), ("nvmlDeviceGetMemoryInfo",)
    )


def _architecture(code: Reading[int]) -> Reading[str]:
    if isinstance(code, Unknown):
        return code
    return _ARCHITECTURES.get(code, f"architecture {code}")


def _dotted(capability: Reading[tuple[int, int]]) -> Reading[str]:
    if isinstance(capability, Unknown):
        return capability
    return f"{capability[0]}.{capability[1]}"


def _cuda_version(code: Reading[int]) -> Reading[str]:
    """NVML gives 1000 * major + 10 * minor."""
    if isinstance(code, Unknown):
        return code
    return f"{code // 1000}.{code % 1000 // 10}"
