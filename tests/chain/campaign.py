"""Random troubles, one after the other and two at a time, while endpoints keep changing.

    python -m tests.chain.campaign 1000 --seed 7

Three hotkeys want a new endpoint again and again, each by a loop like the daemon's: look,
and publish what differs; now and then the caller gives up in the middle.  After every
trouble the devnode's own record is asked: no endpoint landed twice, none after a newer one,
none that was not wanted; and in the end all are as wanted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

import trio

from polarisd.api.chain import FOLLOWING
from polarisd.chain.actor import Actor
from polarisd.chain.outcomes import Failed
from polarisd.chain.values import Endpoint
from tests.chain.support import HURRIED, NETUID, following, hotkey, ready, served, until
from tests.chain.troubles import TROUBLES
from tests.devnode.client import DevNode

URIS = ("//Alice/hot", "//Bob/hot", "//Eve/hot")
ROUNDS_PER_NODE = 50
RECOVERY_S = 25.0
BLOCK_S = 0.05
PATIENCE = replace(HURRIED, read_s=0.8, connect_s=2.0, submit_s=5.0, look_s=0.1)


@dataclass
class Report:
    rounds: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    landed: int = 0
    wrongs: list[str] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)

    def lines(self) -> list[str]:
        times = sorted(self.recovery_s) or [0.0]
        return [
            f"{self.rounds} rounds, {sum(self.troubles.values())} troubles",
            f"{self.landed} publications landed, {len(self.wrongs)} wrongs",
            f"recovered after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (longest)",
            "troubles: " + ", ".join(f"{n} {what}" for what, n in sorted(self.troubles.items())),
            "ends: " + ", ".join(f"{n} {what}" for what, n in self.ends.most_common()),
            *self.wrongs,
        ]


class Campaign:
    def __init__(self, seed: int) -> None:
        self.report = Report()
        self._random = Random(seed)
        self._wanted: dict[str, list[Endpoint]] = {}
        self._number = 0

    async def run(self, rounds: int, cache: Path) -> Report:
        while self.report.rounds < rounds:
            part = min(ROUNDS_PER_NODE, rounds - self.report.rounds)
            with DevNode(interval_s=BLOCK_S, finality_lag=2) as node:
                await self._on_one_node(node, part, cache)
        return self.report

    async def _on_one_node(self, node: DevNode, rounds: int, cache: Path) -> None:
        self._wanted = {uri: [] for uri in URIS}
        ready(node, *URIS)
        for uri in URIS:
            self._want_another(uri)
        async with (
            following(node, patience=PATIENCE, cache_dir=cache) as (actor, _),
            trio.open_nursery() as nursery,
        ):
            for uri in URIS:
                nursery.start_soon(self._keep, actor, uri)
            for _ in range(rounds):
                await self._round(node, actor)
            nursery.cancel_scope.cancel()
        self.report.landed += sum(len(served(node, uri)) for uri in URIS)

    async def _round(self, node: DevNode, actor: Actor) -> None:
        self.report.rounds += 1
        names = self._random.sample(sorted(TROUBLES), 2 if self._random.random() < 0.3 else 1)
        for name in names:
            for uri in URIS:
                if self._random.random() < 0.5:
                    self._want_another(uri)
            await trio.sleep(self._random.uniform(0.0, 0.15))
            self.report.troubles[name] += 1
            await trio.to_thread.run_sync(TROUBLES[name], node, self._random)
        await trio.sleep(self._random.uniform(0.0, 0.3))
        node.clear_faults()
        begun = time.monotonic()
        what = f"round {self.report.rounds} ({' and '.join(names)})"
        try:
            await until(lambda: self._is_as_wanted(node, actor), RECOVERY_S)
        except trio.TooSlowError:
            self._wrong(f"{what}: not recovered, {actor.link}")
        self.report.recovery_s.append(time.monotonic() - begun)
        for uri in URIS:
            self._check(what, uri, node)

    def _is_as_wanted(self, node: DevNode, actor: Actor) -> bool:
        return actor.link.state == FOLLOWING and all(
            (landed := _endpoints(node, uri)) and landed[-1] == self._wanted[uri][-1]
            for uri in URIS
        )

    def _check(self, what: str, uri: str, node: DevNode) -> None:
        landed = _endpoints(node, uri)
        if len(set(landed)) != len(landed):
            self._wrong(f"{what}: {uri} landed twice: {landed}")
        if any(endpoint not in self._wanted[uri] for endpoint in landed):
            self._wrong(f"{what}: {uri} published what was not wanted: {landed}")
        elif (places := [self._wanted[uri].index(e) for e in landed]) != sorted(places):
            self._wrong(f"{what}: {uri} published an older endpoint after a newer: {landed}")

    def _wrong(self, text: str) -> None:
        self.report.wrongs.append(text)

    def _want_another(self, uri: str) -> None:
        self._number += 1
        address = IPv4Address(int(IPv4Address("20.0.0.0")) + self._number)
        self._wanted[uri].append(Endpoint(str(address), 8000))

    async def _keep(self, actor: Actor, uri: str) -> None:
        key = hotkey(uri)
        while True:
            wanted = self._wanted[uri][-1]
            axon = await actor.axon(NETUID, key.ss58)
            if isinstance(axon, Failed) or (axon is not None and axon.endpoint == wanted):
                await trio.sleep(0.05)
                continue
            patience_s = self._random.choice((0.05, 0.2, 30.0, 30.0))
            with trio.move_on_after(patience_s) as scope:
                end = await actor.serve(NETUID, wanted, key)
                self.report.ends[end.code if isinstance(end, Failed) else type(end).__name__] += 1
                await trio.sleep(0.02)
            if scope.cancelled_caught:
                self.report.ends["given up on"] += 1


def _endpoints(node: DevNode, uri: str) -> list[Endpoint]:
    return [Endpoint(str(IPv4Address(x.args["ip"])), x.args["port"]) for x in served(node, uri)]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chain.campaign", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        report = trio.run(Campaign(given.seed).run, given.rounds, Path(cache))
    for line in (*report.lines(), f"in {time.monotonic() - begun:.0f} s, seed {given.seed}"):
        print(line)  # noqa: T201
    return 1 if report.wrongs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
