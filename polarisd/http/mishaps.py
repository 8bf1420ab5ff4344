"""What went wrong on the way, as a value: from httpx's exceptions.  For `exchange` only."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import httpx

from polarisd.http.delivery import Undelivered, undelivered

_DEPTH = 12  # of causes within causes


def mishap(error: httpx.TransportError, where: str) -> Undelivered:
    match error:
        case httpx.ConnectTimeout():
            return undelivered("unreachable", f"{where} does not answer to connections")
        case httpx.ConnectError():
            return _not_connected(error, where)
        case httpx.TimeoutException():
            return undelivered("timed_out", f"{where} did not answer in time")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return undelivered("bad_endpoint", f"cannot ask {where}: {error!s:.200}")
        case httpx.RemoteProtocolError() if not _ended_early(error):
            return undelivered("not_polaris", f"{where} does not speak HTTP: {error!s:.200}")
    return undelivered("cut_off", f"{where} closed the connection before it had answered")


def _not_connected(error: httpx.ConnectError, where: str) -> Undelivered:
    causes = [cause for cause in _causes(error) if isinstance(cause, OSError)]
    numbers = {cause.errno for cause in causes}
    if errno.ECONNREFUSED in numbers:
        return undelivered("refused", f"{where} refuses connections")
    words = next((c.strerror for c in reversed(causes) if c.strerror), None) or str(error)
    return undelivered("unreachable", f"cannot reach {where}: {words:.200}")


def _ended_early(error: httpx.RemoteProtocolError) -> bool:
    """h11 and httpcore have no other way to tell an end in the middle from nonsense."""
    return str(error).startswith(("Server disconnected", "peer closed connection"))


def _causes(error: BaseException, depth: int = _DEPTH) -> Iterator[BaseException]:
    yield error
    if depth == 0:
        return
    inner = [*getattr(error, "exceptions", ()), error.__cause__ or error.__context__]
    for cause in inner:
        if cause is not None:
            yield from _causes(cause, depth - 1)
