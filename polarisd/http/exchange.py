"""One request over HTTP and its reply, whole.  With `mishaps`, the only importer of httpx.

What a reply costs is bounded, besides its size: see `wary`, and `_MOST_PIECES`.

Nothing of the environment is used (no proxies, no .netrc), no redirect is followed, no
cookie kept, no reply unpacked.  `client` gives each exchange its deadline.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping

import httpcore
import httpx
import trio

from polarisd import __version__
from polarisd.http.delivery import Undelivered, undelivered
from polarisd.http.mishaps import mishap
from polarisd.http.receipt import Received
from polarisd.http.wary import NotAReply, WaryBackend

# A reply may come in so many pieces, and one more for each so many bytes that it may have:
# fewer than the smallest packets of the Internet carry.
_MOST_PIECES = 64
_PIECE_BYTES = 256

_HEADERS = {"user-agent": f"polaris/{__version__}", "accept-encoding": "identity"}


class Exchange:
    """Connections that are kept for a while, and what goes over them.

    `context` is for https.  `takes_chunks`: whether a reply's length may be unsaid, as the
    web's often is, and that of a face never.  `from_address` "0.0.0.0" or "::" chooses a
    family of addresses.  `clock_ns` is wall-clock time.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext,
        clock_ns: Callable[[], int],
        most_connections: int,
        keep_s: float,
        takes_chunks: bool,
        from_address: str | None = None,
    ) -> None:
        self._clock_ns = clock_ns
        self._takes_chunks = takes_chunks
        self._transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
        # httpx has no word for the backend; all else is as it would have made it.
        self._transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=most_connections,
            max_keepalive_connections=most_connections // 2,
            keepalive_expiry=keep_s,
            local_address=from_address,
            network_backend=WaryBackend(),
        )

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True):  # closing sockets waits for nobody
            await self._transport.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        connect_s: float,
        most_bytes: int,
    ) -> Received | Undelivered:
        """`connect_s` is for the connection alone, so that a peer who never answers its
        first packet is told from one who is slow."""
        try:
            request = httpx.Request(
                method,
                url,
                headers={**_HEADERS, **headers},
                content=body,
                extensions={"timeout": {"connect": connect_s}},
            )
            # names and numbers that are no host's; idna's errors are UnicodeErrors
            where = request.url.netloc.decode("ascii")
        except (httpx.InvalidURL, UnicodeError) as error:
            return undelivered("bad_endpoint", f"cannot ask {url!r:.200}: {error!s:.200}")
        request.stream = _Body(body)
        sent_at, sent = self._clock_ns() / 1e9, trio.current_time()
        try:
            response = await self._transport.handle_async_request(request)
            content = await self._read(response, most_bytes)
        except NotAReply as error:
            return undelivered("not_polaris", f"{where} does not answer in order: {error}")
        except UnicodeError as error:  # what looks a name up would have it shorter
            return undelivered("bad_endpoint", f"cannot ask {where}: {error!s:.200}")
        except httpx.TransportError as error:
            return mishap(error, where)
        if content is None:
            return undelivered("reply_too_large", f"{where} answers with over {most_bytes} bytes")
        round_trip_s = trio.current_time() - sent
        return Received(
            where=where,
            status=response.status_code,
            headers=response.headers.raw,
            body=content,
            middle_at=sent_at + round_trip_s / 2,
            replied_at=self._clock_ns() / 1e9,
            round_trip_s=round_trip_s,
        )

    async def _read(self, response: httpx.Response, most_bytes: int) -> bytes | None:
        """None if it is longer; what comes after is not read."""
        content, pieces = bytearray(), 0
        try:
            if "transfer-encoding" in response.headers and not self._takes_chunks:
                raise NotAReply("the reply is in chunks")
            # Generators within generators: they end in order when what they wait for is
            # cancelled.
            with trio.CancelScope() as enough:
                async for piece in response.aiter_raw():
                    content += piece[: most_bytes + 1 - len(content)]
                    pieces += 1
                    if (
                        len(content) > most_bytes
                        or pieces > _MOST_PIECES + most_bytes // _PIECE_BYTES
                    ):
                        enough.cancel()
            if len(content) > most_bytes:
                return None
            if enough.cancel_called:
                raise NotAReply(f"the reply is in over {pieces - 1} pieces")
            return bytes(content)
        finally:
            with trio.CancelScope(shield=True):
                await response.aclose()


def target_of(url: str) -> str:
    """What will stand in the request for this URL: path and query, as they are sent."""
    return httpx.URL(url).raw_path.decode("ascii")


class _Body(httpx.AsyncByteStream):
    """What httpx has for this is a generator, which is left lying about, with a warning,
    when the other side answers before it has read all of it."""

    def __init__(self, body: bytes) -> None:
        self._left = [body] if body else []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()
