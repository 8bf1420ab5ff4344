"""The whole truth about this machine at one instant, and what happened on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from polarisd.api.benchmark import Progress
from polarisd.api.chain import Chain, Miners, Validator
from polarisd.api.gpu import Driver, Gpu
from polarisd.api.network import Network
from polarisd.api.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system that Polaris depends on."""

    path: str
    total_bytes: Reading[int]
    free_bytes: Reading[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine around the GPUs. Rates are bytes per second, loopback left out."""

    read_at: float
    hostname: str
    os_name: Reading[str]
    kernel: str
    boot_at: Reading[float]
    cpu_model: Reading[str]
    cpu_threads: Reading[int]
    cpu_cores: Reading[int]
    cpu_percent: Reading[float]
    load_1m: Reading[float]
    load_5m: Reading[float]
    load_15m: Reading[float]
    memory_total_bytes: Reading[int]
    memory_available_bytes: Reading[int]
    swap_total_bytes: Reading[int]
    swap_used_bytes: Reading[int]
    network_tx_bps: Reading[float]
    network_rx_bps: Reading[float]
    disks: tuple[Disk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One named thing that is wrong.

    `code` is a row of the catalogue in `polarisd.health`; `gpu_uuid` is empty
    when the fault is the host's.  `severity` is error (a GPU is withheld),
    warning or notice.
    """

    code: str
    severity: str
    gpu_uuid: str
    text: str
    remedy: str
    since_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """Whether this machine is meant to be offered, and since when."""

    wanted: bool
    since_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """The daemon that speaks."""

    version: str
    pid: int
    started_at: float
    role: str
    mode: str
    config_path: str
    offering: Offering


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`version` counts changes in this daemon's life; times are UTC epoch seconds."""

    version: int
    taken_at: float
    daemon: Daemon
    driver: Driver
    gpus: tuple[Gpu, ...]
    host: Host
    faults: tuple[Fault, ...]
    benchmarks: tuple[Progress, ...] = ()
    chain: Chain = field(default_factory=Chain)
    network: Network = field(default_factory=Network)
    validators: tuple[Validator, ...] = ()
    miners: Miners = field(default_factory=Miners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: `kind` is fault_raised, fault_cleared, xid,
    gpu_appeared, gpu_missing, driver_changed, offering_changed,
    config_reloaded, benchmark_ended (of which `code` is the outcome), chain_changed,
    registration_changed, endpoint_changed or address_changed."""

    kind: str
    at: float
    gpu_uuid: str
    text: str
    code: str = ""
    xid: int = 0
