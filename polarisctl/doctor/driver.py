"""The NVIDIA driver as the kernel shows it: values, parsers, judgements.  Pure.

Made by `gather.driver`.  What NVML says is in `nvml`; `gpus` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.finding import (
    Finding,
    cannot_tell,
    failure,
    ok,
    skipped,
    unknown,
    warning,
)
from polarisctl.doctor.versions import Version, find_version, older
from polarisd.api.reading import Reading, Unknown

NVIDIA_VENDOR = "0x10de"
DISPLAY_CLASS = "0x03"  # VGA (0x0300) and 3D (0x0302) controllers

_BLACKLIST = (
    "echo blacklist nouveau | sudo tee /etc/modprobe.d/polaris-nouveau.conf",
    "sudo update-initramfs -u",
    "sudo reboot",
)


# Debian has the driver in components that a fresh system does not list.  Both forms of
# the list are covered: lines that begin with deb, and fields named Components.
_ADD_NON_FREE = (
    "sudo find /etc/apt \\( -name sources.list -o -name debian.sources \\) -type f -exec sed -Ei"
    " '/^(deb|Components:)/s/ main( .*)?$/ main contrib non-free non-free-firmware/' {} +"
)


@dataclass(frozen=True, slots=True)
class KernelGpu:
    """A GPU that the kernel module has taken; `uuid` is empty until it is initialised."""

    bus_id: str
    model: str
    uuid: str
    excluded: bool


@dataclass(frozen=True, slots=True)
class KernelDriver:
    """`version_text` is /proc/driver/nvidia/version, None without the module."""

    version_text: Reading[str | None]
    modules: Reading[frozenset[str]]
    pci_gpus: Reading[tuple[str, ...]]
    gpus: Reading[tuple[KernelGpu, ...]]

    @property
    def loaded(self) -> bool:
        return isinstance(self.version_text, str)


def parse_driver_version(text: str) -> Version | None:
    """From the NVRM line, of the closed and of the open kernel module alike."""
    return find_version(text, after="Kernel Module")


def show_driver(version: Version) -> str:
    """As NVIDIA writes it: (535, 54, 3) is 535.54.03."""
    return ".".join((str(version[0]), *(f"{part:02}" for part in version[1:])))


def parse_modules(text: str) -> frozenset[str]:
    """Names in /proc/modules."""
    return frozenset(line.split()[0] for line in text.splitlines() if line.strip())


def parse_gpu_information(bus_id: str, text: str) -> KernelGpu:
    """/proc/driver/nvidia/gpus/BUS/information: `Key: <tabs> value` lines."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    uuid = fields.get("GPU UUID", "")
    return KernelGpu(
        bus_id=bus_id,
        model=fields.get("Model", ""),
        # Question marks stand there until somebody opens the device.
        uuid="" if "?" in uuid else uuid,
        excluded=fields.get("GPU Excluded") == "Yes",
    )


def hardware(driver: KernelDriver) -> Finding:
    needed = "an NVIDIA GPU on the PCI bus"
    if isinstance(driver.pci_gpus, Unknown):
        return cannot_tell("the PCI bus", driver.pci_gpus, needed)
    # In a container the bus can be hidden where the driver is not.
    taken = () if isinstance(driver.gpus, Unknown) else driver.gpus
    places = driver.pci_gpus or tuple(gpu.bus_id for gpu in taken)
    if places:
        return ok(f"{len(places)}: {', '.join(places)}")
    return failure(
        "no NVIDIA GPU on the PCI bus",
        needed,
        "Check its seat and power cables; on a virtual machine, its passthrough. Then look again:",
        "lspci -nn | grep -i nvidia",
    )


def nouveau(driver: KernelDriver) -> Finding:
    needed = "nouveau not loaded"
    if isinstance(driver.modules, Unknown):
        return cannot_tell("/proc/modules", driver.modules, needed)
    if "nouveau" not in driver.modules:
        return ok("not loaded")
    advice = "Keep it from loading, then reboot:"
    if driver.loaded:
        return warning("loaded beside the NVIDIA driver", needed, advice, *_BLACKLIST)
    return failure("loaded, and holds the GPU", needed, advice, *_BLACKLIST)


def loaded(driver: KernelDriver, os_id: str) -> Finding:
    needed = "the NVIDIA kernel module, loaded"
    text = driver.version_text
    if isinstance(text, Unknown):
        return cannot_tell("/proc/driver/nvidia/version", text, needed)
    if text is not None:
        version = parse_driver_version(text)
        kind = "open kernel module" if "Open Kernel Module" in text else "kernel module"
        return ok(f"{kind} {show_driver(version)}" if version else kind)
    if driver.pci_gpus == ():
        return skipped("there is no NVIDIA GPU to drive")
    return failure(
        "not loaded",
        needed,
        f"{_how_to_install(os_id)} If it is installed already, `sudo dmesg | grep -i nvidia` says"
        " why it does not load (Secure Boot refuses modules that are not signed).",
        *_install(os_id),
    )


def version(driver: KernelDriver, os_id: str) -> Finding:
    needed = f"{show_driver(limits.DRIVER_MIN)} or newer"
    if not isinstance(driver.version_text, str):
        return skipped("no driver is loaded")
    found = parse_driver_version(driver.version_text)
    if found is None:
        return unknown(f"no version in {driver.version_text[:80]!r}", needed)
    if older(found, limits.DRIVER_MIN):
        return failure(show_driver(found), needed, _how_to_install(os_id), *_install(os_id))
    return ok(show_driver(found))


def uvm(driver: KernelDriver) -> Finding:
    needed = "nvidia_uvm loaded"
    if not driver.loaded:
        return skipped("no driver is loaded")
    if isinstance(driver.modules, Unknown):
        return cannot_tell("/proc/modules", driver.modules, needed)
    if "nvidia_uvm" in driver.modules:
        return ok("loaded")
    return warning(
        "not loaded",
        needed,
        "Load it now and at every start:",
        "sudo modprobe nvidia_uvm",
        "echo nvidia_uvm | sudo tee /etc/modules-load.d/polaris-nvidia-uvm.conf",
    )


def _how_to_install(os_id: str) -> str:
    if os_id == "ubuntu":
        return "Install a driver, then reboot."
    return (
        "Install a driver, then reboot. Debian has it in contrib, non-free and non-free-firmware,"
        " which the first line adds to its sources."
    )


def _install(os_id: str) -> tuple[str, ...]:
    if os_id == "ubuntu":
        return ("sudo ubuntu-drivers install --gpgpu", "sudo reboot")
    return (
        _ADD_NON_FREE,
        "sudo apt-get update",
        "sudo apt-get install linux-headers-amd64 nvidia-driver",
        "sudo reboot",
    )
