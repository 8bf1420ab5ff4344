"""Run the benchmarks: all of them, or those that are named."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import (
    bounds,
    bridge,
    client,
    heartbeats,
    http,
    kernels,
    network,
    on_chain,
    proof,
    roundtrip,
    sampling,
    start,
    watchers,
)
from tests.bench.place import PYTHON, Place, install
from tests.bench.result import Row, table

BENCHES: dict[str, Callable[[Place], Iterator[Row]]] = {
    "start": start.run,
    "client": client.run,
    "roundtrip": roundtrip.run,
    "watchers": watchers.run,
    "sampling": sampling.run,
    "bridge": bridge.run,
    "heartbeats": heartbeats.run,
    "http": http.run,
    "bounds": bounds.run,
    "network": network.run,
    "on_chain": on_chain.run,
    "kernels": kernels.run,
    "proof": proof.run,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    names = parser.parse_args(arguments).names or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    print(f"{_machine()}\n")
    with tempfile.TemporaryDirectory(prefix="polaris-bench-") as directory:
        place = install(Path(directory))
        for name in names:
            print(f"### {name}\n", flush=True)
            for line in table(BENCHES[name](place)):
                print(line, flush=True)
            print()
    return 0


def _machine() -> str:
    load = " ".join(f"{average:.2f}" for average in os.getloadavg())
    return (
        f"{_cpu_model()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()} ({PYTHON}), load before the start {load}"
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
