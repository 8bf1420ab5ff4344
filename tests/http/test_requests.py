"""Which requests are taken, and that each refusal says why and is signed."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest
import trio

from polarisd import __version__
from polarisd.http.documents import MAX_DEPTH, parse
from polarisd.http.routes import SIGNED, Reply, Request, Route, complaint
from tests.http.support import ECHO, MOST_BYTES, Said, facing, now, read_all
from tests.unit.http_support import ALICE, BOB, CAROL


async def refused(code: str, *, ahead_s: float = 0.0, **changes: object) -> None:
    """A request of BOB's is, with this code, by a reply that is signed for it."""
    async with facing() as site:
        order = now(**changes).dated(ahead_s)
        said = await site.ask(bytes(order))
    assert (said.code, said.is_signed_for(order)) == (code, True)
    assert set(parse(said.body)) >= {"code", "message", "hint"}


async def test_a_signed_request_is_answered_and_signed() -> None:
    async with facing() as site:
        order = now(body=b'{"a":[1]}', target="/echo?x=%20y")
        said = await site.ask(bytes(order))
    assert said.status == 200 and said.is_signed_for(order)
    assert parse(said.body) == {
        "caller": BOB.ss58, "document": {"a": [1]}, "query": "x=%20y",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_anyone_may_ask_who_is_here_and_learns_no_more(host: str) -> None:
    async with facing(host=host) as site:
        said = await site.ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert parse(said.body) == {"polaris": __version__, "hotkey": ALICE.ss58, "role": "miner"}
    names = {name for name, _ in said.headers}
    assert names == {"server", "content-type", "content-length", "cache-control", "connection"}
    assert ("server", "polaris") in said.headers


async def test_a_signed_question_of_anyone_gets_a_signed_answer() -> None:
    async with facing() as site:
        order = now(method="GET", target="/", body=b"")
        assert (await site.ask(bytes(order))).is_signed_for(order)


async def test_an_unsigned_request_is_refused() -> None:
    async with facing() as site:
        said = await site.ask(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    assert (said.status, said.code) == (401, "unsigned")
    assert not any(name.startswith("x-polaris") for name, _ in said.headers)


async def test_a_replayed_request_is_refused() -> None:
    async with facing() as site:
        order = now()
        assert (await site.ask(bytes(order))).code == "ok"
        said = await site.ask(bytes(order))
    assert said.code == "replayed" and said.is_signed_for(order)


@pytest.mark.parametrize("ahead_s", [2.5, 3600, -10.5, -3600])
async def test_a_request_of_another_time_is_refused(ahead_s: float) -> None:
    await refused("stale", ahead_s=ahead_s)


async def test_a_request_for_another_hotkey_is_refused() -> None:
    await refused("wrong_receiver", receiver=CAROL.ss58)


async def test_a_request_that_was_changed_is_refused() -> None:
    async with facing() as site:
        order = now()
        said = await site.ask(order.head() + b"[]")
    assert said.code == "bad_signature" and said.is_signed_for(order)


@pytest.mark.parametrize("scheme", ["ed25519", "ecdsa"])
async def test_other_schemes_are_refused(scheme: str) -> None:
    async with facing() as site:
        said = await site.ask(bytes(now(more=[("X-Bittensor-Crypto", scheme)])))
    assert (said.status, said.code) == (401, "unsupported_crypto")


async def test_duplicate_headers_are_refused() -> None:
    async with facing() as site:
        order = now()
        doubled = f"X-Bittensor-Nonce: {order.nonce_ns}\r\n\r\n".encode()
        said = await site.ask(order.head()[:-2] + doubled + order.body)
    assert (said.status, said.code) == (400, "malformed")


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/echo", "wrong_method"),
        ("DELETE", "/", "wrong_method"),
        ("OPTIONS", "*", "not_found"),
        ("TRACE", "/", "wrong_method"),
        ("CONNECT", "x:80", "not_found"),
        ("POST", "/echo/", "not_found"),
        ("POST", "/%65cho", "not_found"),
        ("POST", "//echo", "not_found"),
        ("POST", "http://x/echo", "not_found"),
        ("POST", "/../../etc/passwd", "not_found"),
        ("post", "/echo", "wrong_method"),
        ("POST", "/echo?" + "x" * 1024, "malformed"),
    ],
)
async def test_other_methods_and_paths(method: str, target: str, code: str) -> None:
    await refused(code, method=method, target=target)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff{}", b'{"a":"\\ud800"}', b'{"a":' + b"9" * 400 + b"}",
        b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"a":1,"a":1}', b'{"a":NaN}',
    ],
)  # fmt: skip
async def test_bad_documents_are_refused(body: bytes) -> None:
    await refused("bad_document", body=body)


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    async with facing() as site:
        order = now(body=b" " * (MOST_BYTES + 1))
        said = await site.ask(order.head())
    assert said.code == "too_large" and said.is_signed_for(order)


