"""Wall-clock times of things that take turns, so that noise falls on all alike."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from tests.bench.result import medians

_WARM_UP_ROUNDS = 2


def in_turn(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each case: A B C, A B C, ..."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(-_WARM_UP_ROUNDS, rounds):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            if number >= 0:
                times[name].append((time.perf_counter() - begun) * 1e3)
    return medians(times)


def program(
    command: Sequence[str], env: Mapping[str, str], *, codes: tuple[int, ...] = (0,)
) -> Callable[[], None]:
    """A case that runs a program to its end; an unexpected exit code stops the measurement."""

    def run() -> None:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode not in codes:
            words = " ".join(command)
            raise SystemExit(f"cannot measure {words}:\n{done.stderr.decode(errors='replace')}")

    return run
