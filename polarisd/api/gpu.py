"""What is known of a GPU.  Units are in the names; every `Reading` may be Unknown.

Four records by how often they change: identity (once per driver life), sample
(the fast tier), condition (the slow tier), and the GPU that holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.api.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What does not change while the driver runs."""

    uuid: str
    index: int
    name: Reading[str]
    pci_bus_id: Reading[str]
    serial: Reading[str]
    board_part: Reading[str]
    vbios: Reading[str]
    architecture: Reading[str]
    compute_capability: Reading[str]
    cuda_cores: Reading[int]
    memory_bus_bits: Reading[int]
    vram_bytes: Reading[int]
    pcie_max_generation: Reading[int]
    pcie_max_width: Reading[int]
    power_limit_default_w: Reading[float]
    power_limit_min_w: Reading[float]
    power_limit_max_w: Reading[float]
    sm_clock_max_mhz: Reading[int]
    memory_clock_max_mhz: Reading[int]
    slowdown_temperature_c: Reading[int]
    shutdown_temperature_c: Reading[int]
    minor_number: Reading[int]
    numa_node: Reading[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The fast tier, once a second: what a card is doing now.

    `throttle` names the clock event reasons that hold now; rates in `_bps` are
    bytes per second since the sample before.  `power_w` is the mean since the
    sample before where the card counts energy, else the driver's own average.
    """

    read_at: float
    utilisation_percent: Reading[int]
    memory_busy_percent: Reading[int]
    vram_used_bytes: Reading[int]
    vram_free_bytes: Reading[int]
    vram_reserved_bytes: Reading[int]
    power_w: Reading[float]
    energy_j: Reading[float]
    temperature_c: Reading[int]
    memory_temperature_c: Reading[int]
    sm_clock_mhz: Reading[int]
    memory_clock_mhz: Reading[int]
    throttle: Reading[tuple[str, ...]]
    pcie_tx_bps: Reading[float]
    pcie_rx_bps: Reading[float]
    nvlink_tx_bps: Reading[float]
    nvlink_rx_bps: Reading[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that holds the GPU. `kind` is compute, graphics or mps."""

    pid: int
    kind: str
    vram_bytes: Reading[int]
    name: Reading[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The slow tier, every half minute: settings, errors and who uses the card."""

    read_at: float
    power_limit_w: Reading[float]
    performance_state: Reading[int]
    fan_percent: Reading[int]
    pcie_generation: Reading[int]
    pcie_width: Reading[int]
    pcie_replays: Reading[int]
    persistence_mode: Reading[bool]
    compute_mode: Reading[str]
    ecc_mode: Reading[bool]
    ecc_mode_pending: Reading[bool]
    ecc_corrected_volatile: Reading[int]
    ecc_uncorrected_volatile: Reading[int]
    ecc_corrected_total: Reading[int]
    ecc_uncorrected_total: Reading[int]
    remapped_rows_correctable: Reading[int]
    remapped_rows_uncorrectable: Reading[int]
    row_remap_pending: Reading[bool]
    row_remap_failed: Reading[bool]
    retired_pages_pending: Reading[bool]
    recovery_action: Reading[str]
    nvlinks_up: Reading[int]
    nvlinks: Reading[int]
    mig_mode: Reading[bool]
    mig_mode_pending: Reading[bool]
    processes: Reading[tuple[GpuProcess, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigDevice:
    """A slice of a GPU in MIG mode, with a UUID of its own."""

    uuid: str
    index: int
    name: Reading[str]
    gpu_instance: Reading[int]
    compute_instance: Reading[int]
    multiprocessors: Reading[int]
    vram_bytes: Reading[int]
    vram_used_bytes: Reading[int]
    processes: Reading[tuple[GpuProcess, ...]]


OK = "ok"
LOST = "lost"
SILENT = "silent"
MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU by its UUID.

    `state` is ok, lost (fell off the bus), silent (the driver does not answer
    for it) or missing (was here, is not any more).  `withheld_by` lists the
    fault codes for which it is not offered; empty means it can be.
    """

    uuid: str
    state: str
    identity: Identity
    sample: Sample
    condition: Condition
    mig_devices: tuple[MigDevice, ...]
    withheld_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The NVIDIA driver as NVML shows it.

    `state` is ok, starting, absent (no library or no kernel module), mismatched
    (library and kernel module of different versions), forbidden (no permission)
    or failed; `detail` says what NVML answered.
    """

    state: str
    detail: str
    driver_version: Reading[str]
    nvml_version: Reading[str]
    cuda_version: Reading[str]
