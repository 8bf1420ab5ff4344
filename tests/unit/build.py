"""What the tests of polarisd are made of: records with known values, and random ones.

The records of one GPU as clients see them come from `ctl_samples`; here is what the
daemon holds before it gets there: raw samples, cards, frames of the child, a snapshot.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from polarisd.api.encode import to_wire
from polarisd.api.gpu import OK, Driver, Gpu, Identity, Sample
from polarisd.api.reading import REASONS, Unknown
from polarisd.api.snapshot import Daemon, Offering, Snapshot
from polarisd.gpu import raw
from polarisd.gpu.inventory import Card, to_gpu
from polarisd.gpu.raw import RawSample
from polarisd.gpu.sampling import GpuView
from tests.unit import ctl_samples
from tests.unit.ctl_samples import (
    GIB,
    NOW,
    condition,
    fault,
    gpu,
    host,
    mig_device,
    sample,
    uuid_of,
)

__all__ = [
    "GIB",
    "NOW",
    "UNREAD",
    "card",
    "condition",
    "condition_frame",
    "driver",
    "fault",
    "gpu",
    "gpu_frame",
    "host",
    "identity",
    "mig_device",
    "raw_sample",
    "records",
    "sample",
    "sample_frame",
    "snapshot",
    "unknown_where",
    "unknowns",
    "uuid_of",
    "view",
]

T = TypeVar("T")

UNREAD = Unknown("timed_out", "nvmlDeviceGet...")
MEAN_W = 300.0


def identity(number: int = 0, **changes: Any) -> Identity:
    """That of the GPU with `uuid_of(number)`, at index `number` unless changed."""
    return replace(ctl_samples.identity(number), **changes)


def raw_sample(read_s: float = 100.0, **changes: Any) -> RawSample:
    """A sample of a busy card; its counters run at fixed rates from `read_s` 0 on."""
    base: dict[str, Any] = {
        "read_s": read_s,
        "read_at": NOW + read_s,
        "utilisation_percent": 97,
        "memory_busy_percent": 55,
        "vram_used_bytes": 70 * GIB,
        "vram_free_bytes": 9 * GIB,
        "vram_reserved_bytes": GIB,
        "temperature_c": 64,
        "memory_temperature_c": 71,
        "sm_clock_mhz": 1755,
        "memory_clock_mhz": 2619,
        "throttle_mask": 0,
        "power_mw": 650_000,
        "energy_mj": round(read_s * MEAN_W * 1000),
        "pcie_tx_bytes": round(read_s * 1_000_000),
        "pcie_rx_bytes": round(read_s * 2_000_000),
        "nvlink_tx_kib": round(read_s * 3_000),
        "nvlink_rx_kib": round(read_s * 4_000),
    }
    return RawSample(**{**base, **changes})


def driver(state: str = "ok", detail: str = "", **changes: Any) -> Driver:
    base = Driver(
        state=state,
        detail=detail,
        driver_version="570.86.15",
        nvml_version="12.570.86.15",
        cuda_version="12.8",
    )
    return replace(base, **changes)


def card(number: int = 0, state: str = OK, **changes: Any) -> Card:
    base = Card(identity(number), state, sample(), condition())
    return replace(base, **changes)


def view(*cards: Card, sampled: bool = False, no_events: str = "", **of_driver: Any) -> GpuView:
    return GpuView(driver(**of_driver), cards, no_events, sampled)


def snapshot(**changes: Any) -> Snapshot:
    base = Snapshot(
        version=0,
        taken_at=NOW,
        daemon=Daemon(
            version="0.1.0",
            pid=7,
            started_at=NOW,
            role="miner",
            mode="independent",
            config_path="/etc/polaris/polaris.toml",
            offering=Offering(wanted=True, since_at=NOW),
        ),
        driver=driver(),
        gpus=(),
        host=host(),
        faults=(),
    )
    return replace(base, **changes)


# Frames as the child sends them, and the daemon decodes them.


def gpu_frame(number: int = 0, **changes: Any) -> list[Any]:
    return [raw.GPU, to_wire(identity(number, **changes))]


def sample_frame(number: int = 0, tick: int = 1, **changes: Any) -> list[Any]:
    return [raw.SAMPLE, tick, uuid_of(number), to_wire(raw_sample(**changes))]


def condition_frame(number: int = 0, *mig: object, **changes: Any) -> list[Any]:
    devices = [to_wire(device) for device in mig]
    return [raw.CONDITION, 1, uuid_of(number), to_wire(condition(**changes)), devices]


def unknown_where(record: T, *names: str) -> T:
    """`record` with these readings Unknown; all of them that may be if none is named."""
    hints = get_type_hints(type(record))
    chosen = names or tuple(n for n, hint in hints.items() if Unknown in get_args(hint))
    return replace(record, **dict.fromkeys(chosen, UNREAD))  # type: ignore[type-var]


unknowns = st.builds(Unknown, st.sampled_from([*REASONS]), st.text(max_size=20))
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(0, 2**64 - 1) | st.integers(0, 100),
    float: st.floats(0, 1e12),
    bool: st.booleans(),
}


def records(cls: type[T]) -> st.SearchStrategy[T]:
    """Random ones, each reading known or not."""
    assert is_dataclass(cls)
    hints = get_type_hints(cls)
    made: st.SearchStrategy[T] = st.builds(cls, **{f.name: _of(hints[f.name]) for f in fields(cls)})
    return made


def _of(kind: Any) -> st.SearchStrategy[Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is Unknown:
        return unknowns
    if is_dataclass(kind):
        return records(kind)  # type: ignore[arg-type]
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*map(_of, args))
    assert origin is tuple, f"no strategy for {kind}"
    return st.lists(_of(args[0]), max_size=3).map(tuple)


def gpus_of(*cards: Card) -> list[Gpu]:
    return [to_gpu(each, ()) for each in cards]


def readings_of(record: Identity | Sample) -> list[object]:
    """Everything in a record that may be Unknown."""
    hints = get_type_hints(type(record))
    return [getattr(record, n) for n, hint in hints.items() if Unknown in get_args(hint)]
