"""For the tests of polarisctl: example records, and what a daemon sends of them.

They are made from polarisd.api's own records, so they are what a daemon sends.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from polarisd.api.encode import to_wire
from polarisd.api.gpu import Condition, Driver, Gpu, GpuProcess, Identity, MigDevice, Sample
from polarisd.api.reading import Unknown
from polarisd.api.snapshot import Daemon, Disk, Fault, Host, Offering, Snapshot

NOW = 1_763_800_000.0
GIB = 1 << 30


def identity(index: int = 0, **changes: Any) -> Identity:
    base = {
        "uuid": uuid_of(index),
        "index": index,
        "name": "NVIDIA H100 80GB HBM3",
        "pci_bus_id": f"00000000:{index + 16:02X}:00.0",
        "serial": "1652923012345",
        "board_part": "692-2G520-0200-000",
        "vbios": "96.00.74.00.01",
        "architecture": "hopper",
        "compute_capability": "9.0",
        "cuda_cores": 16896,
        "memory_bus_bits": 5120,
        "vram_bytes": 80 * GIB,
        "pcie_max_generation": 5,
        "pcie_max_width": 16,
        "power_limit_default_w": 700.0,
        "power_limit_min_w": 200.0,
        "power_limit_max_w": 700.0,
        "sm_clock_max_mhz": 1980,
        "memory_clock_max_mhz": 2619,
        "slowdown_temperature_c": 87,
        "shutdown_temperature_c": 92,
        "minor_number": index,
        "numa_node": index // 4,
    }
    return Identity(**{**base, **changes})


def sample(**changes: Any) -> Sample:
    base: dict[str, Any] = {
        "read_at": NOW - 1,
        "utilisation_percent": 97,
        "memory_busy_percent": 55,
        "vram_used_bytes": int(71.2 * GIB),
        "vram_free_bytes": 8 * GIB,
        "vram_reserved_bytes": GIB // 2,
        "power_w": 688.4,
        "energy_j": 123456789.0,
        "temperature_c": 64,
        "memory_temperature_c": 71,
        "sm_clock_mhz": 1755,
        "memory_clock_mhz": 2619,
        "throttle": ("sw_power_cap",),
        "pcie_tx_bps": 1.2e6,
        "pcie_rx_bps": 3.4e9,
        "nvlink_tx_bps": 2.5e10,
        "nvlink_rx_bps": 2.6e10,
    }
    return Sample(**{**base, **changes})


def condition(**changes: Any) -> Condition:
    unknown = Unknown("not_supported")
    base: dict[str, Any] = {f.name: 0 for f in fields(Condition)}
    base.update(
        read_at=NOW - 20,
        power_limit_w=700.0,
        fan_percent=unknown,
        compute_mode="default",
        persistence_mode=True,
        ecc_mode=True,
        ecc_mode_pending=True,
        row_remap_pending=False,
        row_remap_failed=False,
        retired_pages_pending=unknown,
        recovery_action="none",
        nvlinks=18,
        nvlinks_up=18,
        mig_mode=False,
        mig_mode_pending=False,
        processes=(GpuProcess(pid=4711, kind="compute", vram_bytes=70 * GIB, name="python3"),),
    )
    return Condition(**{**base, **changes})


def gpu(index: int = 0, **changes: Any) -> Gpu:
    base: dict[str, Any] = {
        "uuid": uuid_of(index),
        "state": "ok",
        "identity": identity(index),
        "sample": sample(),
        "condition": condition(),
        "mig_devices": (),
        "withheld_by": (),
    }
    return Gpu(**{**base, **changes})


def mig_device() -> MigDevice:
    return MigDevice(
        uuid="MIG-0b9c4c4d-6f5e-5b1f-9d0e-0123456789ab",
        index=0,
        name="NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        gpu_instance=7,
        compute_instance=0,
        multiprocessors=16,
        vram_bytes=10 * GIB,
        vram_used_bytes=GIB,
        processes=(),
    )


def uuid_of(index: int) -> str:
    return f"GPU-{index:08x}-1234-5678-9abc-def012345678"


def host() -> Host:
    return Host(
        read_at=NOW - 1,
        hostname="miner-1",
        os_name="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-28-amd64",
        boot_at=NOW - 40 * 86400,
        cpu_model="AMD EPYC 9654 96-Core Processor",
        cpu_threads=192,
        cpu_cores=96,
        cpu_percent=37.2,
        load_1m=71.5,
        load_5m=70.25,
        load_15m=66.0,
        memory_total_bytes=1511 * GIB,
        memory_available_bytes=1280 * GIB,
        swap_total_bytes=0,
        swap_used_bytes=0,
        network_tx_bps=12.3e6,
        network_rx_bps=4.5e6,
        disks=(Disk(path="/var/lib/polaris", total_bytes=3584 * GIB, free_bytes=1200 * GIB),),
    )


def fault(**changes: Any) -> Fault:
    base = {
        "code": "gpu_lost",
        "severity": "error",
        "gpu_uuid": uuid_of(3),
        "text": "XID 79: the GPU has fallen off the bus.",
        "remedy": "Power the machine off and on; if it comes back, check the riser and the power.",
        "since_at": NOW - 600,
    }
    return Fault(**{**base, **changes})


def snapshot(**changes: Any) -> dict[str, Any]:
    """What a daemon with eight healthy GPUs sends; records given replace its own."""
    base: dict[str, Any] = {
        "version": 42,
        "taken_at": NOW - 1,
        "daemon": Daemon(
            version="0.1.0",
            pid=7,
            started_at=NOW - 3 * 86400,
            role="miner",
            mode="independent",
            config_path="/etc/polaris/polaris.toml",
            offering=Offering(wanted=True, since_at=NOW - 86400),
        ),
        "driver": Driver(
            state="ok",
            detail="",
            driver_version="570.86.15",
            nvml_version="12.570.86.15",
            cuda_version="12.8",
        ),
        "gpus": tuple(gpu(index) for index in range(8)),
        "host": host(),
        "faults": (),
    }
    wired = to_wire(Snapshot(**{**base, **changes}))
    assert isinstance(wired, dict)
    return wired
