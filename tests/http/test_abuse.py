"""Peers who are slow, many, greedy or speak something else: the face serves on."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest
import trio

from polarisd.http.routes import Reply, Request
from tests.http.support import (
    ECHO,
    KEEP,
    QUICK,
    Said,
    Site,
    facing,
    now,
    read_all,
    statuses_in,
    well_after,
)  # fmt: skip


async def test_a_slow_head_is_cut_off() -> None:
    async with well_after() as site, await site.connect() as stream:
        with trio.fail_after(3):
            await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: x\r\n")
            begun = trio.current_time()
            async with trio.open_nursery() as nursery:

                async def drip() -> None:
                    try:
                        while True:
                            await stream.send_all(b"a: b\r\n")
                            await trio.sleep(0.05)
                    except trio.BrokenResourceError:
                        pass

                nursery.start_soon(drip)
                assert await read_all(stream) == b""
                nursery.cancel_scope.cancel()
            assert 0.3 < trio.current_time() - begun < 2


async def test_a_slow_body_is_refused() -> None:
    order = now(body=b"{}" + b" " * 100)
    async with well_after() as site, await site.connect() as stream:
        await stream.send_all(order.head())
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                try:
                    for byte in order.body:
                        await stream.send_all(bytes([byte]))
                        await trio.sleep(0.05)
                except trio.BrokenResourceError:
                    pass

            nursery.start_soon(drip)
            said = Said.read(await read_all(stream))
            nursery.cancel_scope.cancel()
    assert (said.status, said.code) == (408, "too_slow") and said.is_signed_for(order)


async def test_a_handler_that_takes_too_long_is_given_up() -> None:
    async def dream(request: Request) -> Reply:
        await trio.sleep_forever()

    async with facing(replace(ECHO, handler=dream)) as site:
        order = now()
        said = await site.ask(bytes(order))
        assert (said.status, said.code) == (503, "late") and said.is_signed_for(order)


async def test_a_peer_who_never_reads_is_dropped() -> None:
    async def much(request: Request) -> Reply:
        return Reply(200, {"x": "y" * 20_000_000})

    async with (
        facing(replace(ECHO, handler=much, deadline_s=5)) as site,
        await site.connect() as stream,
    ):
        await stream.send_all(bytes(now()))
        await stream.receive_some(1)
        assert site.face.connections == 1
        await site.empties()


async def test_a_peer_who_leaves_in_the_middle_leaves_nothing() -> None:
    async with well_after() as site:
        for cut in (1, 20, len(now().head()), len(bytes(now())) - 1):
            async with await site.connect() as stream:
                await stream.send_all(bytes(now())[:cut])
        await site.empties()


async def test_a_head_that_is_too_large_is_refused_in_one_piece_too() -> None:
    async with well_after() as site:
        said = await site.say(b"GET / HTTP/1.1\r\nHost: x\r\nx: " + b"y" * 9000 + b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 431 ") and said.count(b"HTTP/1.1") == 1
        fits = await site.say(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx: " + b"y" * 8000 + b"\r\n\r\n"
        )
        assert fits.startswith(b"HTTP/1.1 200 ")


async def test_a_head_in_shreds_is_refused() -> None:
    limits = replace(QUICK, idle_s=5)
    async with well_after(limits) as site, await site.connect() as stream:
        async with trio.open_nursery() as nursery:

            async def shred() -> None:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await stream.send_all(b"GET / HTTP/1.1\r\nx: ")
                    for _ in range(2000):
                        await stream.send_all(b"y")
                        await trio.sleep(0.001)

            nursery.start_soon(shred)
            said = await read_all(stream)
            nursery.cancel_scope.cancel()
        assert said.startswith(b"HTTP/1.1 408 ")


async def test_many_small_requests_on_one_connection_are_not_shreds() -> None:
    async with well_after() as site, await site.connect() as stream:
        for _ in range(300):
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            said = b""
            while not said.endswith(b"}"):
                said += await stream.receive_some()
            assert said.startswith(b"HTTP/1.1 200 ")


async def test_a_head_without_end_is_refused() -> None:
    async with well_after() as site:
        said = await site.say(b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000)
        assert said.startswith(b"HTTP/1.1 431 ") and b"server: polaris" in said


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("Content-Length: 2\r\nContent-Length: 3\r\n", 400),
        ("Content-Length: 2, 3\r\n", 400),
        ("Content-Length: +2\r\n", 400),
        ("Content-Length: -2\r\n", 400),
        ("Content-Length: 0x2\r\n", 400),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 501),
        ("Transfer-Encoding: gzip\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 501),
        ("Content-Length: 2\r\n folded\r\n", 400),
        ("Host: y\r\nContent-Length: 2\r\n", 400),
        ("Content-Length: 2\r\nX: a\x00b\r\n", 400),
    ],
)
async def test_lengths_that_two_parties_could_read_differently(lines: str, status: int) -> None:
    order = now(more=[("Content-Length", None), ("Connection", None)])
    async with well_after() as site:
        data = order.head()[:-2] + lines.encode() + b"\r\n{}GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        said = await site.say(data)
        assert said.split(b" ")[1] == str(status).encode()
        assert said.count(b"HTTP/1.1 ") == 1, "what follows was taken for a second request"


async def test_requests_in_a_row_are_each_looked_at() -> None:
    async with well_after() as site:
        first, second = bytes(now(more=KEEP)), bytes(now(more=KEEP))
        said = await site.say(first + second + first)
    assert statuses_in(said) == [b"200", b"200", b"401"]


async def test_what_follows_a_refusal_is_not_looked_at() -> None:
    async with facing() as site:
        bad, good = bytes(now(more=KEEP, target="/x")), bytes(now(more=KEEP))
        for _ in range(30):
            assert statuses_in(await site.say(bad + good)) == [b"404"]
            assert statuses_in(await site.say(good_now() + bad + good)) == [b"200", b"404"]
        await site.empties()
        assert site.face.counts == {"not_found": 60, "ok": 30}


def good_now() -> bytes:
    return bytes(now(more=KEEP))


@pytest.mark.parametrize(
    "upgrade",
    [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQA\r\n",
        (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        ),
    ],
)
async def test_nothing_but_http_1_is_spoken(upgrade: str) -> None:
    async with well_after() as site:
        said = await site.say(f"GET / HTTP/1.1\r\nHost: x\r\n{upgrade}\r\n".encode(), ends=True)
        assert said.startswith(b"HTTP/1.1 200 ") and b"upgrade" not in said.lower()


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\r\n" * 5000,
        b"GET / HTTP/1.1\r\n\r\n",  # no host
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    ],
)
async def test_other_protocols_are_refused(data: bytes) -> None:
    async with well_after() as site:
        said = await site.say(data, ends=True)
        assert said == b"" or said.startswith(b"HTTP/1.1 4")
        assert said.count(b"server: polaris") <= 1


async def test_garbage() -> None:
    chance = random.Random(4)
    few = trio.CapacityLimiter(20)
    async with well_after() as site, trio.open_nursery() as nursery:
        for _ in range(300):
            data = bytearray(bytes(now()) if chance.random() < 0.7 else b"")
            for _ in range(chance.randrange(1, 30)):
                at = chance.randrange(len(data) + 1)
                data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
            nursery.start_soon(_say_quietly, site, bytes(data), few)


async def _say_quietly(site: Site, data: bytes, few: trio.CapacityLimiter) -> None:
    async with few:
        said = await site.say(data, ends=True)
    assert said == b"" or said.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in said
