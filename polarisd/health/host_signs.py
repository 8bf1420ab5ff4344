"""Which faults hold on the machine around the GPUs.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polarisd.api.reading import Unknown
from polarisd.api.snapshot import Host
from polarisd.health.board import Sign

_DISK_LOW_BYTES = 2 * 10**9
_MEMORY_LOW_PERCENT = 5.0


def host_signs(host: Host) -> Iterator[Sign]:
    for disk in host.disks:
        if isinstance(disk.free_bytes, Unknown):
            yield Sign("disk_low", key=disk.path, holds=None)
        elif disk.free_bytes < _DISK_LOW_BYTES:
            facts = {"path": disk.path, "free_gb": disk.free_bytes / 1e9}
            yield Sign("disk_low", key=disk.path, facts=facts)
    total, available = host.memory_total_bytes, host.memory_available_bytes
    if isinstance(total, Unknown) or isinstance(available, Unknown):
        yield Sign("memory_low", holds=None)
    elif total and 100 * available / total < _MEMORY_LOW_PERCENT:
        yield Sign("memory_low", facts={"percent": 100 * available / total})


def config_signs(problem: str) -> Iterator[Sign]:
    """`problem` is what the last reload found wrong, empty if nothing."""
    if problem:
        yield Sign("config_not_applied", facts={"detail": problem})


def state_signs(unreadable: Mapping[str, str], not_saved: str) -> Iterator[Sign]:
    """What is wrong with each document that could not be understood at the start, and
    why the last one could not be written, empty if it was."""
    for name, detail in unreadable.items():
        yield Sign("state_unreadable", key=name, facts={"detail": detail})
    if not_saved:
        yield Sign("state_not_saved", facts={"detail": not_saved})


def benchmark_signs(set_aside: str, not_kept: str) -> Iterator[Sign]:
    """Of the history of benchmarks: what of it was set aside because it was spoilt, and why
    it cannot be kept; empty if all is well."""
    if set_aside:
        yield Sign("benchmarks_set_aside", facts={"detail": set_aside})
    if not_kept:
        yield Sign("benchmarks_not_kept", facts={"detail": not_kept})
