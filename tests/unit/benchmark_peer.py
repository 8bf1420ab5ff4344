"""A scripted daemon that benchmarks: each run goes on for a few snapshots, then has ended."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from polarisd.api import wire
from polarisd.api.encode import to_wire
from tests.unit.benchmark_samples import progress
from tests.unit.ctl_samples import gpu, snapshot
from tests.unit.ctl_support import Peer

GPUS = tuple(gpu(index) for index in range(4))


class Benchmarks(Peer):
    """`runs` are what comes of the next request; a snapshot is one test further on."""

    def __init__(
        self,
        path: Path,
        runs: Sequence[dict[str, Any]],
        recorded: Sequence[dict[str, Any]],
        skipped: Sequence[object],
        most_snapshots: int,
    ) -> None:
        self.runs = list(runs)
        self.recorded = list(recorded)
        self.step = 0
        self.started_at = 0.0
        self.most_snapshots = most_snapshots
        self.cuts: list[bytes] = []  # parting words of sessions that end after two snapshots
        self.moves = True
        self.silent_at = ""  # the method that gets no answer
        self.events: list[dict[str, object]] = []
        asked_for = [{"run": run["run"], "gpu_uuid": run["gpu_uuid"]} for run in runs]
        answers: dict[str, Any] = {
            "snapshot": lambda params: self.snapshot(),
            "benchmark": {"runs": asked_for, "skipped": list(skipped)},
            "benchmarks": self.kept,
            "watch": {"watch": 3},
        }
        super().__init__(path, answers)

    def snapshot(self) -> dict[str, Any]:
        """The one whose turn it is runs; those before have ended, those after wait."""
        whole = snapshot(gpus=GPUS)
        whole["daemon"]["started_at"] += self.started_at
        running = self._running()
        whole["benchmarks"] = [] if running is None else [to_wire(self._progress(running))]
        return whole

    def _running(self) -> dict[str, Any] | None:
        left = self.step
        for run in self.runs:
            if left <= len(run["figures"]):
                return run
            left -= len(run["figures"]) + 1
        return None

    def _done(self, run: dict[str, Any]) -> int:
        before = self.runs[: self.runs.index(run)]
        return self.step - sum(len(other["figures"]) + 1 for other in before)

    def _progress(self, run: dict[str, Any]) -> Any:
        tests = [figure["test"] for figure in run["figures"]] or ["gemm_bf16"]
        done = min(self._done(run), len(tests) - 1)
        return progress(
            run["run"], gpu_uuid=run["gpu_uuid"], test=tests[done], share=done / len(tests)
        )

    def kept(self, params: dict[str, Any]) -> dict[str, Any]:
        runs = [self._as_it_is(run) for run in reversed(self.runs)] + self.recorded
        wanted, uuid = params.get("run", 0), params.get("gpu_uuid", "")
        found = [run for run in runs if wanted in (0, run["run"]) and uuid in ("", run["gpu_uuid"])]
        return {"runs": found[: params.get("limit", 20)], "left_out": 0, "problem": ""}

    def _as_it_is(self, run: dict[str, Any]) -> dict[str, Any]:
        done = max(self._done(run), 0)
        if done > len(run["figures"]):
            return run
        return {**run, "outcome": "", "figures": run["figures"][:done]}

    def _session(self, session: socket.socket) -> None:
        """As every peer; and after a watch began, snapshots as fast as they are read."""
        decoder, sent, is_watched = wire.Decoder(), 0, False
        while True:
            session.settimeout(0.001 if is_watched and sent < self.most_snapshots else 10.0)
            with suppress(TimeoutError):
                data = session.recv(1 << 16)
                if not data:
                    return
                decoder.feed(data)
                for frame in decoder:
                    msgid, method, params = wire.parse_request(frame)
                    assert msgid is not None
                    self.asked.append((method, params))
                    if method == self.silent_at:
                        continue
                    session.sendall(self._answer(msgid, method, params))
                    is_watched = is_watched or method == "watch"
                continue
            item = {"watch": 3, "item": self.snapshot()}
            session.sendall(wire.notification("snapshot", item))
            sent += 1
            self.step += self.moves
            for event in self.events:
                session.sendall(wire.notification("event", {"watch": 3, "item": event}))
            if self.cuts and sent == 2:
                session.sendall(self.cuts.pop())
                return


@contextmanager
def benchmarking(
    path: Path,
    runs: Sequence[dict[str, Any]],
    *,
    recorded: Sequence[dict[str, Any]] = (),
    skipped: Sequence[object] = (),
    most_snapshots: int = 1 << 10,
) -> Iterator[Benchmarks]:
    peer = Benchmarks(path, runs, recorded, skipped, most_snapshots)
    try:
        yield peer
    finally:
        peer.close()
