"""How long `polarisctl status` takes, from the start of the process to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench import daemon, timing
from tests.bench.place import BARE, Place
from tests.bench.result import Row, compared

ROUNDS = 41
PEER_ROUNDS = 7
GPUS = 8
_TARGET = 3.0


def run(place: Place) -> Iterator[Row]:
    with daemon.running(place, daemon.machine(place, GPUS)) as polarisd:
        env = polarisd.env
        bare = timing.program(BARE, env)
        client = str(place.polarisctl)
        # 5 is a machine with a fault: the box that measures may be short of disk or memory
        status = timing.program((client, "status"), env, codes=(0, 5))
        times = timing.in_turn(
            {
                "bare": bare,
                "status": status,
                "status --json": timing.program((client, "status", "--json"), env, codes=(0, 5)),
                "gpus": timing.program((client, "gpus"), env),
            },
            ROUNDS,
        )
        slow = timing.in_turn(
            {
                "status": status,
                "gpustat": timing.program((sys.executable, "-m", "gpustat"), env),
                "nvitop -1": timing.program((sys.executable, "-m", "nvitop", "-1"), env),
            },
            PEER_ROUNDS,
        )
    for verb in ("status", "gpus", "status --json"):
        yield compared(
            f"polarisctl {verb}, {GPUS} GPUs",
            times[verb],
            "a bare interpreter",
            times["bare"],
            # the import of json, and its indenting encoder in Python, are the difference
            at_most=None if verb.endswith("--json") else _TARGET,
        )
    for peer in ("gpustat", "nvitop -1"):
        yield compared("polarisctl status", slow["status"], peer, slow[peer])
