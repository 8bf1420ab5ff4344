"""How soon a change on an interface is known, and what watching for it costs.

In network namespaces of its own, so it needs root.  The changes are made with `ip`, and the
clock starts when that has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

import trio

from polarisd.net.given import Settings
from polarisd.net.netlink import SETTLE_S
from polarisd.net.watch import AddressWatch
from tests.bench.place import Place
from tests.bench.result import Row, bounded, compared, percentile
from tests.net.lab import Lab
from tests.net.watching import get, watching

_CHANGES = 40
_STORM = 2000
_VALIDATORS = 64
_BEATS = 20


def run(place: Place) -> Iterator[Row]:
    yield from memory()
    yield from deciding()
    if os.geteuid() != 0:
        yield Row("changes on interfaces", "not measured: only root makes network namespaces")
        return
    lab = Lab()
    try:
        yield from trio.run(_changes, lab)
    finally:
        lab.close()


def memory() -> Iterator[Row]:
    thin, whole = (_grown_mb(name) for name in ("polarisd.net.watch", "pyroute2"))
    yield compared("memory to import polarisd.net", thin, "all of pyroute2", whole, unit="MB")


def _grown_mb(module: str) -> float:
    """Resident memory that importing a module takes, in an interpreter that has trio."""
    script = (
        "import trio, importlib\n"
        "def mb():\n"
        "    with open('/proc/self/statm') as file:\n"
        "        return int(file.read().split()[1]) * 4096 / 1e6\n"
        f"before = mb(); importlib.import_module({module!r}); print(mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return float(done.stdout)


def deciding() -> Iterator[Row]:
    """A beat is answered by every validator; at first each says something new."""
    now = 0.0

    def clock() -> float:
        return now

    watch = AddressWatch(Settings(), lambda network: None, get, clock)
    spent_ms = []
    for beat in range(_BEATS):
        now = 30.0 * beat
        begun = time.process_time()
        for number in range(_VALIDATORS):
            watch.take_sighting(f"validator {number}", "5.9.20.2", now)
        spent_ms.append((time.process_time() - begun) * 1e3)
    what = f"CPU for what {_VALIDATORS} validators see"
    yield bounded(f"{what}, the first time", spent_ms[0], "ms")
    yield bounded(f"{what}, each beat after", median(spent_ms[1:]), "ms")


async def _changes(lab: Lab) -> list[Row]:
    host, provider = lab.namespace(), lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    host.ip("addr add 5.9.10.2/24 dev eth0", "route add default via 5.9.10.1")
    async with watching(host) as (_, record):
        await record.until_endpoint("5.9.10.2:8000")
        taken_ms = []
        for number in range(_CHANGES):
            old, new = f"5.9.10.{number + 2}", f"5.9.10.{number + 3}"
            host.ip(
                f"addr add {new}/24 dev eth0",
                f"addr del {old}/24 dev eth0",
                f"addr replace {new}/24 dev eth0",
                "route replace default via 5.9.10.1",
            )
            begun = time.perf_counter()
            await record.until_endpoint(f"{new}:8000")
            taken_ms.append((record.at[-1] - begun) * 1e3)
        await trio.sleep(1)
        reads, begun = record.reads, time.process_time()
        await trio.sleep(5)
        quiet_ms, quiet_reads = (time.process_time() - begun) * 1e3, record.reads - reads
        reads, begun = record.reads, time.process_time()
        storm = [
            f"addr {half} 5.8.{n // 250}.{n % 250}/32 dev eth0"
            for half in ("add", "del")
            for n in range(_STORM)
        ]
        blowing = host.start_ip(*storm, "addr add 5.9.10.200/24 dev eth0")
        await record.until(lambda n: any(c.address == "5.9.10.200" for c in n.candidates))
        blowing.wait()
        storm_ms, storm_reads = (time.process_time() - begun) * 1e3, record.reads - reads
    settle = f"of which {SETTLE_S * 1e3:g} ms wait for more"
    return [
        Row("a changed address is published after", f"{median(taken_ms):.0f} ms", settle),
        Row("one in 20 takes longer than", f"{percentile(taken_ms, 0.95):.0f} ms", settle),
        Row("5 s without a change", f"{quiet_ms:.1f} ms of CPU", f"{quiet_reads} reads"),
        Row(
            f"a storm of {2 * _STORM} changes",
            f"{storm_ms:.0f} ms of CPU",
            f"{storm_reads} reads",
        ),
    ]
