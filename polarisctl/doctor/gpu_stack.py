"""The GPU stack as this host has it: whether it fits this Python and the driver.  Pure.

Made by `gather.gpu_stack`; `polarisd.bench.stack` says what a stack is.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.driver import KernelDriver, parse_driver_version, show_driver
from polarisctl.doctor.finding import Finding, failure, ok, skipped, warning
from polarisctl.doctor.versions import older
from polarisd.bench.stack import Flaw, Stack

SET_UP = "sudo polarisctl gpu-setup"


@dataclass(frozen=True, slots=True)
class GpuStack:
    """`found` is for this Python, which is `tag`; `others` are the tags of further ones."""

    tag: str
    found: Stack | None
    flaws: tuple[Flaw, ...]
    others: tuple[str, ...]


def installed(stack: GpuStack, driver: KernelDriver) -> Finding:
    needed = f"CuPy and its CUDA libraries for this Python ({stack.tag})"
    if stack.found is None:
        return _missing(stack, driver, needed)
    version = driver.version_text
    found = parse_driver_version(version) if isinstance(version, str) else None
    if found is not None and older(found, limits.DRIVER_MIN):
        return failure(
            f"installed, but driver {show_driver(found)} is too old for CUDA 12",
            f"{needed}, and driver {show_driver(limits.DRIVER_MIN)} or newer",
            "Upgrade the driver, as the check driver-version says.",
        )
    versions = ", ".join(f"{name} {v}" for name, v in stack.found.versions.items())
    return ok(f"{versions or 'of this system'}; from {stack.found.origin}")


def _missing(stack: GpuStack, driver: KernelDriver, needed: str) -> Finding:
    if stack.flaws:
        said = "; ".join(f"{flaw.path} cannot be used: {flaw.why}" for flaw in stack.flaws)
        if any(flaw.origin.startswith("the package") for flaw in stack.flaws):
            repair = "sudo apt install --reinstall polaris-gpu"
        else:
            repair = SET_UP
        return failure(said, needed, "Set it up anew:", repair)
    if driver.pci_gpus == () and driver.gpus == ():
        return skipped("there is no NVIDIA GPU to measure")
    if stack.others:
        return warning(
            f"there is one for {', '.join(stack.others)} alone",
            needed,
            "Python has been upgraded since. Fetch the one for this Python, 0.8 GB:",
            SET_UP,
        )
    return warning("not installed", needed, "Fetch it, 0.8 GB:", SET_UP)
