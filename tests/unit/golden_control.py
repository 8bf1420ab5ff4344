"""Every command in bytes: what a client sends, and what it gets.

`python -m tests.unit.golden_control` writes the file anew, after a change of the
wire that is meant; a client of the version before has to understand the result.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import trio

from polarisd.api import wire
from polarisd.api.snapshot import Offering
from polarisd.state import State
from tests.unit import chain_samples
from tests.unit.bench_samples import bench_run, progress
from tests.unit.build import NOW, card, driver, fault, gpus_of, snapshot, uuid_of
from tests.unit.control_support import Desk, session

PATH = Path(__file__).with_name("golden_control.json")

# In this order, on one session, so that `unwatch` finds the watch.
REQUESTS: dict[str, dict[str, object]] = {
    "hello": {"client": "golden", "version": "1.2", "protocol_major": 1, "protocol_minor": 0},
    "snapshot": {},
    "watch": {"interval_s": 3600, "events": False},
    "unwatch": {"watch": 1},
    "history": {"seconds": 60.5},
    "burst": {"interval_s": 0.25, "seconds": 30},
    "start": {},
    "stop": {},
    "config": {},
    "reload": {},
    "forget": {"gpu_uuid": uuid_of(0)},
    "benchmark": {"gpus": [uuid_of(0)], "quick": True, "backend": "cupy", "tests": ["gemm_bf16"]},
    "benchmark_cancel": {"run": 7},
    "benchmarks": {"gpu_uuid": uuid_of(0), "run": 7, "limit": 1},
}


class GoldenDesk(Desk):
    """Answers of the shape that the daemon gives."""

    def history(self, seconds: float) -> dict[str, object]:
        columns = {"read_at": [NOW], "power_w": [312.5], "temperature_c": [None], "throttle": [""]}
        host = {"read_at": [NOW], "cpu_percent": [12.5]}
        return {"interval_s": 1.0, "gpus": {uuid_of(0): columns}, "host": host}

    def config(self) -> dict[str, object]:
        values = {"gpu": {"sample_interval_s": 1.0, "withhold": [uuid_of(1)]}}
        return {"path": "/etc/polaris/polaris.toml", "values": values}

    async def reload(self) -> dict[str, object]:
        return {"changed": ["log.level"], "needs_restart": ["state.directory"]}

    async def benchmark(
        self, gpus: tuple[str, ...], quick: bool, backend: str, tests: tuple[str, ...]
    ) -> dict[str, object]:
        skipped = [{"gpu_uuid": uuid_of(1), "why": "it is lost"}]
        return {"runs": [{"run": 7, "gpu_uuid": gpus[0]}], "skipped": skipped}

    async def cancel_benchmarks(self, run: int) -> list[int]:
        return [run]

    async def benchmarks(self, gpu_uuid: str, run: int, limit: int) -> dict[str, object]:
        return {"runs": [bench_run(run)], "left_out": 1, "problem": ""}


def golden_state() -> State:
    daemon = snapshot().daemon
    assert daemon.offering == Offering(wanted=True, since_at=NOW)
    gpus = tuple(gpus_of(card(0)))
    whole = snapshot(
        gpus=gpus,
        driver=driver(),
        faults=(fault(),),
        benchmarks=(progress(),),
        chain=chain_samples.chain(),
        network=chain_samples.network(),
        validators=(chain_samples.validator(),),
    )
    return State(whole, lambda: NOW)


async def exchanges() -> dict[str, dict[str, str]]:
    """Request and reply of each command, in hexadecimal."""
    state = golden_state()
    result = {}
    async with session(state, desk=GoldenDesk(state)) as peer:
        for method, params in REQUESTS.items():
            request = wire.request(7, method, params)
            await peer.send(request)
            while (frame := await peer.frame()) is not None and frame[0] != wire.REPLY:
                pass
            assert frame is not None and frame[2] is None, frame
            result[method] = {"request": request.hex(), "reply": packed(frame).hex()}
    return result


def packed(frame: list[Any]) -> bytes:
    """The version of the daemon is not part of the protocol's."""
    if isinstance(frame[3], dict) and "protocol_major" in frame[3]:
        frame = [*frame[:3], {**frame[3], "version": "0.0.0"}]
    return wire.pack(frame)


if __name__ == "__main__":
    PATH.write_text(json.dumps(trio.run(exchanges), indent=1) + "\n")
