"""Which GPUs the kernel's NVIDIA driver holds, from sysfs.

NVML shows what was there when it was initialised; the kernel knows of cards that
came or went since.  A change here is what makes the child start over.
"""

from __future__ import annotations

import re
from pathlib import Path

DRIVER_DIR = Path("/sys/bus/pci/drivers/nvidia")
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def bound_addresses(driver_dir: Path) -> frozenset[str]:
    """PCI addresses bound to the driver; empty where there is no such driver."""
    try:
        return frozenset(p.name for p in driver_dir.iterdir() if _ADDRESS.fullmatch(p.name))
    except OSError:
        return frozenset()
