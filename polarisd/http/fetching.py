"""Fetches something small by its URL; `client` does, for echo services."""

from __future__ import annotations

import ssl
import time

import trio

from polarisd.http.delivery import Undelivered, undelivered
from polarisd.http.exchange import Exchange
from polarisd.http.targets import is_url


async def get_small(
    url: str,
    *,
    context: ssl.SSLContext,
    deadline_s: float,
    most_bytes: int,
    from_address: str | None = None,
) -> bytes | Undelivered:
    """The body of a 200 from an http or https URL.  Its name is resolved; its certificate
    must please `context`.  `from_address` "0.0.0.0" or "::" chooses a family of addresses.
    """
    if not is_url(url):
        return undelivered("bad_endpoint", f"cannot ask {url!r:.200}: it is no http(s) URL")
    with trio.move_on_after(deadline_s):
        exchange = Exchange(
            context=context,
            clock_ns=time.time_ns,
            most_connections=2,
            keep_s=0.0,
            takes_chunks=True,
            from_address=from_address,
        )
        try:
            received = await exchange.send(
                "GET", url, headers={}, body=b"", connect_s=deadline_s / 2, most_bytes=most_bytes
            )
        finally:
            await exchange.aclose()
        if isinstance(received, Undelivered):
            return received
        if received.status != 200:
            return undelivered("not_polaris", f"{url} answered with status {received.status}")
        return received.body
    return undelivered("timed_out", f"{url} did not answer within {deadline_s:g} s")
