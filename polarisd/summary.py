"""The machine in one line, for `systemctl status`.  Pure."""

from __future__ import annotations

from polarisd.api.snapshot import Snapshot
from polarisd.health.catalogue import ERROR


def status_line(snapshot: Snapshot) -> str:
    """ASCII, short: GPUs on offer, whether offering, what is wrong."""
    gpus = snapshot.gpus
    able = sum(not gpu.withheld_by for gpu in gpus)
    offering = "offering" if snapshot.daemon.offering.wanted else "not offering"
    parts = [f"{able} of {len(gpus)} GPUs able to work", offering]
    if snapshot.driver.state != "ok":
        parts[0] = f"no GPUs: driver {snapshot.driver.state}"
    codes = sorted({fault.code for fault in snapshot.faults if fault.severity == ERROR})
    if codes:
        parts.append("wrong: " + ", ".join(codes))
    if snapshot.benchmarks:
        parts.append("benchmark running")
    if any(fault.code == "config_not_applied" for fault in snapshot.faults):
        parts.append("configuration refused")
    return "; ".join(parts)
