"""The driver and the GPUs as NVML shows them, out of polarisd's maps.  Pure.

Made by `gather.nvml` from the daemon's snapshot, or from `polarisd --probe` when
there is no daemon to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from polarisctl.doctor.driver import KernelDriver
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown
from polarisd.api.reading import READ_ERROR, Reading, Unknown

T = TypeVar("T", str, int, bool)


@dataclass(frozen=True, slots=True)
class NvmlGpu:
    """`state` is ok, lost, silent or missing."""

    uuid: str
    state: str
    name: Reading[str]
    pci_bus_id: Reading[str]
    vram_bytes: Reading[int]
    persistence_mode: Reading[bool]

    def label(self) -> str:
        name = "GPU" if isinstance(self.name, Unknown) else self.name
        return f"{name} ({self.uuid})"


@dataclass(frozen=True, slots=True)
class Nvml:
    """`source` names who told: polarisd, or polarisd --probe.

    `state` is that of `polarisd.api.gpu.Driver`: ok, starting, absent,
    mismatched, forbidden or failed.
    """

    source: str
    state: str
    detail: str
    driver_version: Reading[str]
    nvml_version: Reading[str]
    gpus: tuple[NvmlGpu, ...]


def read_nvml(source: str, driver: object, gpus: object) -> Reading[Nvml]:
    """From the `driver` and `gpus` of a snapshot; whatever is malformed is Unknown."""
    if not isinstance(driver, dict) or not isinstance(gpus, list):
        return Unknown(READ_ERROR, f"{source} gave no driver and GPUs")
    return Nvml(
        source=source,
        state=str(driver.get("state", "")),
        detail=str(driver.get("detail", "")),
        driver_version=_reading(driver, "driver_version", str),
        nvml_version=_reading(driver, "nvml_version", str),
        gpus=tuple(_read_gpu(gpu) for gpu in gpus if isinstance(gpu, dict)),
    )


def _read_gpu(gpu: dict[str, object]) -> NvmlGpu:
    identity, condition = gpu.get("identity"), gpu.get("condition")
    return NvmlGpu(
        uuid=str(gpu.get("uuid", "")),
        state=str(gpu.get("state", "")),
        name=_reading(identity, "name", str),
        pci_bus_id=_reading(identity, "pci_bus_id", str),
        vram_bytes=_reading(identity, "vram_bytes", int),
        persistence_mode=_reading(condition, "persistence_mode", bool),
    )


def _reading(record: object, key: str, kind: type[T]) -> Reading[T]:
    value = record.get(key) if isinstance(record, dict) else None
    match value:
        case {"unknown": str(reason), **rest}:
            return Unknown(reason, str(rest.get("detail", "")))
        # bool is an int to isinstance, but a GPU does not have True bytes.
        case _ if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            return value
    return Unknown(READ_ERROR, f"no {key} was given")


def library(nvml: Reading[Nvml], driver: KernelDriver) -> Finding:
    """Whether NVML answers, and is of the kernel module's version."""
    needed = "an NVML library of the kernel module's version, that answers"
    if not driver.loaded and (isinstance(nvml, Unknown) or nvml.state == "absent"):
        return skipped("no driver is loaded")
    if isinstance(nvml, Unknown):
        return cannot_tell("NVML", nvml, needed)
    detail = nvml.detail or nvml.state
    match nvml.state:
        case "ok":
            return ok(f"NVML {_text(nvml.nvml_version)}, driver {_text(nvml.driver_version)}")
        case "starting":
            return unknown("NVML has not answered yet", needed, "Look again in a moment.")
        case "mismatched":
            return failure(
                f"the library and the kernel module differ: {detail}",
                needed,
                "The driver was upgraded under a running machine. Reboot:",
                "sudo reboot",
            )
        case "absent":
            return failure(
                f"the kernel module is loaded, the library is missing: {detail}",
                needed,
                "Install the library of the same driver (libnvidia-ml1 on Debian,"
                " libnvidia-compute-VERSION on Ubuntu). What there is:",
                "ldconfig -p | grep libnvidia-ml",
            )
        case "forbidden":
            return failure(
                f"{nvml.source} may not use the GPUs: {detail}",
                needed,
                "Let user polaris open them; see who may:",
                "ls -l /dev/nvidia*",
            )
    return failure(
        f"NVML fails: {detail}", needed, "See what the driver says:", "sudo dmesg | grep -i nvrm"
    )


def _text(version: Reading[str]) -> str:
    return "of unknown version" if isinstance(version, Unknown) else version
