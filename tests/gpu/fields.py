"""Which field of nvidia-smi is which of ours, and how far apart the two may be.  Pure.

What does not move must be equal.  What moves is compared with what nvidia-smi said
before and after our reading: it must lie between the two, give or take the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from polarisd.gpu.rates import throttle_names

MIB = 1 << 20
_FLAGS = {"enabled": True, "disabled": False, "yes": True, "no": False}


class NotAValue(Exception):
    """nvidia-smi says that it has none: [N/A], [Not Supported], [GPU is lost], ..."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `slack` in our unit, `share` of the value; `moves` if it is a live reading."""

    name: str
    path: str
    read: Callable[[str], object]
    slack: float = 0.0
    share: float = 0.0
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What both say of one field of one GPU; `why` is empty when they agree."""

    name: str
    theirs: str
    ours: object
    why: str


def text(value: str) -> str:
    return value.casefold()


def number(unit: float = 1.0) -> Callable[[str], float]:
    return lambda value: float(value) * unit


def flag(value: str) -> bool:
    return _FLAGS[value.casefold()]


def performance_state(value: str) -> int:
    return int(value.removeprefix("P"))


def reasons(value: str) -> object:
    return throttle_names(int(value, 16))


FIELDS = (
    Field("index", "identity.index", number()),
    Field("name", "identity.name", text),
    Field("pci.bus_id", "identity.pci_bus_id", text),
    Field("serial", "identity.serial", text),
    Field("vbios_version", "identity.vbios", text),
    Field("compute_cap", "identity.compute_capability", text),
    # whole MiB
    Field("memory.total", "identity.vram_bytes", number(MIB), slack=MIB),
    Field("pcie.link.gen.max", "identity.pcie_max_generation", number()),
    Field("pcie.link.width.max", "identity.pcie_max_width", number()),
    # hundredths of a watt
    Field("power.default_limit", "identity.power_limit_default_w", number(), slack=0.01),
    Field("power.min_limit", "identity.power_limit_min_w", number(), slack=0.01),
    Field("power.max_limit", "identity.power_limit_max_w", number(), slack=0.01),
    Field("clocks.max.sm", "identity.sm_clock_max_mhz", number()),
    Field("clocks.max.memory", "identity.memory_clock_max_mhz", number()),
    Field("enforced.power.limit", "condition.power_limit_w", number(), slack=0.01),
    Field("persistence_mode", "condition.persistence_mode", flag),
    Field("compute_mode", "condition.compute_mode", text),
    Field("ecc.mode.current", "condition.ecc_mode", flag),
    Field("ecc.mode.pending", "condition.ecc_mode_pending", flag),
    Field("mig.mode.current", "condition.mig_mode", flag),
    Field("mig.mode.pending", "condition.mig_mode_pending", flag),
    Field("retired_pages.pending", "condition.retired_pages_pending", flag),
    *(
        Field(f"ecc.errors.{kind}.{theirs}.total", f"condition.ecc_{kind}_{ours}", number())
        for kind in ("corrected", "uncorrected")
        for theirs, ours in (("volatile", "volatile"), ("aggregate", "total"))
    ),
    # an idle card changes these by itself, as soon as somebody asks it
    Field("pstate", "condition.performance_state", performance_state, slack=12, moves=True),
    Field("pcie.link.gen.current", "condition.pcie_generation", number(), slack=4, moves=True),
    Field("pcie.link.width.current", "condition.pcie_width", number(), moves=True),
    Field("fan.speed", "condition.fan_percent", number(), slack=10, moves=True),
    Field("utilization.gpu", "sample.utilisation_percent", number(), slack=25, moves=True),
    Field("utilization.memory", "sample.memory_busy_percent", number(), slack=25, moves=True),
    Field("memory.used", "sample.vram_used_bytes", number(MIB), slack=64 * MIB, moves=True),
    Field("memory.free", "sample.vram_free_bytes", number(MIB), slack=64 * MIB, moves=True),
    Field("memory.reserved", "sample.vram_reserved_bytes", number(MIB), slack=MIB, moves=True),
    Field("power.draw", "sample.power_w", number(), slack=10, share=0.15, moves=True),
    Field("temperature.gpu", "sample.temperature_c", number(), slack=3, moves=True),
    Field("temperature.memory", "sample.memory_temperature_c", number(), slack=3, moves=True),
    Field("clocks.sm", "sample.sm_clock_mhz", number(), slack=150, share=0.1, moves=True),
    Field("clocks.mem", "sample.memory_clock_mhz", number(), slack=150, share=0.1, moves=True),
    Field("clocks_event_reasons.active", "sample.throttle", reasons, moves=True),
)


def parsed(field: Field, value: str) -> object:
    """NotAValue where nvidia-smi has none."""
    if value.startswith("[") or value.casefold() in ("n/a", "", "unknown error"):
        raise NotAValue(value)
    return field.read(value)


def ours(gpu: Mapping[str, object], path: str) -> object:
    """The reading at a dotted path; {"unknown": ...} as it is."""
    value: object = gpu
    for key in path.split("."):
        assert isinstance(value, Mapping), path
        value = value[key]
    if isinstance(value, str):
        return value.casefold()
    return tuple(value) if isinstance(value, list) else value


def judge(field: Field, before: str, after: str, reading: object) -> Verdict:
    """Whether our reading agrees with what nvidia-smi said around it."""
    shown = before if before == after else f"{before} … {after}"
    why = _difference(field, before, after, reading)
    return Verdict(field.name, shown, reading, why)


def _difference(field: Field, before: str, after: str, reading: object) -> str:
    unknown = isinstance(reading, Mapping)
    try:
        around = [parsed(field, value) for value in (before, after)]
    except NotAValue:
        return "" if unknown else "only Polaris has a value"
    except (ValueError, KeyError):
        return "cannot read what nvidia-smi says"
    if unknown:
        return "only nvidia-smi has a value"
    if any(type(value) not in (int, float) for value in (*around, reading)):
        same = any(type(reading) is type(value) and reading == value for value in around)
        return "" if same else "differ"
    low, high, mine = _numbers(*around, reading)
    slack = field.slack + field.share * max(abs(low), abs(high))
    return "" if min(low, high) - slack <= mine <= max(low, high) + slack else _apart(slack)


def _numbers(*values: object) -> list[float]:
    return [value for value in values if isinstance(value, (int, float))]


def _apart(slack: float) -> str:
    return f"more than {slack:g} apart" if slack else "differ"
