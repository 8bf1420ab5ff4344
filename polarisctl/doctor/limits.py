"""Every threshold of the doctor, with where it comes from.  Pure constants.

Sizes are nominal.  A machine sold with "8 GB" has 8 GiB less what firmware and
kernel keep, and a disk or card counts in powers of ten: `nominal_bytes` accepts
7/8 of N GiB, which every true N GB part reaches and the next smaller common size
(6, 12 or 3 GB under 8, 16 or 4) does not.
"""

from __future__ import annotations

GIB = 1 << 30


def nominal_bytes(gigabytes: int) -> int:
    """The fewest bytes that a part of nominally `gigabytes` GB may report."""
    return gigabytes * GIB * 7 // 8


# Python: bittensor needs 3.10; 3.14 is the newest that the package is built for.
PYTHON_MIN = (3, 10)
PYTHON_MAX = (3, 14)

# The package's extension modules are built on Debian 12 against glibc 2.34 symbols.
GLIBC_MIN = (2, 34)

# Oldest kernel of a supported system (Ubuntu 22.04).
KERNEL_MIN = (5, 15)

# In the sandbox of polarisd's unit, LoadCredential= does not work on 247.
SYSTEMD_MIN = 249

# NVIDIA's CUDA 12 minor-version compatibility: the first driver of the 525 branch
# that runs every CUDA 12.x library.
DRIVER_MIN = (525, 60, 13)

# Requirements of a host, as the project documents them.
CPUS_MIN = 2
CPUS_RECOMMENDED = 4
MEMORY_MIN_GB = 8
MEMORY_RECOMMENDED_GB = 16
DISK_MIN_GB = 2
DISK_RECOMMENDED_GB = 50
VRAM_MIN_GB = 4

# CDI: Docker took it in with release 25.0, podman with 4.1.
DOCKER_CDI = (25, 0)
PODMAN_CDI = (4, 1)
# `docker run --gpus` exists since 19.03.
DOCKER_GPUS = (19, 3)

# NVIDIA Container Toolkit 1.17.8 closes CVE-2025-23266, by which a renter's image
# runs code as root on the host (and, before it, CVE-2024-0132 and CVE-2025-23359).
TOOLKIT_MIN = (1, 17, 8)

# A clock further off than this fails signature nonces at the other end.
CLOCK_MAX_ERROR_S = 1.0

# What the configuration says when there is none.
DEFAULT_CONFIG_PATH = "/etc/polaris/polaris.toml"
DEFAULT_STATE_DIRECTORY = "/var/lib/polaris"
DEFAULT_API_PORT = 8000
DEFAULT_SSH_PORTS = (11000, 11002)
CONFIG_DIRECTORY = "/etc/polaris"
CREDENTIALS_DIRECTORY = "/etc/polaris/credentials"
HOTKEY_FILE = "/etc/polaris/credentials/hotkey"
SERVICE_USER = "polaris"
SERVICE_UNIT = "polarisd.service"
WORKER_SOCKET = "polaris-worker.socket"
