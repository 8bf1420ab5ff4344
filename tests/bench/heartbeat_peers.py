"""Validators for `heartbeats`: `python -m tests.bench.heartbeat_peers COUNT DIRECTORY`.

Prints their hotkeys and endpoints, then serves until its standard input ends.  Each also takes
unsigned requests at BARE, which it answers with as many bytes, doing nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import trio

from polarisd.heartbeat.answering import Answering
from polarisd.heartbeat.book import Book
from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.document import MAX_ENVELOPE_BYTES
from polarisd.heartbeat.keeping import Keeper
from polarisd.heartbeat.reach import Reach
from polarisd.http.limits import Limits
from polarisd.http.listening import CannotBind, bind
from polarisd.http.routes import ANYONE, SIGNED, Reply, Request, Route
from polarisd.http.server import Face
from tests.unit.heartbeat_support import hotkey

BARE = "/bare"
# All of them hear from one address.
_LIMITS = Limits(
    address_rate_per_s=1e4, address_burst=10_000, strangers_rate_per_s=1e4, strangers_burst=10_000
)
_FILLER = "x" * 180


async def bare(request: Request) -> Reply:
    return Reply(200, {"filler": _FILLER})


async def serve(number: int, directory: Path, nursery: trio.Nursery) -> tuple[str, str]:
    key = hotkey(number)
    book = Book(network="independent", netuid=0, is_registered=lambda _: True)
    reach = Reach(clock=time.time)
    keeper = Keeper(directory, book.records.values, time.time)
    answering = Answering(book=book, reach=reach, keeper=keeper, clock=time.time, next_beat_s=30)

    async def answer(request: Request) -> Reply:
        assert request.caller is not None
        said = answering.answer(
            request.body,
            signer=request.caller.hotkey,
            address=request.peer_address,
            port=request.peer_port,
        )
        return Reply(said.status, said.body)

    routes = [
        Route(
            method="POST", path=PATH, access=SIGNED, handler=answer,
            most_bytes=MAX_ENVELOPE_BYTES, is_json=False,
        ),
        Route(
            method="POST", path=BARE, access=ANYONE, handler=bare,
            most_bytes=MAX_ENVELOPE_BYTES, is_json=False,
        ),
    ]  # fmt: skip
    sockets = bind("127.0.0.1", 0)
    assert not isinstance(sockets, CannotBind)
    served = Face(hotkey=key, role="validator", routes=routes, limits=_LIMITS)
    await nursery.start(lambda task_status: served.serve(sockets, task_status=task_status))
    await nursery.start(reach.run)
    return key.ss58, f"127.0.0.1:{sockets[0].getsockname()[1]}"


async def main(count: int, directory: Path) -> None:
    async with trio.open_nursery() as nursery:
        made = [await serve(1000 + n, directory, nursery) for n in range(count)]
        print(json.dumps(made), flush=True)  # noqa: T201
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), Path(sys.argv[2]))
