"""Rows of the machine itself: system, hardware, network."""

from __future__ import annotations

from polarisctl.doctor import clock, hardware, network, system
from polarisctl.doctor.check import Check
from polarisctl.doctor.finding import FAILURE, OK, UNKNOWN, WARNING

SYSTEM = "System"
HARDWARE = "Hardware"
NETWORK = "Network"

CHECKS: tuple[Check, ...] = (
    Check(
        "operating-system",
        SYSTEM,
        "Operating system",
        "The package, its unit and its dependencies are tested on these releases.",
        (OK, WARNING, UNKNOWN),
        lambda f: system.operating_system(f.system.get()),
    ),
    Check(
        "architecture",
        SYSTEM,
        "Architecture",
        "The package holds compiled modules for one architecture.",
        (OK, WARNING, FAILURE),
        lambda f: system.architecture(f.system.get()),
    ),
    Check(
        "kernel",
        SYSTEM,
        "Kernel",
        "Containers, firewall and driver use what older kernels lack.",
        (OK, WARNING, UNKNOWN),
        lambda f: system.kernel(f.system.get()),
    ),
    Check(
        "python",
        SYSTEM,
        "Python",
        "polarisd and its compiled modules are built for these versions.",
        (OK, WARNING, FAILURE),
        lambda f: system.python(f.system.get()),
    ),
    Check(
        "glibc",
        SYSTEM,
        "C library",
        "The compiled modules do not load on an older one.",
        (OK, FAILURE, UNKNOWN),
        lambda f: system.glibc(f.system.get()),
    ),
    Check(
        "systemd",
        SYSTEM,
        "systemd",
        "It starts polarisd, keeps it running, and holds each lease to its end.",
        (OK, FAILURE, UNKNOWN),
        lambda f: system.systemd(f.system.get()),
    ),
    Check(
        "clock",
        SYSTEM,
        "Clock",
        "What is signed more than 10 s ago, or 2 s ahead, is refused by others.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: clock.clock(f.clock.get()),
    ),
    Check(
        "cpu",
        HARDWARE,
        "CPUs",
        "Renters' jobs feed the GPU from the CPU.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: hardware.cpu(f.hardware.get()),
    ),
    Check(
        "memory",
        HARDWARE,
        "Memory",
        "Too little, and the kernel kills renters' jobs.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: hardware.memory(f.hardware.get()),
    ),
    Check(
        "disk-state",
        HARDWARE,
        "Disk for state",
        "polarisd writes each lease down before it acts; a full disk stops it.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: hardware.disk(f.state_space.get()),
    ),
    Check(
        "disk-containers",
        HARDWARE,
        "Disk for containers",
        "Renters' images and files are kept there; one CUDA image takes 10 GB.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: hardware.disk(f.container_space.get()),
        role="miner",
    ),
    Check(
        "api-port",
        NETWORK,
        "API port",
        "Validators and renters speak with this machine there.",
        (OK, FAILURE, UNKNOWN),
        lambda f: network.api_port(f.ports.get()),
    ),
    Check(
        "ssh-ports",
        NETWORK,
        "SSH ports",
        "Each is a slot for one lease.",
        (OK, FAILURE, UNKNOWN),
        lambda f: network.ssh_ports(f.ports.get()),
        role="miner",
    ),
)
