"""Machines as polarisd would describe them, for drawing and for scripted daemons.

Made of polarisd's own dataclasses, so that what is drawn here is what is sent.
Everything follows from the instant asked for: the same instant, the same machine.
"""

from __future__ import annotations

from math import sin
from typing import Any

from polarisd.api.encode import to_wire
from polarisd.api.gpu import Driver
from polarisd.api.reading import NO_DRIVER, Unknown
from polarisd.api.snapshot import Daemon, Disk, Event, Fault, Host, Offering, Snapshot
from tests.terminal.scene_gpus import AT, GIB, gpu, lost_gpu, sample, sliced_gpu, uuid

__all__ = ["AT", "events", "history", "snapshot", "uuid"]

STARTED_AT = AT - 11_520


def host(at: float) -> Host:
    t = at - AT
    return Host(
        read_at=at,
        hostname="gpu-07.example.net",
        os_name="Debian GNU/Linux 12",
        kernel="6.1.0-28-amd64",
        boot_at=AT - 12.4 * 86400,
        cpu_model="AMD EPYC 9554 64-Core Processor",
        cpu_threads=128,
        cpu_cores=64,
        cpu_percent=34 + 12 * sin(t / 7) + 4 * sin(t / 2),
        load_1m=42.3,
        load_5m=40.1,
        load_15m=38.8,
        memory_total_bytes=1007 * GIB,
        memory_available_bytes=int((595 - 20 * sin(t / 90)) * GIB),
        swap_total_bytes=0,
        swap_used_bytes=0,
        network_tx_bps=abs(12e6 * sin(t / 11)) + 2e5,
        network_rx_bps=abs(301e6 * sin(t / 17)) + 1e6,
        disks=(
            Disk(path="/", total_bytes=1800 * GIB, free_bytes=120 * GIB),
            Disk(path="/var/lib/polaris", total_bytes=7000 * GIB, free_bytes=3100 * GIB),
        ),
    )


FAULTS = {
    "lost": Fault(
        code="gpu_lost",
        severity="error",
        gpu_uuid=uuid(3),
        text="the GPU has fallen off the bus (XID 79)",
        remedy="power the machine off and on; if it returns, reseat the card and its power cables",
        since_at=AT - 754,
    ),
    "hot": Fault(
        code="gpu_hot",
        severity="warning",
        gpu_uuid=uuid(2),
        text="86 °C: the hardware slows the GPU down to protect it",
        remedy="clean filters and fans, and see that air can reach the card",
        since_at=AT - 95,
    ),
    "persistence": Fault(
        code="persistence_off",
        severity="notice",
        gpu_uuid="",
        text="nvidia-persistenced does not run",
        remedy="systemctl enable --now nvidia-persistenced",
        since_at=AT - 11000,
    ),
}


def snapshot(
    at: float = AT,
    gpus: int = 8,
    faults: tuple[str, ...] = (),
    driver_state: str = "ok",
    started_at: float = STARTED_AT,
    version: int = 1,
    place: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The map a client receives. GPU 3 is lost when that fault is asked for; `place` is
    where it stands on a chain, as `chain_samples.place` has it."""
    cards = [
        lost_gpu(n, at)
        if n == 3 and "lost" in faults
        else sliced_gpu(n, at)
        if n == 9
        else gpu(n, at)
        for n in range(gpus)
    ]
    absent = Unknown(NO_DRIVER)
    works = driver_state == "ok"
    value = Snapshot(
        version=version,
        taken_at=at,
        daemon=Daemon(
            version="0.1.0",
            pid=812,
            started_at=started_at,
            role="miner",
            mode="bittensor" if place else "independent",
            config_path="/etc/polaris/polaris.toml",
            offering=Offering(wanted=True, since_at=started_at),
        ),
        driver=Driver(
            state=driver_state,
            detail="" if works else "libnvidia-ml.so.1: cannot open shared object file",
            driver_version="570.86.15" if works else absent,
            nvml_version="12.570.86.15" if works else absent,
            cuda_version="12.8" if works else absent,
        ),
        gpus=tuple(cards),
        host=host(at),
        faults=tuple(FAULTS[name] for name in faults),
        **(place or {}),
    )
    wire: dict[str, Any] = to_wire(value)  # type: ignore[assignment]
    return wire


def history(at: float = AT, gpus: int = 8, seconds: int = 600) -> dict[str, Any]:
    """The daemon's `history` reply for the same machine."""
    times = [at - n for n in reversed(range(seconds))]
    columns: dict[str, Any] = {}
    names = (
        "utilisation_percent",
        "memory_busy_percent",
        "vram_used_bytes",
        "power_w",
        "temperature_c",
        "sm_clock_mhz",
        "memory_clock_mhz",
    )
    for n in range(gpus):
        samples = [sample(n, t) for t in times]
        columns[uuid(n)] = {
            "read_at": times,
            **{name: [getattr(s, name) for s in samples] for name in names},
            "throttle": ["+".join(s.throttle) for s in samples],  # type: ignore[arg-type]
        }
    hosts = [host(t) for t in times]
    return {
        "interval_s": 1.0,
        "gpus": columns,
        "host": {
            "read_at": times,
            "cpu_percent": [h.cpu_percent for h in hosts],
            "memory_used_bytes": [h.memory_total_bytes - h.memory_available_bytes for h in hosts],  # type: ignore[operator]
            "network_tx_bps": [h.network_tx_bps for h in hosts],
            "network_rx_bps": [h.network_rx_bps for h in hosts],
        },
    }


def events(at: float = AT) -> list[dict[str, Any]]:
    found = [
        Event(kind="offering_changed", at=at - 11520, gpu_uuid="", text="offering begins"),
        Event(
            kind="config_reloaded", at=at - 3000, gpu_uuid="", text="gpu.sample_interval_s changed"
        ),
        Event(
            kind="xid",
            at=at - 755,
            gpu_uuid=uuid(3),
            text="XID 79: GPU has fallen off the bus",
            xid=79,
        ),
        Event(
            kind="fault_raised",
            at=at - 754,
            gpu_uuid=uuid(3),
            text="gpu_lost: the GPU has fallen off the bus",
            code="gpu_lost",
        ),
        Event(
            kind="fault_raised",
            at=at - 95,
            gpu_uuid=uuid(2),
            text="gpu_hot: the hardware slows the GPU down",
            code="gpu_hot",
        ),
    ]
    return [to_wire(event) for event in found]  # type: ignore[misc]
