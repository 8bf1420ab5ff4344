"""Signed requests to other faces, and small fetches by URL; `heartbeat` and `net` use it.

Every wait ends at a deadline, every reply at a size, and every end is a value.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Union

import trio

from polarisd.http import auth, documents, replies
from polarisd.http.delivery import Delivery, Undelivered, undelivered
from polarisd.http.exchange import Exchange, target_of
from polarisd.http.fetching import get_small
from polarisd.http.receipt import judge
from polarisd.http.targets import address_of, is_path
from polarisd.keys import Hotkey

REPLY_BYTES = 256 << 10
# Shorter than a face keeps an idle connection (`Limits.idle_s`), so that nothing is sent
# into one that is being closed.
KEEP_S = 3.0
_SET_BACK_NS = 10**9  # less than a face lets a request be ahead

Content = Union[Mapping[str, object], bytes]


class Courier:
    """Carries what `hotkey` signs.  An asynchronous context manager.

    Many tasks may use it at once; `most_connections` bounds how many are under way, and
    the others wait, within their deadlines.  `clock_ns` is wall-clock time.
    """

    def __init__(
        self,
        *,
        hotkey: Hotkey,
        clock_ns: Callable[[], int] = time.time_ns,
        most_connections: int = 64,
    ) -> None:
        self._hotkey = hotkey
        self._clock_ns = clock_ns
        self._last_nonce_ns = 0
        self._authorities: ssl.SSLContext | None = None  # read when first needed
        self._exchange = Exchange(
            # without any authority: nothing goes over TLS here
            context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            clock_ns=clock_ns,
            most_connections=most_connections,
            keep_s=KEEP_S,
            takes_chunks=False,
        )

    async def __aenter__(self) -> Courier:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._exchange.aclose()

    async def post(
        self,
        endpoint: str,
        path: str,
        content: Content,
        *,
        receiver: str,
        deadline_s: float,
        most_bytes: int = REPLY_BYTES,
    ) -> Delivery:
        """`endpoint` is ip:port; `path` may have a query; `receiver` is who must answer."""
        body = content if isinstance(content, bytes) else documents.dump(content)
        return await self._ask("POST", endpoint, path, body, receiver, deadline_s, most_bytes)

    async def get(
        self,
        endpoint: str,
        path: str,
        *,
        receiver: str,
        deadline_s: float,
        most_bytes: int = REPLY_BYTES,
    ) -> Delivery:
        return await self._ask("GET", endpoint, path, b"", receiver, deadline_s, most_bytes)

    async def get_small(
        self, url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
    ) -> bytes | Undelivered:
        """See `fetching`.  Nothing of it is signed, or says who asks."""
        if self._authorities is None:
            self._authorities = await trio.to_thread.run_sync(ssl.create_default_context)
        return await get_small(
            url,
            context=self._authorities,
            deadline_s=deadline_s,
            most_bytes=most_bytes,
            from_address=from_address,
        )

    async def _ask(
        self,
        method: str,
        endpoint: str,
        path: str,
        body: bytes,
        receiver: str,
        deadline_s: float,
        most_bytes: int,
    ) -> Delivery:
        if address_of(endpoint) is None or not is_path(path):
            return undelivered("bad_endpoint", f"cannot ask {endpoint!r:.100} for {path!r:.100}")
        url = f"http://{endpoint}{path}"
        asked = replies.Asked(
            method=method,
            target=target_of(url),
            body=body,
            nonce_ns=self._nonce_ns(),
            sender=self._hotkey.ss58,
        )
        headers = auth.sign(
            self._hotkey,
            method=method,
            target=asked.target,
            body=body,
            receiver=receiver,
            nonce_ns=asked.nonce_ns,
        )
        with trio.move_on_after(deadline_s):
            received = await self._exchange.send(
                method,
                url,
                headers=headers,
                body=body,
                connect_s=deadline_s / 2,
                most_bytes=most_bytes,
            )
            if isinstance(received, Undelivered):
                return received
            return judge(received, asked=asked, receiver=receiver)
        return undelivered("timed_out", f"{endpoint} did not answer within {deadline_s:g} s")

    def _nonce_ns(self) -> int:
        """Now, and not the same twice: but when the clock was set back it is now again, for
        what is dated ahead is refused until its time has come."""
        now_ns, last_ns = self._clock_ns(), self._last_nonce_ns
        is_set_back = now_ns < last_ns - _SET_BACK_NS
        self._last_nonce_ns = now_ns if is_set_back else max(now_ns, last_ns + 1)
        return self._last_nonce_ns
