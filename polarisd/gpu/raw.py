"""What the NVML child sends and the daemon reads: records and frame names.

Shared by both ends of the pipe; imports nothing of either.  Frames are
MessagePack arrays, the name first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from polarisd.api.reading import DRIVER_ERROR, Reading, Unknown

# daemon -> child
DO_SAMPLE = "sample"  # [name, tick]
DO_CONDITION = "condition"  # [name, tick]

# child -> daemon
DRIVER = "driver"  # [name, driver map]
FAILED = "failed"  # [name, state, detail], then the child ends
GPU = "gpu"  # [name, identity map]: first all Unknown, again when it is known
UNREADABLE = "unreadable"  # [name, index, reason, detail]: no handle, so no UUID
READY = "ready"  # [name, number of GPUs]: the list above is complete
SAMPLE = "sample"  # [name, tick, uuid, RawSample map]
CONDITION = "condition"  # [name, tick, uuid, condition map, [MIG device map]]
XID = "xid"  # [name, uuid, xid]
NO_EVENTS = "no_events"  # [name, detail]: whose XIDs cannot be waited for; empty when all can
CHANGED = "changed"  # [name, detail], then the child ends: start another

# A frame of the child is small: the longest list is one GPU's processes.
MAX_FRAME_BYTES = 1 << 20
# Of one GPU or MIG device.  With 16 GPUs of 7 MIG devices each, all of them full,
# a snapshot still fits into one frame of the control protocol.
MAX_PROCESSES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSample:
    """One reading of the fast tier, counters not yet turned into rates.

    `read_s` is the monotonic clock of the child when the counters were read,
    `read_at` is UTC.  `throttle_mask` has NVML's clock event reason bits.
    """

    read_s: float
    read_at: float
    utilisation_percent: Reading[int]
    memory_busy_percent: Reading[int]
    vram_used_bytes: Reading[int]
    vram_free_bytes: Reading[int]
    vram_reserved_bytes: Reading[int]
    temperature_c: Reading[int]
    memory_temperature_c: Reading[int]
    sm_clock_mhz: Reading[int]
    memory_clock_mhz: Reading[int]
    throttle_mask: Reading[int]
    power_mw: Reading[int]
    energy_mj: Reading[int]
    pcie_tx_bytes: Reading[int]
    pcie_rx_bytes: Reading[int]
    nvlink_tx_kib: Reading[int]
    nvlink_rx_kib: Reading[int]


R = TypeVar("R")


def reading_from_wire(value: Any) -> Any:
    """Undo `encode.to_wire` for one reading: Unknown maps and lists."""
    match value:
        case {"unknown": str(reason), "detail": str(detail)}:
            return Unknown(reason, detail)
        case list():
            return tuple(value)
    return value


def record_from_wire(cls: type[R], wire: Mapping[str, Any]) -> R:
    """A dataclass of plain readings from its map.

    A reading of another kind than declared becomes Unknown: what the driver's library
    may have done to the child's memory gets no further.  KeyError if a field is absent,
    TypeError if one that is no reading is of another kind.
    """
    record: type = cls
    return cls(**{n: _fitting(n, wire[n], kinds) for n, kinds in _kinds(record).items()})


def _fitting(name: str, wired: Any, kinds: frozenset[type]) -> Any:
    value = reading_from_wire(wired)
    if type(value) in kinds:
        return value
    why = f"{name} is of type {type(value).__name__}"
    if Unknown not in kinds:
        raise TypeError(why)
    return Unknown(DRIVER_ERROR, why)


@cache
def _kinds(cls: type) -> dict[str, frozenset[type]]:
    """The types that each field of a record may have."""
    return {name: frozenset(_plain_types(hint)) for name, hint in get_type_hints(cls).items()}


def _plain_types(hint: Any) -> tuple[type, ...]:
    if hint is float:
        return int, float
    if get_origin(hint) is tuple:
        return (tuple,)
    return tuple(t for arg in get_args(hint) for t in _plain_types(arg)) or (hint,)
