"""Files of /proc and pairs of counters into readings of the host.  Pure.

`host` reads them.  A counter that went back (an interface was reset, a driver
reloaded) gives an Unknown, never a negative or an enormous rate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from polarisd.api.reading import NOT_READ_YET, NOT_SUPPORTED, READ_ERROR, Reading, Unknown

# The clock that `boot_at` is reckoned with is corrected all the time, by less.
_BOOT_SLACK_S = 2.0

# Interfaces whose bytes also pass through a real one, or never leave the machine.
# Bridges, bonds and VLANs are here as well: their members are what is counted.
_NOT_COUNTED = re.compile(
    r"(veth|vnet|virbr|brq|bridge|docker|podman|cni|flannel|cali|lxc|lxdbr|kube|nodelocaldns"
    r"|cilium|weave|ovs|vlan|vxlan|geneve|gretap|erspan|ip6tnl|tap|tailscale|zt|macvlan|macvtap"
    r"|ipvlan|nlmon).*"
    # Too short to stand alone: "lo" and "br-5f2c" are meant, "lom0" and "brcm0" are not.
    r"|(lo|br|bond|team|dummy|ifb|gre|sit|tunl|ip_vti|ip6_vti|tun|wg)([-_\d].*)?"
    r"|.*[.@].*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTime:
    """Milliseconds of all processors together, since boot."""

    busy_ms: int
    idle_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes of one interface, since it came up."""

    tx_bytes: int
    rx_bytes: int


def cpu_percent(before: CpuTime, after: CpuTime) -> Reading[float]:
    busy_ms = after.busy_ms - before.busy_ms
    idle_ms = after.idle_ms - before.idle_ms
    if busy_ms < 0 or idle_ms < 0:
        return Unknown(READ_ERROR, "the processor's counters went back")
    if busy_ms + idle_ms == 0:
        return Unknown(NOT_READ_YET, "no time has passed since the reading before")
    return 100 * busy_ms / (busy_ms + idle_ms)


def is_counted(interface: str) -> bool:
    """Whether an interface's traffic is the machine's, going by its name."""
    return _NOT_COUNTED.fullmatch(interface) is None


def network_rates(
    before: Mapping[str, Traffic], after: Mapping[str, Traffic], elapsed_s: float
) -> tuple[Reading[float], Reading[float]]:
    """`(tx_bps, rx_bps)` summed over the interfaces that were there both times."""
    if not after:
        nothing = Unknown(NOT_SUPPORTED, "no network interface but loopback and virtual ones")
        return nothing, nothing
    both = [(before[name], after[name]) for name in after if name in before]
    if not both or elapsed_s <= 0:
        early = Unknown(NOT_READ_YET, "a rate needs two readings")
        return early, early
    tx = [new.tx_bytes - old.tx_bytes for old, new in both]
    rx = [new.rx_bytes - old.rx_bytes for old, new in both]
    return _rate(tx, elapsed_s), _rate(rx, elapsed_s)


def _rate(gained: list[int], elapsed_s: float) -> Reading[float]:
    if min(gained) < 0:
        return Unknown(READ_ERROR, "a network counter went back")
    return sum(gained) / elapsed_s


def steady_boot_at(before: float | None, reckoned: float) -> float:
    """The boot time, changed only when the clock was set rather than corrected."""
    if before is not None and abs(reckoned - before) < _BOOT_SLACK_S:
        return before
    return reckoned


def kibibytes_in(meminfo: str) -> dict[str, int]:
    """The figures of /proc/meminfo that are in kB, by name."""
    return {
        match[1]: int(match[2])
        for match in re.finditer(r"^([A-Za-z_()0-9]+):\s+([0-9]{1,15}) kB$", meminfo, re.MULTILINE)
    }


def cpu_model_in(cpuinfo: str) -> str | None:
    # "Model" is how ARM boards say it, "cpu" how POWER does.
    pattern = r"^(?:model name|Model|cpu model|cpu)[ \t]*:[ \t]*(\S.*)$"
    match = re.search(pattern, cpuinfo, re.MULTILINE)
    return " ".join(match[1].split()) if match else None


def os_name_in(os_release: str) -> str | None:
    """PRETTY_NAME, which os-release(5) quotes as a shell does."""
    found = re.findall(r"^PRETTY_NAME=(.*)$", os_release, re.MULTILINE)
    if not found:
        return None
    value = found[-1].strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return re.sub(r"\\(.)", r"\1", value) or None
