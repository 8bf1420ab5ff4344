"""CPU time and memory of sampling 8 GPUs once a second, all samplers at the same time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from tests.bench import daemon, peers
from tests.bench.place import Place
from tests.bench.process import cpu_s, family, memory_bytes
from tests.bench.result import Row, bounded, number
from tests.fakes.nvml import FakeNvml

GPUS = 8
SETTLE_S = 4.0
WINDOW_S = 5.0
WINDOWS = 6
# every sampler reads this once a GPU and sample
_COUNTED = "nvmlDeviceGetUtilizationRates"
_CPU_TARGET = 1 / 10
_MEMORY_TARGET_MB = 60.0


def run(place: Place) -> Iterator[Row]:
    yield from _measured(place, users=False)
    yield from _measured(place, users=True)


def _measured(place: Place, *, users: bool) -> Iterator[Row]:
    """`users`: each GPU is used by a process, which the peers look up each time."""
    case = "a process on each GPU" if users else "idle GPUs"
    with ExitStack() as stack:
        pids = [stack.enter_context(_sleeper()).pid for _ in range(GPUS)] if users else []
        ours = _machine(place, pids)
        polarisd = stack.enter_context(daemon.running(place, ours))
        running: dict[str, tuple[tuple[int, ...], FakeNvml]] = {}
        for name, (command, on_terminal) in peers.SAMPLERS.items():
            fake = _machine(place, pids)
            process = stack.enter_context(
                peers.started(command, fake.env(), on_terminal=on_terminal)
            )
            running[name] = ((process.pid,), fake)
        time.sleep(SETTLE_S)
        running["polarisd"] = (family(polarisd.pid), ours)
        shares, pace = _watch(running)
        if users:
            yield from _memory_rows(running["polarisd"][0])
    mine = median(map(sum, shares["polarisd"]))
    daemon_share, child_share = (median(w[i] for w in shares["polarisd"]) for i in (0, 1))
    yield Row(
        f"{case}: CPU of polarisd and its NVML process",
        f"{number(mine)} % of a core ({number(daemon_share)} + {number(child_share)}), "
        f"{pace['polarisd']}",
        target="< 1 % of a core",
        met=mine < 1,
    )
    for name in peers.SAMPLERS:
        theirs = median(map(sum, shares[name]))
        against = f"{name}: {number(theirs)} %, {pace[name]}"
        goal = f"≤ 1/{1 / _CPU_TARGET:.0f}" if name != peers.BARE else ""
        met = mine / theirs <= _CPU_TARGET if goal else None
        yield Row(f"{case}: the same", f"{number(mine)} %", against, mine / theirs, goal, met)


def _machine(place: Place, pids: list[int]) -> FakeNvml:
    fake = daemon.machine(place, GPUS)
    for slot, pid in enumerate(pids):
        fake.add_process(slot, pid, memory=1 << 30)
    return fake


def _sleeper() -> subprocess.Popen[bytes]:
    """Ends with its `with` statement, because its standard input does."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )


def _watch(
    running: dict[str, tuple[tuple[int, ...], FakeNvml]],
) -> tuple[dict[str, list[tuple[float, ...]]], dict[str, str]]:
    """Per cent of a core in each window for each process, and how it samples."""
    shares: dict[str, list[tuple[float, ...]]] = {name: [] for name in running}
    calls = {name: fake.calls() for name, (_, fake) in running.items()}
    begun = time.perf_counter()
    for _ in range(WINDOWS):
        at = time.perf_counter()
        before = {name: [cpu_s(pid) for pid in pids] for name, (pids, _) in running.items()}
        time.sleep(WINDOW_S)
        after = {name: [cpu_s(pid) for pid in pids] for name, (pids, _) in running.items()}
        elapsed = time.perf_counter() - at
        for name in running:
            pairs = zip(before[name], after[name], strict=True)
            shares[name].append(tuple(100 * (new - old) / elapsed for old, new in pairs))
    span = time.perf_counter() - begun
    made = {name: fake.calls() - calls[name] for name, (_, fake) in running.items()}
    return shares, {name: _pace(counts, span) for name, counts in made.items()}


def _pace(calls: Counter[str], span_s: float) -> str:
    samples = calls[_COUNTED] / GPUS
    each = calls.total() / GPUS / samples
    return f"{samples / span_s:.2f} samples a second, {each:.0f} driver calls a GPU and sample"


def _memory_rows(pids: tuple[int, ...]) -> Iterator[Row]:
    sizes = [memory_bytes(pid) for pid in pids]
    rss, pss = ([size[i] / 1e6 for size in sizes] for i in (0, 1))
    parts = " + ".join(map(number, rss))
    yield bounded(f"resident memory ({parts})", sum(rss), "MB", below=_MEMORY_TARGET_MB)
    yield bounded("of that, shared pages divided (PSS)", sum(pss), "MB")
