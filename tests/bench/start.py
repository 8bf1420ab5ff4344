"""From the start of the process to READY=1, and what the daemon does when nobody asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from tests.bench import daemon, timing
from tests.bench.place import BARE, Place
from tests.bench.process import cpu_s, family, switches
from tests.bench.result import Row, bounded, number

ROUNDS = 11
COUNTS = (0, 1, 8)
IDLE_S = 20.0
_TARGET_MS = 1000.0


def run(place: Place) -> Iterator[Row]:
    times: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(ROUNDS):
        for count in COUNTS:
            with daemon.running(place, daemon.machine(place, count), library=count > 0) as started:
                times[count].append(started.ready_s * 1e3)
    for count in COUNTS:
        machine = f"{count} GPUs" if count else "no NVIDIA driver"
        yield bounded(f"start to READY, {machine}", median(times[count]), "ms", below=_TARGET_MS)
    bare = timing.in_turn({"bare": timing.program(BARE, {})}, ROUNDS)["bare"]
    yield bounded("a bare interpreter, for comparison", bare, "ms")
    for count in (0, 8):
        yield _idle(place, count)


def _idle(place: Place, count: int) -> Row:
    with daemon.running(place, daemon.machine(place, count), library=count > 0) as polarisd:
        time.sleep(3.0)
        pids = family(polarisd.pid)
        begun = time.monotonic()
        woken, used = switches(pids), sum(map(cpu_s, pids))
        time.sleep(IDLE_S)
        elapsed = time.monotonic() - begun
        woken, used = switches(pids) - woken, sum(map(cpu_s, pids)) - used
    machine = f"{count} GPUs" if count else "no NVIDIA driver"
    return Row(
        f"nobody connected, {machine}",
        f"{number(woken / elapsed)} context switches a second, "
        f"{number(100 * used / elapsed)} % of a core",
    )
