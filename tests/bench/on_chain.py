"""Memory and processor time of a daemon that is registered on a chain, over hours of it.

The chain is the tests' own; its blocks come every tenth of a second instead of every 12
seconds, so that what a daemon does for a block it does 120 times as often.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import daemon as daemons
from tests.bench.place import Place
from tests.bench.process import cpu_s, family, memory_bytes
from tests.bench.result import Row, number
from tests.daemon.process import Polarisd, keyfile
from tests.devnode.client import DevNode

GPUS = 8
NETUID = 7
BLOCK_S = 0.1
BLOCKS_AN_HOUR = 300
HOURS = 3
_SETTLE_BLOCKS = 100
_MEMORY_TARGET_MB = 130.0
_MINER, _VALIDATOR = b"m" * 32, b"v" * 32


def run(place: Place) -> Iterator[Row]:
    with _network(place) as (miner, node):
        node.wait_block(node.number() + _SETTLE_BLOCKS, timeout_s=120)
        pids = family(miner.pid)
        begun, cpu = time.perf_counter(), sum(map(cpu_s, pids))
        sizes = [_rss_mb(pids)]
        for _ in range(HOURS):
            node.wait_block(node.number() + BLOCKS_AN_HOUR, timeout_s=600)
            sizes.append(_rss_mb(pids))
        took_s, used_s = time.perf_counter() - begun, sum(map(cpu_s, pids)) - cpu
    shown = ", ".join(number(size) for size in sizes)
    blocks = HOURS * BLOCKS_AN_HOUR
    yield Row(
        f"resident memory, polarisd and its NVML process, every {BLOCKS_AN_HOUR} blocks",
        f"{shown} MB",
        target=f"< {_MEMORY_TARGET_MB:.0f} MB, flat",
        met=max(sizes) < _MEMORY_TARGET_MB and sizes[-1] - sizes[1] < 2,
    )
    yield Row(
        f"processor time, {blocks} blocks in {took_s:.0f} s",
        f"{number(100 * used_s / took_s)} % of a core, {number(1e3 * used_s / blocks)} ms a block",
    )


def _rss_mb(pids: tuple[int, ...]) -> float:
    return sum(memory_bytes(pid)[0] for pid in pids) / 1e6


@contextmanager
def _network(place: Place) -> Iterator[tuple[Polarisd, DevNode]]:
    """A miner of 8 GPUs and a validator on one subnet, as this tree has them."""
    with ExitStack() as stack:
        node = stack.enter_context(DevNode(interval_s=BLOCK_S))
        node.register(NETUID, keyfile(_VALIDATOR)[1], "//Bob", stake_tao=2000, permit=True)
        node.register(NETUID, keyfile(_MINER)[1], "//Alice")
        chain = {"network": node.url, "netuid": NETUID, "genesis_hash": node.genesis_hash}
        started = []
        for role, seed, address in (
            ("validator", _VALIDATOR, "127.0.0.2"),
            ("miner", _MINER, "127.0.0.3"),
        ):
            home = Path(place.directory) / role
            home.mkdir()
            fake = daemons.machine(place, GPUS)
            polarisd = Polarisd(home, fake.env(), {"gpu": {}})
            polarisd.give_hotkey(
                seed,
                node={"mode": "bittensor", "role": role},
                chain=chain,
                network={"listen_address": "127.0.0.1", "public_address": address},
                heartbeat={"interval_s": 5},
                gpu={"sample_interval_s": 1.0, "condition_interval_s": 30.0},
            )
            stack.callback(polarisd.end)
            started.append(polarisd.start())
        yield started[-1], node