@pytest.mark.parametrize("length", ["9" * 15, "9" * 16, "9" * 20])
async def test_lengths_beyond_all_bounds(length: str) -> None:
    async with facing() as site:
        said = await site.ask(now(more=[("Content-Length", length)]).head())
    assert said.code == "too_large"


def chunked(body: bytes, size: int) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = (("Content-Length", None), ("Transfer-Encoding", "chunked"))


@pytest.mark.parametrize("size", [1, 100, 100_000])
async def test_a_body_in_chunks_is_refused_and_costs_nothing(size: int) -> None:
    async with facing() as site:
        order = now(body=b"{" + b" " * 50_000 + b"}", more=CHUNKED)
        data = order.head() + chunked(order.body, size)
        begun = time.process_time()
        said = await site.ask(data)
        await site.empties()
        assert time.process_time() - begun < 0.15  # it is about 0.5 when taken apart
    assert (said.status, said.code) == (411, "length_required") and said.is_signed_for(order)


async def test_a_body_in_shreds_is_refused() -> None:
    route = replace(ECHO, deadline_s=5)
    async with facing(route) as site, await site.connect() as stream:
        order = now(body=b"{}" + b" " * 1000)
        await stream.send_all(order.head())
        async with trio.open_nursery() as nursery:

            async def shred() -> None:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    for byte in order.body:
                        await stream.send_all(bytes([byte]))
                        await trio.sleep(0.001)

            nursery.start_soon(shred)
            said = Said.read(await read_all(stream))
            nursery.cancel_scope.cancel()
    assert (said.status, said.code) == (408, "too_slow") and said.is_signed_for(order)
    assert "256 pieces" in str(parse(said.body)["message"])


async def test_who_is_still_sending_when_refused_gets_to_read_why() -> None:
    async with facing() as site, await site.connect() as stream:
        order = now(body=b" " * 50_000)
        await stream.send_all(order.head() + order.body[:100])
        for _ in range(3):
            await trio.sleep(0.05)
            await stream.send_all(order.body[:10_000])
        said = Said.read(await read_all(stream))
    assert said.code == "too_large" and said.is_signed_for(order)


async def test_the_route_says_who_may_ask() -> None:
    async def fail(request: Request) -> Reply:
        raise AssertionError("the handler was reached")

    rule = replace(ECHO, access=lambda hotkey: hotkey != BOB.ss58, handler=fail)
    async with facing(rule) as site:
        order = now()
        said = await site.ask(bytes(order))
    assert (said.status, said.code) == (403, "not_allowed") and said.is_signed_for(order)


async def test_a_handler_may_take_bytes_and_refuse_in_its_own_words() -> None:
    async def take(request: Request) -> Reply:
        assert request.caller is not None and request.caller.hotkey == BOB.ss58
        assert (request.peer_address, request.document) == ("127.0.0.1", {})
        return complaint(409, "sequence_old", f"{len(request.body)} bytes", "wait")

    route = Route(method="POST", path="/raw", access=SIGNED, handler=take, is_json=False)
    async with facing(route) as site:
        order = now(target="/raw", body=b"\x00\xff")
        said = await site.ask(bytes(order))
    assert (said.status, said.code) == (409, "sequence_old") and said.is_signed_for(order)
    assert parse(said.body)["message"] == "2 bytes"


@pytest.mark.logs_errors("bug in the handler of POST /echo")
async def test_a_bug_in_a_handler_is_told_and_the_face_goes_on() -> None:
    async def fail(request: Request) -> Reply:
        return Reply(200, {"x": 1 / len(request.document)})

    async with facing(replace(ECHO, handler=fail)) as site:
        order = now()
        said = await site.ask(bytes(order))
        assert (said.status, said.code) == (500, "internal") and said.is_signed_for(order)
        assert (await site.ask(bytes(now(body=b'{"a":1}')))).status == 200
        assert site.face.counts == {"internal": 1, "ok": 1}


@pytest.mark.logs_errors("bug in the handler of POST /echo")
@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
async def test_a_reply_that_is_no_json_is_a_bug(value: object) -> None:
    async def fail(request: Request) -> Reply:
        return Reply(200, {"x": value})

    async with facing(replace(ECHO, handler=fail)) as site:
        assert (await site.ask(bytes(now()))).code == "internal"
