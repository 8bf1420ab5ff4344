"""Small fetches by URL: names, both schemes, both families, and nothing beyond what is asked."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from polarisd.http.client import Courier
from polarisd.http.delivery import Undelivered
from polarisd.http.fetching import get_small
from tests.http.liars import lying, reply, says
from tests.unit.http_support import BOB


async def fetched(url: str, most_bytes: int = 64, deadline_s: float = 5.0) -> bytes | str:
    async with Courier(hotkey=BOB) as courier:
        body = await courier.get_small(url, deadline_s=deadline_s, most_bytes=most_bytes)
    return body.code if isinstance(body, Undelivered) else body


async def test_a_small_page_whose_host_has_a_name() -> None:
    async with lying(says(reply(body=b"203.0.113.7\n"))) as endpoint:
        port = endpoint.rpartition(":")[2]
        assert await fetched(f"http://localhost:{port}/ip?x") == b"203.0.113.7\n"


async def test_what_is_sent_says_nothing_of_us() -> None:
    heard: list[bytes] = []

    async def listen(stream: trio.SocketStream, request: bytes) -> None:
        heard.append(request)
        await stream.send_all(reply())

    async with lying(listen) as endpoint:
        await fetched(f"http://{endpoint}/")
    assert b"X-Bittensor" not in heard[0] and BOB.ss58.encode() not in heard[0]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (reply(302, b"", {"location": "/x"}), "not_polaris"),
        (reply(500, b"no"), "not_polaris"),
        (reply(body=b"x" * 65), "reply_too_large"),
        (b"nonsense\r\n\r\n", "not_polaris"),
        (b"", "cut_off"),
    ],
)
async def test_other_replies(said: bytes, code: str) -> None:
    async with lying(says(said)) as endpoint:
        assert await fetched(f"http://{endpoint}/") == code


async def test_slow_ones_are_not_waited_for() -> None:
    async with lying(says(b"", every_s=60)) as endpoint:
        assert await fetched(f"http://{endpoint}/", deadline_s=0.3) == "timed_out"


@pytest.mark.parametrize("source", [None, "0.0.0.0", "::"])
@pytest.mark.parametrize(
    "host", ["a..b", ".", "999.1.1.1", "xn--", "xn--a", "a" * 70, "a." * 130 + "b", "-", "_"]
)
async def test_hosts_that_cannot_be(host: str, source: str | None) -> None:
    async with Courier(hotkey=BOB) as courier:
        outcome = await courier.get_small(
            f"http://{host}/", deadline_s=5, most_bytes=64, from_address=source
        )
    assert isinstance(outcome, Undelivered) and outcome.text
    assert outcome.code in ("bad_endpoint", "unreachable", "timed_out")


async def test_a_reply_in_chunks_is_taken_but_not_in_shreds() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with lying(says(head, b"3\r\n203\r\n", b"8\r\n.0.113.7\r\n0\r\n\r\n")) as endpoint:
        assert await fetched(f"http://{endpoint}/") == b"203.0.113.7"
    async with lying(says(head, b"1\r\nx\r\n" * 80 + b"0\r\n\r\n")) as endpoint:
        assert await fetched(f"http://{endpoint}/", most_bytes=1000) == "not_polaris"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "file:///etc/passwd", "127.0.0.1"])
async def test_only_urls_of_the_web(url: str) -> None:
    assert await fetched(url) == "bad_endpoint"


async def test_a_name_that_does_not_resolve() -> None:
    assert await fetched("http://nowhere.invalid/") in ("unreachable", "timed_out")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that nobody else has signed."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=path.parent, check=True, capture_output=True)
    path.write_bytes(b"".join((path.parent / n).read_bytes() for n in ("key.pem", "cert.pem")))
    return path


@asynccontextmanager
async def over_tls(certificate: Path, body: bytes) -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            await stream.receive_some(1000)
            await stream.send_all(reply(body=body))
        except trio.BrokenResourceError:
            pass  # it does not trust us

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1")
        )
        port = listeners[0].transport_listener.socket.getsockname()[1]
        yield f"https://localhost:{port}/"
        nursery.cancel_scope.cancel()


async def test_https_with_a_certificate_that_is_trusted(certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    async with over_tls(certificate, b"203.0.113.7") as url:
        body = await get_small(url, context=context, deadline_s=5, most_bytes=64)
        assert body == b"203.0.113.7"
        elsewhere = url.replace("localhost", "127.0.0.1")
        other = await get_small(elsewhere, context=context, deadline_s=5, most_bytes=64)
    assert isinstance(other, Undelivered) and "certificate" in other.text.lower()


async def test_https_with_a_certificate_that_the_system_does_not_trust(certificate: Path) -> None:
    async with over_tls(certificate, b"") as url:
        assert await fetched(url) == "unreachable"


@pytest.mark.parametrize(("source", "good"), [("0.0.0.0", True), ("::", False)])
async def test_a_family_may_be_chosen(source: str, good: bool) -> None:
    async with lying(says(reply(body=b"x"))) as endpoint:
        port = endpoint.rpartition(":")[2]
        async with Courier(hotkey=BOB) as courier:
            body = await courier.get_small(
                f"http://127.0.0.1:{port}/", deadline_s=5, most_bytes=64, from_address=source
            )
    assert (body == b"x") is good
