"""Rows of the GPUs and the containers that get them."""

from __future__ import annotations

from polarisctl.doctor import cdi, driver, engine, gpu_stack, gpus, network, nvml
from polarisctl.doctor.check import Check
from polarisctl.doctor.facts import Facts
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisd.api.reading import Unknown

NVIDIA = "NVIDIA"
CONTAINERS = "Containers"
# A validator judges GPUs, has none to offer, and runs no containers.
MINER = "miner"


def _os_id(facts: Facts) -> str:
    release = facts.system.get().os_release
    return "" if release is None or isinstance(release, Unknown) else release.id


CHECKS: tuple[Check, ...] = (
    Check(
        "gpu-hardware",
        NVIDIA,
        "GPU hardware",
        "Without a GPU there is nothing to offer.",
        (OK, FAILURE, UNKNOWN),
        lambda f: driver.hardware(f.driver.get()),
        role=MINER,
    ),
    Check(
        "nouveau",
        NVIDIA,
        "nouveau",
        "It takes the GPU before the NVIDIA driver can.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: driver.nouveau(f.driver.get()),
        role=MINER,
    ),
    Check(
        "driver-loaded",
        NVIDIA,
        "Driver",
        "Nothing reaches the GPU without the kernel module.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: driver.loaded(f.driver.get(), _os_id(f)),
        role=MINER,
    ),
    Check(
        "driver-version",
        NVIDIA,
        "Driver version",
        "CUDA 12 libraries, which measure the GPU, need this one or newer.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: driver.version(f.driver.get(), _os_id(f)),
        role=MINER,
    ),
    Check(
        "nvidia-uvm",
        NVIDIA,
        "nvidia_uvm module",
        "CUDA needs it, and polarisd's unit is let at its device only if it is there at start.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: driver.uvm(f.driver.get()),
        role=MINER,
    ),
    Check(
        "nvml",
        NVIDIA,
        "NVML",
        "polarisd reads every GPU through it; it refuses a kernel module of another version.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: nvml.library(f.nvml.get(), f.driver.get()),
        role=MINER,
    ),
    Check(
        "gpus-agree",
        NVIDIA,
        "GPUs in kernel and NVML",
        "A GPU that only the kernel has is broken: it cannot be rented.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: gpus.agreement(f.driver.get(), f.nvml.get()),
        role=MINER,
    ),
    Check(
        "gpu-memory",
        NVIDIA,
        "GPU memory",
        "Smaller GPUs cannot run the measurements.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: gpus.vram(f.nvml.get(), f.driver.get()),
        role=MINER,
    ),
    Check(
        "memory-for-gpus",
        NVIDIA,
        "Memory for the GPUs",
        "Models pass through host memory on their way to a GPU.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: gpus.host_memory(f.nvml.get(), f.driver.get(), f.hardware.get()),
        role=MINER,
    ),
    Check(
        "persistence-mode",
        NVIDIA,
        "Persistence mode",
        "Without it the driver starts the GPU anew for each job and forgets its limits between.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: gpus.persistence(f.nvml.get(), f.driver.get()),
        role=MINER,
    ),
    Check(
        "gpu-stack",
        NVIDIA,
        "GPU stack",
        "Without it no GPU can be measured, by its owner or for a validator.",
        (OK, WARNING, FAILURE, SKIPPED),
        lambda f: gpu_stack.installed(f.gpu_stack.get(), f.driver.get()),
        role=MINER,
    ),
    Check(
        "container-engine",
        CONTAINERS,
        "Container engine",
        "Each lease is a container; CDI gives it the GPUs that were rented and no others.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: engine.engine(f.engines.get()),
        role=MINER,
    ),
    Check(
        "engine-running",
        CONTAINERS,
        "Engine running",
        "No lease starts while the engine is down.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: engine.running(f.engines.get()),
        role=MINER,
    ),
    Check(
        "docker-live-restore",
        CONTAINERS,
        "Docker live-restore",
        "With it, leases outlive an upgrade of Docker.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: engine.live_restore(f.engines.get()),
        role=MINER,
    ),
    Check(
        "container-toolkit",
        CONTAINERS,
        "NVIDIA toolkit",
        "It puts GPUs into containers; older ones let an image take over the host.",
        (OK, FAILURE, UNKNOWN),
        lambda f: cdi.toolkit(f.access.get()),
        role=MINER,
    ),
    Check(
        "cdi-spec",
        CONTAINERS,
        "CDI specification",
        "Leases name GPUs by UUID; one that the file lacks, or of another driver, does not start.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: cdi.cdi(f.access.get(), f.engines.get(), f.driver.get(), f.nvml.get()),
        role=MINER,
    ),
    Check(
        "gpu-loss-on-reload",
        CONTAINERS,
        "GPU loss on reload",
        "Any package's upgrade runs systemctl daemon-reload; running leases could lose their GPUs.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: cdi.gpu_loss(f.access.get(), f.engines.get()),
        role=MINER,
    ),
    Check(
        "docker-around-ufw",
        CONTAINERS,
        "Docker and ufw",
        "A port that a container publishes is open to the world whatever ufw says.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: network.docker_around_ufw(f.firewall.get(), f.engines.get(), f.settings.get()),
        role=MINER,
    ),
)
