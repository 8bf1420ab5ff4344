"""An hour of the chain in a few minutes: does the memory of a daemon with a chain stay flat?

    python -m tests.chain.soak --blocks 300

300 blocks of 12 s are an hour.  The devnode makes them as fast as it can be followed; the
actor does what the daemon does for each (heads, the endpoint looked at every fifth, the
metagraph of 256 neurons every 25th), publishes a new endpoint every 20 blocks, and loses
its connection every 50.  The sampling, control and HTTP of the daemon are not in it.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path

import trio

from polarisd.chain.outcomes import Failed, Landed
from polarisd.chain.values import Endpoint
from tests.chain.support import NETUID, following, hotkey, ready
from tests.devnode.client import DevNode

BLOCK_S = 0.1
NEURONS = 255


def rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


async def soak(blocks: int, node: DevNode, cache: Path) -> bool:
    ready(node)
    for number in range(NEURONS):
        node.register(NETUID, f"//Neuron/{number}")
    say(f"{rss_mib():.1f} MiB before the SDK is imported")
    marks: list[float] = []
    failures = landed = 0
    async with following(node, cache_dir=cache) as (actor, _):
        with actor.heads() as heads:
            begun, used = time.monotonic(), time.process_time()
            for count in range(1, blocks + 1):
                head = await heads.receive()
                if count % 50 == 0:
                    node.drop()
                if count % 5 == 0:
                    axon = await actor.axon(NETUID, hotkey().ss58)
                    uid = await actor.uid(NETUID, hotkey().ss58)
                    failures += isinstance(axon, Failed) + isinstance(uid, Failed)
                if count % 25 == 0:
                    failures += isinstance(await actor.subnet(NETUID), Failed)
                    failures += isinstance(await actor.terms(NETUID), Failed)
                if count % 20 == 0:
                    address = IPv4Address(int(IPv4Address("20.0.0.0")) + count)
                    end = await actor.serve(NETUID, Endpoint(str(address), 8000), hotkey())
                    landed += isinstance(end, Landed)
                if count % max(blocks // 10, 1) == 0:
                    marks.append(rss_mib())
                    cpu = (time.process_time() - used) / (time.monotonic() - begun)
                    say(
                        f"block {head.number} ({count * 12 / 60:.0f} min of the chain's time):",
                        f"{marks[-1]:.1f} MiB, {cpu:.1%} of a core at {BLOCK_S:g} s a block",
                    )
            cpu_per_block_s = (time.process_time() - used) / blocks
    say(f"{landed} publications landed, {failures} reads failed")
    say(
        f"{cpu_per_block_s * 1e3:.1f} ms of CPU a block: {cpu_per_block_s / 12:.3%} at 12 s a block"
    )
    half = marks[len(marks) // 2 :]
    growth = half[-1] - half[0]
    say(f"growth over the second half: {growth:+.1f} MiB, most {max(marks):.1f} MiB")
    return growth < 4.0 and max(marks) < 130.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chain.soak", description=__doc__)
    parser.add_argument("--blocks", type=int, default=300)
    given = parser.parse_args(arguments)
    with (
        DevNode(interval_s=BLOCK_S, finality_lag=2) as node,
        tempfile.TemporaryDirectory() as cache,
    ):
        return 0 if trio.run(soak, given.blocks, node, Path(cache)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
