"""One request and its answer over the control socket, beside a plain Unix socket."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from polarisd import __version__
from polarisd.api import wire
from tests.bench import daemon, timing
from tests.bench.place import Place
from tests.bench.result import Row, compared
from tests.bench.socket_peers import Asker, plain_server

GPUS = 8
ROUNDS = 31
ASKED_PER_ROUND = 200
_TARGET = 3.0

_HELLO = wire.request(
    1,
    "hello",
    {
        "client": "bench",
        "version": __version__,
        "protocol_major": wire.PROTOCOL_MAJOR,
        "protocol_minor": wire.PROTOCOL_MINOR,
    },
)
_CONFIG = wire.request(1, "config", {})
_SNAPSHOT = wire.request(1, "snapshot", {})


def run(place: Place) -> Iterator[Row]:
    """All on one core, which compares the work; then wherever the scheduler puts them.

    On two idle cores it keeps a blocking echo beside its client and moves a server that
    waits in epoll away from it, so that half of each answer is the other core waking up.
    """
    everywhere = os.sched_getaffinity(0)
    for where, cores in (("one core", {min(everywhere)}), ("any core", everywhere)):
        os.sched_setaffinity(0, cores)  # and so all that is started from here
        try:
            yield from _rows(place, where, target=_TARGET if len(cores) == 1 else None)
        finally:
            os.sched_setaffinity(0, everywhere)


def _rows(place: Place, where: str, target: float | None) -> Iterator[Row]:
    with daemon.running(place, daemon.machine(place, GPUS)) as polarisd:
        ours = Asker(polarisd.socket_path)
        sizes = {r: ours.ask_msgpack(r) for r in (_HELLO, _CONFIG, _SNAPSHOT)}
        with (
            plain_server(place.directory / f"echo on {where}", 0) as echo_path,
            plain_server(place.directory / f"canned on {where}", sizes[_SNAPSHOT]) as canned_path,
        ):
            echo, canned = Asker(echo_path), Asker(canned_path)
            size = sizes[_SNAPSHOT]
            times = timing.in_turn(
                {
                    "echo": _many(lambda: echo.ask(_HELLO, len(_HELLO))),
                    "hello": _many(lambda: ours.ask(_HELLO, sizes[_HELLO])),
                    "config": _many(lambda: ours.ask(_CONFIG, sizes[_CONFIG])),
                    "canned": _many(lambda: canned.ask(_SNAPSHOT, size)),
                    "snapshot": _many(lambda: ours.ask_msgpack(_SNAPSHOT)),
                },
                ROUNDS,
            )
    for name in ("hello", "config"):
        what = f"{name}, {where}"
        yield _row(what, times[name], "an echo by a thread", times["echo"], target)
    what = f"snapshot of {GPUS} GPUs, {size} bytes, {where}"
    yield _row(what, times["snapshot"], "as many bytes by a thread", times["canned"], target)


def _many(ask: Callable[[], object]) -> Callable[[], None]:
    def ask_often() -> None:
        for _ in range(ASKED_PER_ROUND):
            ask()

    return ask_often


def _row(what: str, ours_ms: float, against: str, theirs_ms: float, target: float | None) -> Row:
    per_us = 1e3 / ASKED_PER_ROUND
    return compared(what, ours_ms * per_us, against, theirs_ms * per_us, at_most=target, unit="µs")
