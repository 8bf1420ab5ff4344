"""GPUs as polarisd would describe them: busy, idle, hot, lost and sliced ones."""

from __future__ import annotations

from math import sin
from typing import Any

from polarisd.api.gpu import Condition, Gpu, GpuProcess, Identity, MigDevice, Sample
from polarisd.api.reading import GPU_LOST, NOT_SUPPORTED, Unknown

GIB = 1 << 30
AT = 1_790_000_000.0
LOST = Unknown(GPU_LOST)
NONE = Unknown(NOT_SUPPORTED)


def uuid(number: int) -> str:
    return f"GPU-{number:08x}-1b2c-3d4e-5f60-718293a4b5c6"


def load(number: int, at: float) -> float:
    """How busy a GPU is, 0..1: steps of a training job, out of phase by GPU."""
    if number == 5:
        return 0.0
    t = at - AT + 37 * number
    dip = 0.35 if t % 60 < 6 else 1.0
    return max(0.0, min(1.0, (0.86 + 0.09 * sin(t / 3) + 0.05 * sin(t / 41)) * dip))


def sample(number: int, at: float) -> Sample:
    busy = load(number, at)
    hot = number == 2
    power_w = 72 + 640 * busy
    reasons: tuple[str, ...] = ("idle",) if busy == 0 else ()
    if power_w > 655:
        reasons = ("sw_power_cap",)
    if hot and busy > 0.9:
        reasons = ("sw_power_cap", "hw_thermal")
    return Sample(
        read_at=at,
        utilisation_percent=round(100 * busy),
        memory_busy_percent=round(61 * busy),
        vram_used_bytes=int((1 if number == 5 else 71.2 + number / 3) * GIB),
        vram_free_bytes=int(8 * GIB),
        vram_reserved_bytes=GIB // 2,
        power_w=power_w,
        energy_j=1.0e9,
        temperature_c=round(34 + (52 if hot else 36) * busy),
        memory_temperature_c=round(40 + 40 * busy),
        sm_clock_mhz=345
        if busy == 0
        else (1410 if "hw_thermal" in reasons else 1980 - round(200 * busy)),
        memory_clock_mhz=2619,
        throttle=reasons,
        pcie_tx_bps=2.1e9 * busy,
        pcie_rx_bps=8.4e9 * busy,
        nvlink_tx_bps=151e9 * busy,
        nvlink_rx_bps=149e9 * busy,
    )


def all_unknown(cls: type, why: Unknown, **known: object) -> Any:
    return cls(**{name: known.get(name, why) for name in cls.__dataclass_fields__})  # type: ignore[attr-defined]


def identity(number: int) -> Identity:
    return Identity(
        uuid=uuid(number),
        index=number,
        name="NVIDIA H100 80GB HBM3",
        pci_bus_id=f"00000000:{0x18 + 8 * number:02X}:00.0",
        serial=f"165012300{number:04d}",
        board_part="692-2G520-0200-000",
        vbios="96.00.89.00.01",
        architecture="hopper",
        compute_capability="9.0",
        cuda_cores=16896,
        memory_bus_bits=5120,
        vram_bytes=80 * GIB,
        pcie_max_generation=5,
        pcie_max_width=16,
        power_limit_default_w=700.0,
        power_limit_min_w=200.0,
        power_limit_max_w=700.0,
        sm_clock_max_mhz=1980,
        memory_clock_max_mhz=2619,
        slowdown_temperature_c=87,
        shutdown_temperature_c=92,
        minor_number=number,
        numa_node=number // 4,
    )


def condition(number: int, at: float) -> Condition:
    processes = (
        ()
        if number == 5
        else (
            GpuProcess(
                pid=41230 + number,
                kind="compute",
                vram_bytes=70 * GIB,
                name="/usr/bin/python3 train.py",
            ),
            GpuProcess(pid=1911, kind="graphics", vram_bytes=NONE, name=NONE),
        )
    )
    return Condition(
        read_at=at - 7,
        power_limit_w=700.0,
        performance_state=0,
        fan_percent=NONE,
        pcie_generation=5,
        pcie_width=16,
        pcie_replays=0,
        persistence_mode=True,
        compute_mode="default",
        ecc_mode=True,
        ecc_mode_pending=True,
        ecc_corrected_volatile=0,
        ecc_uncorrected_volatile=0,
        ecc_corrected_total=3,
        ecc_uncorrected_total=0,
        remapped_rows_correctable=0,
        remapped_rows_uncorrectable=0,
        row_remap_pending=False,
        row_remap_failed=False,
        retired_pages_pending=NONE,
        recovery_action="none",
        nvlinks_up=18,
        nvlinks=18,
        mig_mode=False,
        mig_mode_pending=False,
        processes=processes,
    )


def gpu(number: int, at: float) -> Gpu:
    return Gpu(
        uuid=uuid(number),
        state="ok",
        identity=identity(number),
        sample=sample(number, at),
        condition=condition(number, at),
        mig_devices=(),
        withheld_by=(),
    )


def lost_gpu(number: int, at: float) -> Gpu:
    return Gpu(
        uuid=uuid(number),
        state="lost",
        identity=identity(number),
        sample=all_unknown(Sample, LOST, read_at=at),
        condition=all_unknown(Condition, LOST, read_at=at),
        mig_devices=(),
        withheld_by=("gpu_lost",),
    )


def sliced_gpu(number: int, at: float) -> Gpu:
    """A GPU in MIG mode: no utilisation, and slices with processes of their own."""
    whole = gpu(number, at)
    slices = tuple(
        MigDevice(
            uuid=f"MIG-{number}-{n}",
            index=n,
            name="NVIDIA H100 80GB HBM3 MIG 1g.10gb",
            gpu_instance=7 + n,
            compute_instance=0,
            multiprocessors=16,
            vram_bytes=10 * GIB,
            vram_used_bytes=(n + 1) * GIB,
            processes=(GpuProcess(pid=700 + n, kind="compute", vram_bytes=n * GIB, name="infer"),),
        )
        for n in range(7)
    )
    fields = {name: getattr(whole.sample, name) for name in Sample.__dataclass_fields__}
    fields["utilisation_percent"] = fields["memory_busy_percent"] = NONE
    return Gpu(
        uuid=whole.uuid,
        state="ok",
        identity=whole.identity,
        sample=Sample(**fields),
        condition=whole.condition,
        mig_devices=slices,
        withheld_by=(),
    )
