"""A server for the benchmark of the HTTP face: `face`, or a `bare` hypercorn with starlette.

`python -m tests.bench.http_peer KIND` listens on a port of its own choice and prints it.
Both read a JSON body and answer with one of the same size.
"""

from __future__ import annotations

import sys
from functools import partial

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse
from starlette.routing import Route as Path

from polarisd.http.limits import Limits
from polarisd.http.listening import CannotBind, bind
from polarisd.http.routes import SIGNED, Reply, Request, Route
from polarisd.http.server import Face
from polarisd.keys import from_seed

HOTKEY = from_seed(b"f" * 32)
_MUCH = 10**9


async def _echo(request: Request) -> Reply:
    return Reply(200, request.document)


async def _bare_echo(request: Incoming) -> JSONResponse:
    return JSONResponse(await request.json())


def _tell(port: str) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


async def _face(limits: Limits) -> None:
    sockets = bind("127.0.0.1", 0)
    assert not isinstance(sockets, CannotBind), sockets
    route = Route(method="POST", path="/echo", access=SIGNED, handler=_echo)
    face = Face(hotkey=HOTKEY, role="validator", routes=[route], limits=limits)
    # not before: it takes nothing that was signed earlier than it was made
    _tell(str(sockets[0].getsockname()[1]))
    await face.serve(sockets)


async def _bare() -> None:
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    config.keep_alive_max_requests = _MUCH
    app = Starlette(routes=[Path("/echo", _bare_echo, methods=["POST"])])
    async with trio.open_nursery() as nursery:
        binds = await nursery.start(partial(serve, app, config))  # type: ignore[arg-type]
        _tell(binds[0].rpartition(":")[2])


def main(kind: str) -> None:
    roomy = Limits(
        address_rate_per_s=_MUCH, address_burst=_MUCH, strangers_rate_per_s=_MUCH,
        strangers_burst=_MUCH, hotkey_rate_per_s=_MUCH,
        hotkey_burst=_MUCH, most_nonces_of_hotkey=_MUCH, most_requests_of_connection=_MUCH,
    )  # fmt: skip
    match kind:
        case "face":
            trio.run(_face, roomy)
        case "bare":
            trio.run(_bare)
        case _:
            raise SystemExit(f"no server {kind}")


if __name__ == "__main__":
    main(sys.argv[1])
