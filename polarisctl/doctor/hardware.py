"""Processors, memory and disks against what a host needs.  Pure; made by `gather.hardware`."""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, warning
from polarisctl.doctor.limits import nominal_bytes
from polarisd.api.reading import READ_ERROR, Reading, Unknown


@dataclass(frozen=True, slots=True)
class Hardware:
    """Logical processors (what a cloud sells as a core) and memory."""

    cpus: Reading[int]
    memory_bytes: Reading[int]


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the file system of `path`; `measured_at` is the directory that exists."""

    path: str
    measured_at: str
    free_bytes: Reading[int]


def parse_cpuinfo(text: str) -> Reading[int]:
    """Logical processors: the `processor` lines of /proc/cpuinfo."""
    count = sum(line.split(":")[0].strip() == "processor" for line in text.splitlines())
    return count or Unknown(READ_ERROR, "no processor is listed")


def parse_meminfo(text: str) -> Reading[int]:
    """MemTotal of /proc/meminfo, in bytes."""
    for line in text.splitlines():
        match line.split():
            case ["MemTotal:", number, "kB"] if number.isascii() and number.isdigit():
                return int(number) * 1024
    return Unknown(READ_ERROR, "no MemTotal is listed")


def gib(size_bytes: int) -> str:
    return f"{size_bytes / limits.GIB:.1f} GiB"


def cpu(hardware: Hardware) -> Finding:
    needed = f"{limits.CPUS_MIN} CPUs, {limits.CPUS_RECOMMENDED} recommended"
    count = hardware.cpus
    if isinstance(count, Unknown):
        return cannot_tell("/proc/cpuinfo", count, needed)
    found = f"{count} CPU{'' if count == 1 else 's'}"
    if count < limits.CPUS_MIN:
        return failure(found, needed, "Use a machine with more cores.")
    if count < limits.CPUS_RECOMMENDED:
        return warning(found, needed, "Renters will wait for the CPU; more cores help.")
    return ok(found)


def memory(hardware: Hardware) -> Finding:
    needed = f"{limits.MEMORY_MIN_GB} GB, {limits.MEMORY_RECOMMENDED_GB} GB recommended"
    size = hardware.memory_bytes
    if isinstance(size, Unknown):
        return cannot_tell("/proc/meminfo", size, needed)
    if size < nominal_bytes(limits.MEMORY_MIN_GB):
        return failure(gib(size), needed, "Add memory.")
    if size < nominal_bytes(limits.MEMORY_RECOMMENDED_GB):
        return warning(gib(size), needed, "Add memory, or expect renters' jobs to be killed.")
    return ok(gib(size))


def disk(space: Space) -> Finding:
    needed = f"{limits.DISK_MIN_GB} GB free, {limits.DISK_RECOMMENDED_GB} GB recommended"
    free = space.free_bytes
    if isinstance(free, Unknown):
        return cannot_tell(f"the free space of {space.path}", free, needed)
    found = f"{gib(free)} free for {space.path}"
    if space.measured_at != space.path:
        found += f" (not there yet; measured at {space.measured_at})"
    advice = "Free some space or move the directory to a larger disk. What fills it:"
    usage = f"sudo du -xh --max-depth=1 {space.measured_at} | sort -h | tail"
    if free < nominal_bytes(limits.DISK_MIN_GB):
        return failure(found, needed, advice, usage)
    if free < nominal_bytes(limits.DISK_RECOMMENDED_GB):
        return warning(found, needed, advice, usage)
    return ok(found)
