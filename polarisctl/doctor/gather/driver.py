"""Read /proc/driver/nvidia, /proc/modules and the PCI bus for `polarisctl.doctor.driver`."""

from __future__ import annotations

from polarisctl.doctor.driver import (
    DISPLAY_CLASS,
    NVIDIA_VENDOR,
    KernelDriver,
    KernelGpu,
    parse_gpu_information,
    parse_modules,
)
from polarisctl.doctor.edge import Edge
from polarisd.api.reading import READ_ERROR, Reading, Unknown

PROC = "/proc/driver/nvidia"
PCI = "/sys/bus/pci/devices"


def gather_driver(edge: Edge) -> KernelDriver:
    return KernelDriver(
        version_text=edge.read_text(f"{PROC}/version"),
        modules=_modules(edge),
        pci_gpus=_pci_gpus(edge),
        gpus=_kernel_gpus(edge),
    )


def _modules(edge: Edge) -> Reading[frozenset[str]]:
    text = edge.read_text("/proc/modules")
    if text is None:
        # A kernel without loadable modules has no such file.
        return frozenset()
    return text if isinstance(text, Unknown) else parse_modules(text)


def _pci_gpus(edge: Edge) -> Reading[tuple[str, ...]]:
    names = edge.list_names(PCI)
    if names is None:
        return Unknown(READ_ERROR, f"there is no {PCI}")
    if isinstance(names, Unknown):
        return names
    return tuple(name for name in names if _is_nvidia_display(edge, name))


def _is_nvidia_display(edge: Edge, name: str) -> bool:
    vendor = edge.read_text(f"{PCI}/{name}/vendor")
    kind = edge.read_text(f"{PCI}/{name}/class")
    return (
        isinstance(vendor, str)
        and vendor.strip() == NVIDIA_VENDOR
        and isinstance(kind, str)
        and kind.startswith(DISPLAY_CLASS)
    )


def _kernel_gpus(edge: Edge) -> Reading[tuple[KernelGpu, ...]]:
    names = edge.list_names(f"{PROC}/gpus")
    if names is None:
        return ()
    if isinstance(names, Unknown):
        return names
    found = []
    for name in names:
        text = edge.read_text(f"{PROC}/gpus/{name}/information")
        if isinstance(text, Unknown):
            return text
        found.append(parse_gpu_information(name, text or ""))
    return tuple(found)
