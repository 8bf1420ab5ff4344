"""Each GPU: seen by kernel and NVML alike, large enough, kept ready.  Pure."""

from __future__ import annotations

from polarisctl.doctor import limits
from polarisctl.doctor.driver import KernelDriver
from polarisctl.doctor.finding import (
    Finding,
    cannot_tell,
    failure,
    ok,
    skipped,
    unknown,
    warning,
)
from polarisctl.doctor.hardware import Hardware, gib
from polarisctl.doctor.limits import nominal_bytes
from polarisctl.doctor.nvml import Nvml, NvmlGpu
from polarisd.api.reading import Reading, Unknown

_WHAT_HAPPENED = "sudo dmesg | grep -iE 'nvrm|xid'"


def normal_bus_id(text: str) -> str:
    """One spelling for "0000:65:00.0" (kernel) and "00000000:65:00.0" (NVML)."""
    domain, _, rest = text.strip().lower().partition(":")
    return f"{domain[-4:]:>04}:{rest}"


def agreement(driver: KernelDriver, nvml: Reading[Nvml]) -> Finding:
    needed = "the same GPUs in the kernel and in NVML"
    if not driver.loaded:
        return skipped("no driver is loaded")
    if isinstance(driver.gpus, Unknown):
        return cannot_tell("/proc/driver/nvidia/gpus", driver.gpus, needed)
    if isinstance(nvml, Unknown):
        return cannot_tell("NVML", nvml, needed)
    if nvml.state != "ok":
        return unknown(f"NVML is {nvml.state}", needed, "See the check nvml.")
    # An excluded GPU is kept from NVML on the operator's own word.
    in_kernel = {normal_bus_id(gpu.bus_id) for gpu in driver.gpus if not gpu.excluded}
    answering = [gpu for gpu in nvml.gpus if gpu.state == "ok"]
    in_nvml = {normal_bus_id(i) for gpu in answering if isinstance(i := gpu.pci_bus_id, str)}
    unplaced = [gpu.label() for gpu in answering if isinstance(gpu.pci_bus_id, Unknown)]
    if unplaced:
        return unknown(f"NVML gives no PCI address of {', '.join(unplaced)}", needed)
    if missing := sorted(in_kernel - in_nvml):
        return failure(
            f"the kernel has {', '.join(missing)}, NVML does not",
            needed,
            "It fell off the bus or cannot start. See why, then power the machine off and on:",
            _WHAT_HAPPENED,
        )
    if extra := sorted(in_nvml - in_kernel):
        return warning(
            f"NVML has {', '.join(extra)}, /proc/driver/nvidia/gpus does not",
            needed,
            "Is this a container with half of the host's /proc?  If not, reboot.",
        )
    return ok(f"{len(in_nvml)} in both")


def vram(nvml: Reading[Nvml], driver: KernelDriver) -> Finding:
    needed = f"{limits.VRAM_MIN_GB} GB of memory on each GPU"
    gpus = _present(nvml, driver, needed)
    if isinstance(gpus, Finding):
        return gpus
    small, untold = [], []
    for gpu in gpus:
        if isinstance(gpu.vram_bytes, Unknown):
            untold.append(gpu.label())
        elif gpu.vram_bytes < nominal_bytes(limits.VRAM_MIN_GB):
            small.append(f"{gpu.label()} has {gib(gpu.vram_bytes)}")
    if small:
        uuids = ", ".join(f'"{uuid}"' for uuid in _small_uuids(gpus))
        return failure(
            "; ".join(small),
            needed,
            "Such a GPU cannot be offered. Name it in /etc/polaris/polaris.toml, then reload:"
            f" under [gpu], withhold = [{uuids}]",
            "sudo systemctl reload polarisd",
        )
    if untold:
        return unknown(f"no size is given for {', '.join(untold)}", needed)
    return ok(", ".join(gib(size) for gpu in gpus if isinstance(size := gpu.vram_bytes, int)))


def _small_uuids(gpus: tuple[NvmlGpu, ...]) -> list[str]:
    least = nominal_bytes(limits.VRAM_MIN_GB)
    return [g.uuid for g in gpus if isinstance(g.vram_bytes, int) and g.vram_bytes < least]


def host_memory(nvml: Reading[Nvml], driver: KernelDriver, hardware: Hardware) -> Finding:
    needed = "as much host memory as the GPUs have together"
    gpus = _present(nvml, driver, needed)
    if isinstance(gpus, Finding):
        return gpus
    if isinstance(hardware.memory_bytes, Unknown):
        return cannot_tell("/proc/meminfo", hardware.memory_bytes, needed)
    sizes = [size for gpu in gpus if isinstance(size := gpu.vram_bytes, int)]
    if len(sizes) < len(gpus):
        return unknown("the size of a GPU is not given", needed)
    total = sum(sizes)
    found = f"{gib(hardware.memory_bytes)} beside {gib(total)} on the GPUs"
    # The allowance of nominal_bytes: 7/8 of the nominal size counts as all of it.
    if hardware.memory_bytes < total * 7 // 8:
        return warning(found, needed, "Renters load models through host memory; add some.")
    return ok(found)


def persistence(nvml: Reading[Nvml], driver: KernelDriver) -> Finding:
    needed = "persistence mode on every GPU"
    gpus = _present(nvml, driver, needed)
    if isinstance(gpus, Finding):
        return gpus
    off = [gpu.label() for gpu in gpus if gpu.persistence_mode is False]
    if off:
        return warning(
            f"off on {', '.join(off)}",
            needed,
            "Switch it on now and at every start (the first line, where the service exists):",
            "sudo systemctl enable --now nvidia-persistenced",
            "sudo nvidia-smi -pm 1",
        )
    if any(isinstance(gpu.persistence_mode, Unknown) for gpu in gpus):
        return unknown("not given for every GPU", needed, "Look again in a minute.")
    return ok(f"on, {len(gpus)} of {len(gpus)}")


def _present(
    nvml: Reading[Nvml], driver: KernelDriver, needed: str
) -> tuple[NvmlGpu, ...] | Finding:
    """The GPUs that NVML has now, or the finding that says why there are none."""
    if isinstance(nvml, Unknown):
        if driver.version_text is None:
            return skipped("no driver is loaded")
        return cannot_tell("NVML", nvml, needed)
    gpus = tuple(gpu for gpu in nvml.gpus if gpu.state != "missing")
    return gpus or skipped("NVML shows no GPU")
