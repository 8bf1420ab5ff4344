"""The state shared between a test and every process that loads the fake library.

Declared once, here, as ctypes structures; build.py writes the matching C header
from them, with a static assertion per field, so the two sides cannot drift.
Imports nothing but ctypes and typing.
"""

import ctypes
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_type_hints

MAX_GPUS = 16
MAX_FUNCTIONS = 512
MAX_FIELDS = 320
MAX_EVENTS = 1024
MAX_PROCESSES = 96
MAX_MIG = 7
MAX_LINKS = 36

MAGIC = 0x504F4C4152495301
NO_INSTANCE = 0xFFFFFFFF
"""Instance id of a process or event that belongs to no MIG instance."""
MEMORY_UNKNOWN = 0xFFFFFFFFFFFFFFFF
"""Process memory the driver cannot tell (pynvml turns it into None)."""

U32 = Annotated[int, ctypes.c_uint32]
U64 = Annotated[int, ctypes.c_uint64]
Text = Annotated[bytes, ctypes.c_char * 96]

Class = TypeVar("Class", bound=type[ctypes.Structure])


def sealed(cls: Class) -> Class:
    """Turn the annotations of `cls` into its ctypes fields."""
    hints = get_type_hints(cls, include_extras=True)
    cls._fields_ = [(name, hint.__metadata__[0]) for name, hint in hints.items()]
    return cls


@sealed
class Process(ctypes.Structure):
    """A client of the GPU; an entry is free while `pid` is 0."""

    __slots__ = ()
    pid: U32
    kind: U32  # index in KINDS
    gpu_instance: U32
    compute_instance: U32
    memory: U64


KINDS = ("compute", "graphics", "mps")


@sealed
class Event(ctypes.Structure):
    __slots__ = ()
    gpu: U32  # slot
    pad: U32
    kind: U64
    data: U64


@sealed
class MigInstance(ctypes.Structure):
    __slots__ = ()
    present: U32
    gpu_instance: U32
    compute_instance: U32
    slices: U32
    multiprocessors: U32
    copy_engines: U32
    decoders: U32
    encoders: U32
    jpegs: U32
    ofas: U32
    profile: Text
    uuid: Text
    memory_total: U64
    memory_reserved: U64
    memory_used: U64


@sealed
class Gpu(ctypes.Structure):
    """One slot. Enumerations and flags hold NVML's own numbers."""

    __slots__ = ()
    # Sickness: `present` 0 takes the GPU out of the machine, `lost` 1 leaves a dead one in it.
    present: U32
    lost: U32
    # Identity.
    name: Text
    uuid: Text
    serial: Text
    part_number: Text
    vbios: Text
    minor: U32
    architecture: U32
    cc_major: U32
    cc_minor: U32
    cores: U32
    brand: U32
    numa_node: U32
    pci_domain: U32
    pci_bus: U32
    pci_device: U32
    pci_id: U32
    pci_subsystem: U32
    # Memory, in bytes; `memory_used` excludes `memory_reserved`.
    bus_width: U32
    memory_total: U64
    memory_reserved: U64
    memory_used: U64
    bar1_total: U64
    bar1_used: U64
    # Heat and fans, in degrees Celsius and percent.
    temp: U32
    memory_temp: U32
    temp_shutdown: U32
    temp_slowdown: U32
    temp_memory_max: U32
    temp_gpu_max: U32
    fans: U32
    fan_speed: U32
    # Power, in milliwatts and millijoules.
    power_mw: U32
    power_limit_mw: U32
    power_default_mw: U32
    power_min_mw: U32
    power_max_mw: U32
    energy_mj: U64
    # Clocks in MHz: graphics, SM, memory, video.
    clocks: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * 4]
    max_clocks: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * 4]
    reasons: U64
    throttle_power_ns: U64
    throttle_sw_thermal_ns: U64
    throttle_hw_thermal_ns: U64
    throttle_brake_ns: U64
    # Use, in percent.
    util_gpu: U32
    util_memory: U32
    util_encoder: U32
    util_decoder: U32
    pstate: U32
    persistence: U32
    compute_mode: U32
    # Errors: volatile ones go with a driver reload, aggregate ones stay.
    ecc_mode: U32
    ecc_pending: U32
    ecc_corrected_volatile: U64
    ecc_corrected_aggregate: U64
    ecc_uncorrected_volatile: U64
    ecc_uncorrected_aggregate: U64
    remapped_corrected: U32
    remapped_uncorrected: U32
    remap_pending: U32
    remap_failed: U32
    retired_pending: U32
    retired_single_bit: U32
    retired_double_bit: U32
    recovery_action: U32
    # PCIe: throughput in KB/s, the two counters in bytes (they wrap at 32 bits).
    pcie_gen: U32
    pcie_width: U32
    pcie_max_gen: U32
    pcie_max_width: U32
    pcie_replays: U32
    pcie_tx_kbps: U32
    pcie_rx_kbps: U32
    pcie_tx_bytes: U32
    pcie_rx_bytes: U32
    # NVLink: data totals in KiB over all links.
    nvlinks: U32
    nvlink_version: U32
    nvlink_up: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_LINKS]
    nvlink_tx_kib: U64
    nvlink_rx_kib: U64
    # Events and MIG.
    event_types: U64
    mig_mode: U32
    mig_pending: U32
    mig: Annotated[ctypes.Array[MigInstance], MigInstance * MAX_MIG]
    processes: Annotated[ctypes.Array[Process], Process * MAX_PROCESSES]
    # Per function: what the model cannot do, and what a test injected.
    not_supported: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_FUNCTIONS]
    failure: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_FUNCTIONS]
    latency_us: Annotated[ctypes.Array[ctypes.c_uint64], ctypes.c_uint64 * MAX_FUNCTIONS]
    calls: Annotated[ctypes.Array[ctypes.c_uint64], ctypes.c_uint64 * MAX_FUNCTIONS]
    # Per field value: an nvmlReturn_t, or an overriding value (its type + 1; 0 is none).
    field_error: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_FIELDS]
    field_type: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_FIELDS]
    field_value: Annotated[ctypes.Array[ctypes.c_uint64], ctypes.c_uint64 * MAX_FIELDS]


