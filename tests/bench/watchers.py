"""A hundred watchers at 10 Hz during a burst: what they cost, and whether the sampler is late."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from polarisctl.client import Client
from tests.bench import daemon
from tests.bench.place import REPOSITORY, Place
from tests.bench.process import cpu_s, family
from tests.bench.result import Row, number, percentile

GPUS = 8
WATCHERS = 100
INTERVAL_S = 0.1
SECONDS = 15.0
_CONNECT_S = 1.5


@dataclass(frozen=True, slots=True)
class Seen:
    """How late each sample was in ms, how many are missing, and per cent of a core."""

    late_ms: list[float]
    missed: int
    daemon_percent: float
    child_percent: float
    bytes_per_s: float


def run(place: Place) -> Iterator[Row]:
    with daemon.running(place, daemon.machine(place, GPUS)) as polarisd:
        seen = {count: _observe(polarisd, count) for count in (0, WATCHERS)}
    for count, what in seen.items():
        yield _row(count, what)
    before, after = (_middle(seen[count].late_ms, 0.95) for count in (0, WATCHERS))
    yield Row(
        f"{WATCHERS} watchers: how much later the sampler is, 95 of 100 samples",
        f"{number(after - before)} ms of an interval of {1e3 * INTERVAL_S:.0f} ms",
        target="no sample missed",
        met=seen[WATCHERS].missed == 0,
    )


def _row(count: int, seen: Seen) -> Row:
    late = ", ".join(
        f"{name} {number(_middle(seen.late_ms, share))}"
        for name, share in (("50 %", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("worst", 1.0))
    )
    return Row(
        f"{count} watchers at {1 / INTERVAL_S:.0f} Hz, {len(seen.late_ms)} samples",
        f"off the interval by, in ms: {late}; {seen.missed} missed; "
        f"polarisd {number(seen.daemon_percent)} % and its NVML process "
        f"{number(seen.child_percent)} % of a core; "
        f"{number(seen.bytes_per_s / 1e6)} MB/s sent to them",
    )


def _observe(polarisd: daemon.Running, count: int) -> Seen:
    """One more watcher, which looks at the times at which samples were taken."""
    read_at: set[float] = set()
    sent = 0
    with _crowd(polarisd, count) as crowd, Client(polarisd.socket_path) as client:
        time.sleep(_CONNECT_S)
        client.call("burst", {"interval_s": INTERVAL_S, "seconds": 60})
        watch = client.watch(INTERVAL_S / 2, events=False)
        next(watch)
        pids = family(polarisd.pid)
        begun, before = time.monotonic(), [cpu_s(pid) for pid in pids]
        for _, snapshot in watch:
            read_at.add(snapshot["gpus"][0]["sample"]["read_at"])
            if time.monotonic() - begun > SECONDS:
                break
        elapsed = time.monotonic() - begun
        shares = [100 * (cpu_s(pid) - old) / elapsed for pid, old in zip(pids, before, strict=True)]
        output, _ = crowd.communicate()
        sent = int(output)
        client.call("burst", {"interval_s": 1.0, "seconds": 1})
    gaps = [new - old for old, new in pairwise(sorted(read_at))]
    return Seen(
        late_ms=[1e3 * abs(gap - INTERVAL_S) for gap in gaps],
        missed=sum(round(gap / INTERVAL_S) - 1 for gap in gaps if gap > 1.5 * INTERVAL_S),
        daemon_percent=shares[0],
        child_percent=shares[1],
        bytes_per_s=sent / (SECONDS + 2 * _CONNECT_S),
    )


def _crowd(polarisd: daemon.Running, count: int) -> subprocess.Popen[bytes]:
    seconds = SECONDS + 2 * _CONNECT_S
    words = (polarisd.socket_path, str(count), str(INTERVAL_S), str(seconds))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.watch_peers", *words],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )


def _middle(values: list[float], share: float) -> float:
    return median(values) if share == 0.5 else percentile(values, share)
