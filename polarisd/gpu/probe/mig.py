"""The slices of a GPU in MIG mode."""

from __future__ import annotations

from typing import Any

import pynvml

from polarisd.api.gpu import MigDevice
from polarisd.api.reading import Unknown
from polarisd.gpu.probe.calls import Calls, part
from polarisd.gpu.probe.identity import read_memory, read_uuid
from polarisd.gpu.probe.processes import read_processes


def read_mig_devices(calls: Calls) -> tuple[MigDevice, ...]:
    """Those that exist now; an index between two of them may be empty."""
    count = calls.read("nvmlDeviceGetMaxMigDeviceCount")
    if isinstance(count, Unknown):
        return ()
    found = []
    for index in range(count):
        handle = calls.read("nvmlDeviceGetMigDeviceHandleByIndex", index)
        if not isinstance(handle, Unknown):
            found.append(_read(Calls(handle), index))
    return tuple(device for device in found if device is not None)


def _read(calls: Calls, index: int) -> MigDevice | None:
    uuid = read_uuid(calls, taken=())
    if isinstance(uuid, Unknown):
        return None  # destroyed between the two calls
    memory = read_memory(calls)
    attributes: Any = calls.read("nvmlDeviceGetAttributes_v2")
    return MigDevice(
        uuid=uuid,
        index=index,
        name=calls.read("nvmlDeviceGetName"),
        gpu_instance=calls.read("nvmlDeviceGetGpuInstanceId"),
        compute_instance=calls.read("nvmlDeviceGetComputeInstanceId"),
        multiprocessors=part(attributes, "multiprocessorCount"),
        vram_bytes=part(memory, "total"),
        vram_used_bytes=part(memory, "used"),
        processes=read_processes(calls),
    )


def in_mig_mode(calls: Calls) -> bool:
    mode = calls.read("nvmlDeviceGetMigMode")
    return not isinstance(mode, Unknown) and bool(mode[0] == pynvml.NVML_DEVICE_MIG_ENABLE)
