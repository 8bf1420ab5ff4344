"""What the kernel says of a process: time, memory, wake-ups.  Linux only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

_CPUCLOCK_SCHED = 2


def cpu_s(pid: int) -> float:
    """User and system time of all threads, also of those that have ended.

    The clock of clock_getcpuclockid(3): it counts nanoseconds, where /proc/PID/stat
    counts hundredths of a second, which is more than some of our peers use in one.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def family(pid: int) -> tuple[int, ...]:
    """A process and its children; trio starts them from a worker thread."""
    children = (
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    )
    return pid, *children


def memory_bytes(pid: int) -> tuple[int, int]:
    """Resident memory, and the same with shared pages divided by who shares them."""
    kib = {
        line.split(":")[0]: int(line.split()[1])
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    }
    return kib["Rss"] * 1024, kib["Pss"] * 1024


def switches(pids: Iterable[int]) -> int:
    """How often their threads were put on a processor so far: waits and preemptions."""
    count = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if "ctxt_switches" in line:
                    count += int(line.split()[1])
    return count