@sealed
class State(ctypes.Structure):
    __slots__ = ()
    magic: U64
    init_error: U32
    cuda_version: U32
    field_max: U32  # field ids from here on are unknown to this driver
    event_head: U32  # events written so far
    bell: U32  # a futex: bumped after every change that a sleeper may be waiting for
    pad: U32
    driver: Text
    nvml: Text
    failure: Annotated[ctypes.Array[ctypes.c_uint32], ctypes.c_uint32 * MAX_FUNCTIONS]
    latency_us: Annotated[ctypes.Array[ctypes.c_uint64], ctypes.c_uint64 * MAX_FUNCTIONS]
    calls: Annotated[ctypes.Array[ctypes.c_uint64], ctypes.c_uint64 * MAX_FUNCTIONS]
    events: Annotated[ctypes.Array[Event], Event * MAX_EVENTS]
    gpus: Annotated[ctypes.Array[Gpu], Gpu * MAX_GPUS]


STRUCTURES: dict[type[ctypes.Structure], str] = {
    Process: "fake_process",
    Event: "fake_event",
    MigInstance: "fake_mig",
    Gpu: "fake_gpu",
    State: "fake_state",
}
SCALARS = {ctypes.c_char: "char", ctypes.c_uint32: "uint32_t", ctypes.c_uint64: "uint64_t"}
LIMITS = (
    "MAX_GPUS",
    "MAX_FUNCTIONS",
    "MAX_FIELDS",
    "MAX_EVENTS",
    "MAX_PROCESSES",
    "MAX_MIG",
    "MAX_LINKS",
    "MAGIC",
    "NO_INSTANCE",
)


def c_header() -> str:
    """The same structures in C, each offset asserted by the compiler."""
    return "\n".join(_header_lines()) + "\n"


def _header_lines() -> Iterator[str]:
    yield "/* Written by layout.py. */"
    yield "#include <stddef.h>"
    yield "#include <stdint.h>"
    for limit in LIMITS:
        yield f"#define FAKE_{limit} {globals()[limit]:#x}u" + "l" * (limit == "MAGIC")
    for structure, name in STRUCTURES.items():
        yield f"struct {name} {{"
        for field, ctype in _fields(structure):
            yield f"  {_declaration(field, ctype)};"
        yield "};"
        for field, _ in _fields(structure):
            offset = getattr(structure, field).offset
            yield f'_Static_assert(offsetof(struct {name}, {field}) == {offset}, "{field}");'
        yield f'_Static_assert(sizeof(struct {name}) == {ctypes.sizeof(structure)}, "{name}");'


def _fields(structure: type[ctypes.Structure]) -> Iterator[tuple[str, Any]]:
    for field in structure._fields_:
        yield field[0], field[1]


def _declaration(name: str, ctype: Any) -> str:
    suffix = ""
    if issubclass(ctype, ctypes.Array):
        suffix = f"[{ctype._length_}]"
        ctype = ctype._type_
    if issubclass(ctype, ctypes.Structure):
        return f"struct {STRUCTURES[ctype]} {name}{suffix}"
    return f"{SCALARS[ctype]} {name}{suffix}"
