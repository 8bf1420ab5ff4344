"""HTTP, by urllib: pages, and files from an offset on.  The only module that opens connections.

Follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and redirects to http and https alone.  Every read
has a deadline.  Whoever holds a `Web` decides what to do about Gone and Refused.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request as request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

from polarisctl.failures import failed
from polarisd import __version__

READ_DEADLINE_S = 30.0
# As long as a server may ask us to wait.
RETRY_AFTER_CAP_S = 60.0
# What another attempt may cure; any other 4xx is an answer.
PASSING = (408, 425, 429)


class Gone(Exception):
    """This URL cannot be had, now or later; `remedy` says what to do instead."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


class Refused(Exception):
    """Not now: `why`, and how long the server asks us to wait."""

    def __init__(self, why: str, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """A file's bytes from `offset` on."""

    offset: int
    response: HTTPResponse

    def read(self, count: int) -> bytes:
        """What has come, at most `count` bytes; empty at the end."""
        return self.response.read1(count)


class Web:
    def __init__(self, deadline_s: float = READ_DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        # Not build_opener's: that one opens file: and ftp: as well.
        self._opener = request.OpenerDirector()
        for handler in (
            request.ProxyHandler(),
            request.HTTPHandler(),
            request.HTTPSHandler(context=ssl.create_default_context()),
            request.HTTPDefaultErrorHandler(),
            request.HTTPRedirectHandler(),
            request.HTTPErrorProcessor(),
            request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def page(self, url: str, accept: str, cap: int) -> tuple[str, str, bytes]:
        """Final URL, content type and body.  Error handling: fails in words."""
        try:
            with self._open(url, {"Accept": accept}) as response:
                body = response.read(cap + 1)
                kind = response.headers.get_content_type()
                final = response.geturl()
        except Gone as gone:
            raise failed(f"cannot read {url}: {gone}", gone.remedy) from None
        except (Refused, HTTPException, OSError) as problem:
            raise failed(
                f"cannot read {url}: {problem}",
                "check the network, a proxy (HTTPS_PROXY) and the index",
            ) from None
        if len(body) > cap:
            raise failed(f"cannot read {url}: it is larger than {cap} bytes")
        return final, kind, body

    @contextmanager
    def get(self, url: str, *, offset: int, size: int) -> Iterator[Answer]:
        """A file from `offset` on, or from its beginning where the server knows no ranges."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._open(url, {**headers, "Accept-Encoding": "identity"}) as response:
            if response.status == 206:
                got = response.headers.get("Content-Range", "")
                if got != f"bytes {offset}-{size - 1}/{size}":
                    raise Gone(f"the server has another file there ({got or 'no range'})", OTHER)
                yield Answer(offset, response)
                return
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) != size:
                raise Gone(f"the server's file has {length} bytes, not {size}", OTHER)
            yield Answer(0, response)

    def _open(self, url: str, headers: dict[str, str]) -> HTTPResponse:
        headers = {"User-Agent": f"polarisctl/{__version__}", **headers}
        try:
            response: HTTPResponse = self._opener.open(
                request.Request(url, headers=headers), timeout=self._deadline_s
            )
        except urllib.error.HTTPError as error:
            with error:
                raise _told(error) from None
        except urllib.error.URLError as error:
            raise _unreached(error) from None
        return response


OTHER = "try another index with --index-url, or upgrade polaris"
NO_SUCH_FILE = "try another index with --index-url, or wheels in a directory with --from"


def _told(error: urllib.error.HTTPError) -> Exception:
    why = f"the server answered {error.code} {error.reason}"
    if error.code in PASSING or error.code >= 500:
        wait = error.headers.get("Retry-After", "") if error.headers else ""
        seconds = float(wait) if wait.isdecimal() else 0.0
        return Refused(why, min(seconds, RETRY_AFTER_CAP_S))
    if error.code == 416:
        return Gone(f"{why}: its file is shorter than ours", OTHER)
    if error.code in (401, 403, 407):
        who = "the proxy" if error.code == 407 else "the index"
        return Gone(why, f"{who} asks for a login: use an index that does not (--index-url)")
    return Gone(why, NO_SUCH_FILE)


def _unreached(error: urllib.error.URLError) -> Exception:
    if isinstance(error.reason, ssl.SSLCertVerificationError):
        return Gone(
            f"its certificate is not trusted: {error.reason.verify_message}",
            "set the clock, install ca-certificates, or the certificate of your proxy there",
        )
    reason = error.reason
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return Refused(text or type(reason).__name__)
