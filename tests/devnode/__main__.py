"""The node as a process: `python -m tests.devnode --port 0`.

Says where it is with a line of JSON when it is ready, and ends on SIGTERM, or when its
standard input ends, which is when its parent does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from tests.devnode.control import Control
from tests.devnode.node import Node
from tests.devnode.options import Options
from tests.devnode.saving import load
from tests.devnode.scale import hexed
from tests.devnode.server import Endpoint


class Pace:
    """Makes blocks: every interval unless paused, and for each transaction if `instant`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.running = True

    def set(self, running: bool) -> None:
        self.running = running

    def submitted(self) -> None:
        if self._node.options.instant and self.running:
            asyncio.get_running_loop().call_soon(self._node.mine)

    async def keep(self) -> None:
        interval_s = self._node.options.interval_s
        if not interval_s:
            return
        while True:
            await asyncio.sleep(interval_s)
            if self.running:
                self._node.mine()


async def serve(node: Node) -> None:
    pace = Pace(node)
    endpoint = Endpoint(node, pace.submitted)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_reader(sys.stdin.fileno(), ended.set)
    control = Control(node, endpoint, pace.set)
    ready = {
        "port": await endpoint.open(node.options.port),
        "control": await control.open(),
        "genesis_hash": hexed(node.blocks.genesis.hash),
        "pid": os.getpid(),
    }
    print(json.dumps(ready), flush=True)
    making = asyncio.create_task(pace.keep())
    await asyncio.wait(
        [making, asyncio.create_task(ended.wait())] if node.options.interval_s
        else [asyncio.create_task(ended.wait())],
        return_when=asyncio.FIRST_COMPLETED,
    )  # fmt: skip
    if making.done() and not ended.is_set():
        making.result()
    making.cancel()
    await endpoint.close()


def not_a_clients_doing(record: logging.LogRecord) -> bool:
    """Clients may hang up in the midst of the handshake; the log is for mistakes of the node."""
    return record.msg != "opening handshake failed"


def subnet(text: str) -> tuple[int, str]:
    """Of an option."""
    number, _, name = text.partition("=")
    return int(number), name


def arguments(words: list[str]) -> argparse.Namespace:
    default = Options()
    parser = argparse.ArgumentParser(
        prog="python -m tests.devnode",
        description="A chain for tests on ws://127.0.0.1:PORT. Says where it is with a line of"
        " JSON, and ends on SIGTERM, or when its standard input has something (Enter) or ends.",
    )
    add = parser.add_argument
    add("--port", type=int, default=default.port, help="default: any that is free")
    add("--seed", default=default.seed, help="another one makes another chain")
    add(
        "--interval",
        type=float,
        default=default.interval_s,
        metavar="SECONDS",
        help="a block every so often, default %(default)s; 0: only when told to",
    )
    add("--instant", action="store_true", help="besides, a block for each transaction")
    add("--slot-ms", type=int, metavar="MS", help="the chain's block time, default: the interval")
    add(
        "--finality-lag",
        type=int,
        default=default.finality_lag,
        metavar="BLOCKS",
        help="by which finality trails, default %(default)s",
    )
    names = " and ".join(f"{number}={name}" for number, name in default.netuids.items())
    subnets = parser.add_mutually_exclusive_group()
    subnets.add_argument(
        "--netuid",
        action="append",
        type=subnet,
        metavar="NUMBER=NAME",
        help=f"a subnet besides root; once for each; default {names}",
    )
    subnets.add_argument("--only-root", action="store_true", help="no other subnet")
    add("--spec-version", type=int, default=default.spec_version, help="default %(default)s")
    add("--no-epoch-consensus", action="store_true", help="a runtime before SubnetEpochConsensus")
    add(
        "--time-offset",
        type=float,
        default=default.time_offset_s,
        metavar="SECONDS",
        help="the chain's clock minus that of this machine",
    )
    add("--load", type=Path, metavar="FILE", help="go on with the chain that was saved there")
    return parser.parse_args(words)


def main() -> None:
    args = arguments(sys.argv[1:])
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("websockets.server").addFilter(not_a_clients_doing)
    options = Options(
        seed=args.seed,
        interval_s=args.interval,
        instant=args.instant,
        slot_ms=args.slot_ms,
        finality_lag=args.finality_lag,
        netuids={} if args.only_root else dict(args.netuid or Options().netuids),
        spec_version=args.spec_version,
        epoch_consensus=not args.no_epoch_consensus,
        time_offset_s=args.time_offset,
        port=args.port,
    )
    asyncio.run(serve(load(options, args.load) if args.load else Node(options)))


if __name__ == "__main__":
    main()
