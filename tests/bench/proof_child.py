"""Verifies cases from a file in a process of its own, and prints what that took as JSON.

Started by `tests.bench.proof`.  A process of its own, because the peak of resident memory
is the process's.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from polarisd.proof import freivalds
from polarisd.proof.marks import MemoryCase, verify_memory
from polarisd.proof.parameters import FREIVALDS
from polarisd.proof.rows import RowCase, verify_rows

Loaded = tuple[list[RowCase], list[MemoryCase]]


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of all threads; `bare_s` of the product alone, `probe_s` of B r once."""

    rows_s: float
    rows_wall_s: float
    memory_s: float
    bare_s: float
    probe_s: float
    held_rss_bytes: int
    peak_rss_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--held", type=int, required=True, help="cases in memory")
    parser.add_argument("--verified", type=int, required=True, help="of them, measured")
    options = parser.parse_args()
    rows, memory = _held(options.file, options.held)
    held = _peak_rss_bytes()
    some = slice(options.verified)
    rows_s, rows_wall_s = _timed(lambda: _all_right(verify_rows(rows[some], os.urandom)))
    memory_s, _ = _timed(lambda: _all_right(verify_memory(memory[some])))
    peak = _peak_rss_bytes()
    bare_s = _bare_product_s(rows[0], options.verified)
    probe_s = _probe_s(rows[0])
    spent = Spent(rows_s, rows_wall_s, memory_s, bare_s, probe_s, held, peak)
    sys.stdout.write(json.dumps(asdict(spent)) + "\n")


def _held(file: Path, count: int) -> Loaded:
    """So many cases.  If the file has fewer they come again, as objects of their own."""
    data = file.read_bytes()
    rows: list[RowCase] = []
    memory: list[MemoryCase] = []
    while len(rows) < count:
        more: Loaded = pickle.loads(data)
        rows += more[0]
        memory += more[1]
    return rows[:count], memory[:count]


def _all_right(found: Sequence[object]) -> None:
    if any(found):
        raise SystemExit(f"an honest proof was rejected: {next(filter(None, found))}")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _bare_product_s(case: RowCase, cases: int) -> float:
    """fp32 BLAS at its best: as many rows, up to 1024 at a time, times a B that is there."""
    p = case.parameters
    if p.check == FREIVALDS:
        return 0.0
    total = p.samples * cases
    rng = np.random.default_rng(1)
    b = rng.integers(-256, 256, (p.columns, p.depth)).astype(np.float32)
    a = rng.integers(-256, 256, (min(total, 1024), p.depth)).astype(np.float32)
    out = np.empty((len(a), p.columns), np.float32)
    once, _ = _timed(lambda: np.matmul(a, b.T, out=out))
    # larger products are the same again
    return once * total / len(a)


def _probe_s(case: RowCase) -> float:
    p = case.parameters
    if p.check != FREIVALDS:
        return 0.0
    shape = p.columns, p.depth, p.kind
    return _timed(lambda: freivalds.probe(case.b_key(), *shape, os.urandom))[0]


def _peak_rss_bytes() -> int:
    """Of this program; getrusage's figure may be that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
