"""Readings of the machine around the GPUs.

`daemon` calls `HostProbe.read` from a worker thread, once a sample.  What it
makes of the counters is in `hostmath`.  The only importer of psutil.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from polarisd.api.reading import (
    NO_PERMISSION,
    NOT_READ_YET,
    NOT_SUPPORTED,
    READ_ERROR,
    Reading,
    Unknown,
)
from polarisd.api.snapshot import Disk, Host
from polarisd.hostmath import (
    CpuTime,
    Traffic,
    cpu_model_in,
    cpu_percent,
    is_counted,
    kibibytes_in,
    network_rates,
    os_name_in,
    steady_boot_at,
)

T = TypeVar("T")

# Enough for the first processor; the file of a large machine is half a megabyte.
_CPUINFO_BYTES = 8192
_MAX_DETAIL_CHARACTERS = 200
_NO_COUNTERS_YET = Unknown(NOT_READ_YET, "a rate needs two readings")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    """What does not change while the machine runs."""

    os_name: Reading[str]
    cpu_model: Reading[str]
    cpu_threads: Reading[int]
    cpu_cores: Reading[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counters:
    """What the rates of the next reading are reckoned from."""

    at: float
    cpu: Reading[CpuTime]
    network: Reading[dict[str, Traffic]]


class HostProbe:
    """Reads the host; remembers the counters of the reading before.

    Resource handling: blocking, though quick; one thread at a time.
    """

    def __init__(
        self,
        disk_paths: tuple[str, ...],
        *,
        clock: Callable[[], float] = time.monotonic,
        procfs: str = "/proc",
        os_release: str = "/etc/os-release",
    ) -> None:
        self._disk_paths = disk_paths
        self._clock = clock
        self._procfs = procfs
        self._os_release = os_release
        self._fixed: _Fixed | None = None
        self._before: _Counters | None = None
        self._boot_at: float | None = None

    def read(self, now: float) -> Host:
        """The host as it is; `now` is the UTC time for `read_at`."""
        if self._fixed is None:
            self._fixed = self._read_fixed()
        before, self._before = self._before, self._read_counters()
        tx_bps, rx_bps = _network_rates(before, self._before)
        load = attempt(psutil.getloadavg)
        memory = attempt(lambda: kibibytes_in(self._text("meminfo")))
        uptime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._boot_at = steady_boot_at(self._boot_at, now - uptime_s)
        swap_total, swap_free = _memory(memory, "SwapTotal"), _memory(memory, "SwapFree")
        return Host(
            read_at=now,
            hostname=socket.gethostname(),
            os_name=self._fixed.os_name,
            kernel=os.uname().release,
            boot_at=self._boot_at,
            cpu_model=self._fixed.cpu_model,
            cpu_threads=self._fixed.cpu_threads,
            cpu_cores=self._fixed.cpu_cores,
            cpu_percent=_cpu_percent(before, self._before),
            load_1m=load if isinstance(load, Unknown) else load[0],
            load_5m=load if isinstance(load, Unknown) else load[1],
            load_15m=load if isinstance(load, Unknown) else load[2],
            memory_total_bytes=_memory(memory, "MemTotal"),
            memory_available_bytes=_memory(memory, "MemAvailable"),
            swap_total_bytes=swap_total,
            swap_used_bytes=_difference(swap_total, swap_free),
            network_tx_bps=tx_bps,
            network_rx_bps=rx_bps,
            disks=_disks(self._disk_paths),
        )

    def _text(self, name: str, max_bytes: int = 1 << 16) -> str:
        with open(f"{self._procfs}/{name}", "rb") as file:
            return file.read(max_bytes).decode(errors="replace")

    def _read_fixed(self) -> _Fixed:
        return _Fixed(
            os_name=self._read_os_name(),
            cpu_model=named(
                attempt(lambda: cpu_model_in(self._text("cpuinfo", _CPUINFO_BYTES))),
                "this processor has no model name in /proc/cpuinfo",
            ),
            cpu_threads=named(attempt(psutil.cpu_count), "the system does not count its threads"),
            cpu_cores=named(
                attempt(lambda: psutil.cpu_count(logical=False)),
                "the system does not count its cores",
            ),
        )

    def _read_os_name(self) -> Reading[str]:
        def name() -> str | None:
            with open(self._os_release, encoding="utf-8", errors="replace") as file:
                return os_name_in(file.read(1 << 16))

        return named(attempt(name), f"{self._os_release} has no PRETTY_NAME")

    def _read_counters(self) -> _Counters:
        return _Counters(at=self._clock(), cpu=attempt(_read_cpu), network=attempt(_read_network))


def attempt(read: Callable[[], T]) -> Reading[T]:
    """What `read` returns, or why it could not: one missing file hides nothing else."""
    try:
        return read()
    except PermissionError as error:
        return Unknown(NO_PERMISSION, str(error)[:_MAX_DETAIL_CHARACTERS])
    except (OSError, psutil.Error, ValueError, LookupError, RuntimeError) as error:
        detail = str(error) or type(error).__name__
        return Unknown(READ_ERROR, detail[:_MAX_DETAIL_CHARACTERS])


def named(reading: Reading[T | None], why: str) -> Reading[T]:
    """A reading in which None means that the system does not say."""
    return Unknown(NOT_SUPPORTED, why) if reading is None else reading


def _read_cpu() -> CpuTime:
    times = psutil.cpu_times()
    # `user` and `nice` hold the time of guests already.
    busy = (times.user, times.nice, times.system, times.irq, times.softirq, times.steal)
    return CpuTime(busy_ms=_whole_ms(busy), idle_ms=_whole_ms((times.idle, times.iowait)))


def _whole_ms(times_s: tuple[float, ...]) -> int:
    """Exact again: sums of fractions would show work where there was none."""
    return sum(round(time_s * 1000) for time_s in times_s)


def _read_network() -> dict[str, Traffic]:
    # `nowrap` would have psutil keep counters of its own and hide a reset.
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    return {
        name: Traffic(tx_bytes=counter.bytes_sent, rx_bytes=counter.bytes_recv)
        for name, counter in counters.items()
        if is_counted(name)
    }


def _cpu_percent(before: _Counters | None, after: _Counters) -> Reading[float]:
    if isinstance(after.cpu, Unknown):
        return after.cpu
    if before is None or isinstance(before.cpu, Unknown):
        return _NO_COUNTERS_YET
    return cpu_percent(before.cpu, after.cpu)


def _network_rates(
    before: _Counters | None, after: _Counters
) -> tuple[Reading[float], Reading[float]]:
    if isinstance(after.network, Unknown):
        return after.network, after.network
    if before is None or isinstance(before.network, Unknown):
        return _NO_COUNTERS_YET, _NO_COUNTERS_YET
    return network_rates(before.network, after.network, after.at - before.at)


def _memory(table: Reading[dict[str, int]], key: str) -> Reading[int]:
    if isinstance(table, Unknown):
        return table
    if key not in table:
        return Unknown(NOT_SUPPORTED, f"/proc/meminfo has no {key}")
    return table[key] * 1024


def _difference(whole: Reading[int], part: Reading[int]) -> Reading[int]:
    if isinstance(whole, Unknown):
        return whole
    if isinstance(part, Unknown):
        return part
    if part > whole:
        return Unknown(READ_ERROR, f"{part} of {whole} bytes are said to be free")
    return whole - part


def _disks(paths: tuple[str, ...]) -> tuple[Disk, ...]:
    """One Disk a file system: of paths on the same device the first stands for all."""
    disks: list[Disk] = []
    devices: set[int] = set()
    for path in paths:
        device = _device(path)
        if isinstance(device, Unknown):
            disks.append(Disk(path=path, total_bytes=device, free_bytes=device))
        elif device not in devices:
            devices.add(device)
            disks.append(_disk(path))
    return tuple(disks)


def _device(path: str) -> Reading[int]:
    return attempt(lambda: os.stat(path).st_dev)


def _disk(path: str) -> Disk:
    usage = attempt(lambda: psutil.disk_usage(path))
    if isinstance(usage, Unknown):
        return Disk(path=path, total_bytes=usage, free_bytes=usage)
    return Disk(path=path, total_bytes=usage.total, free_bytes=usage.free)
