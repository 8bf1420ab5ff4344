"""The client against a true face, and against servers that lie."""

from __future__ import annotations

import gzip
import os
import socket
import time
from dataclasses import replace

import pytest
import trio

from polarisd.http.client import Courier
from polarisd.http.delivery import Answer, Undelivered
from polarisd.http.routes import Reply, Request
from tests.http.liars import Liar, lying, reply, says, signs
from tests.http.support import ECHO, MOST_BYTES, QUICK, facing
from tests.unit.http_support import ALICE, BOB, CAROL


async def post(
    endpoint: str, content: object = None, *, receiver: str = ALICE.ss58, deadline_s: float = 5.0,
    most_bytes: int = 10_000, ahead_s: float = 0.0,
) -> Answer | Undelivered:  # fmt: skip
    def clock_ns() -> int:
        return time.time_ns() + int(ahead_s * 1e9)

    async with Courier(hotkey=BOB, clock_ns=clock_ns) as courier:
        return await courier.post(
            endpoint, "/echo", {} if content is None else content,  # type: ignore[arg-type]
            receiver=receiver, deadline_s=deadline_s, most_bytes=most_bytes,
        )  # fmt: skip


async def told(liar: Liar, **more: float) -> Undelivered:
    async with lying(liar) as endpoint:
        outcome = await post(endpoint, **more)  # type: ignore[arg-type]
    assert isinstance(outcome, Undelivered), outcome
    assert outcome.text and outcome.remedy
    return outcome


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_answer(host: str) -> None:
    async with facing(host=host) as site:
        answer = await post(site.endpoint, {"ü": [1.5, None]})
        assert isinstance(answer, Answer)
        assert (answer.status, answer.document["document"]) == (200, {"ü": [1.5, None]})
        assert abs(answer.server_time - time.time()) < 2 and abs(answer.clock_offset_s) < 1
        assert (await post(site.endpoint, b'{"a":1}')).__class__ is Answer


async def test_many_at_once_over_few_connections() -> None:
    answers: list[Answer | Undelivered] = []
    async with facing() as site, Courier(hotkey=BOB, most_connections=4) as courier:

        async def ask(number: int) -> None:
            answers.append(
                await courier.post(
                    site.endpoint, "/echo", {"n": number}, receiver=ALICE.ss58, deadline_s=5
                )
            )

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(ask, number)
        assert site.face.connections <= 4
    numbers = {a.document["document"]["n"] for a in answers if isinstance(a, Answer)}  # type: ignore[index]
    assert numbers == set(range(40))


async def test_the_same_instant_twice_gives_two_nonces() -> None:
    stopped_ns = time.time_ns() + 10**9
    async with facing() as site, Courier(hotkey=BOB, clock_ns=lambda: stopped_ns) as courier:
        for _ in range(3):
            answer = await courier.post(
                site.endpoint, "/echo", {}, receiver=ALICE.ss58, deadline_s=5
            )
            assert isinstance(answer, Answer)


@pytest.mark.parametrize("ahead_s", [3, 7200])
async def test_a_clock_that_was_ahead_and_is_set_right(ahead_s: int) -> None:
    ahead_ns = ahead_s * 10**9
    async with facing() as site, Courier(
        hotkey=BOB, clock_ns=lambda: time.time_ns() + ahead_ns
    ) as courier:  # fmt: skip
        for code in ("stale", "answer", "answer"):
            outcome = await courier.post(
                site.endpoint, "/echo", {}, receiver=ALICE.ss58, deadline_s=5
            )
            assert (outcome.code if isinstance(outcome, Undelivered) else "answer") == code
            ahead_ns = 0


@pytest.mark.parametrize(
    ("ahead_s", "text"), [(30, "30 s ahead of that"), (-30, "30 s behind that")]
)
async def test_a_wrong_clock_is_explained(ahead_s: float, text: str) -> None:
    async with facing() as site:
        outcome = await post(site.endpoint, ahead_s=ahead_s)
    assert isinstance(outcome, Undelivered)
    assert outcome.code == "stale" and text in outcome.text and outcome.proven
    assert outcome.clock_offset_s is not None and abs(outcome.clock_offset_s + ahead_s) < 1


async def test_refusals_of_a_face() -> None:
    async def refuse_bob(request: Request) -> Reply:
        raise AssertionError

    limits = replace(QUICK, hotkey_rate_per_s=0.1, hotkey_burst=2)
    closed = replace(ECHO, path="/closed", access=lambda _: False, handler=refuse_bob)
    async with facing(ECHO, closed, limits=limits) as site, Courier(hotkey=BOB) as courier:

        async def ask(path: str, size: int = 0, receiver: str = ALICE.ss58) -> str:
            outcome = await courier.post(
                site.endpoint, path, {"x": "y" * size}, receiver=receiver, deadline_s=5
            )
            return outcome.code if isinstance(outcome, Undelivered) else "answer"

        assert await ask("/echo", MOST_BYTES) == "too_large"
        assert await ask("/echo", 3_000_000) == "too_large"
        assert await ask("/closed") == "not_allowed"
        assert await ask("/nowhere") == "not_found"
        assert await ask("/echo", receiver=CAROL.ss58) == "other_hotkey"
        assert [await ask("/echo") for _ in range(3)] == ["answer", "answer", "rate_limited"]


async def test_an_empty_budget_says_how_long_to_wait() -> None:
    limits = replace(QUICK, address_rate_per_s=0.1, address_burst=1)
    async with facing(limits=limits) as site:
        outcomes = [await post(site.endpoint) for _ in range(2)]
    for outcome in outcomes:  # one before its request was signed for, one at the door
        assert isinstance(outcome, Undelivered)
        assert (outcome.code, outcome.proven, outcome.passing) == ("rate_limited", False, True)
        assert outcome.retry_after_s is not None and 5 < outcome.retry_after_s <= 20


@pytest.mark.parametrize("endpoint", ["localhost:80", "127.0.0.1", "127.0.0.1:0", "[::1%lo]:1", ""])
async def test_only_addresses_are_asked(endpoint: str) -> None:
    outcome = await post(endpoint)
    assert isinstance(outcome, Undelivered)
    assert (outcome.code, outcome.passing) == ("bad_endpoint", False)


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        endpoint = f"127.0.0.1:{gone.getsockname()[1]}"
    outcome = await post(endpoint)
    assert isinstance(outcome, Undelivered)
    assert (outcome.code, outcome.text) == ("refused", f"{endpoint} refuses connections")


async def test_an_address_without_a_route() -> None:
    outcome = await post("[2001:db8::1]:8000", deadline_s=0.4)
    assert isinstance(outcome, Undelivered)
    assert outcome.code == "unreachable"


async def test_a_server_that_never_accepts() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        endpoint = f"127.0.0.1:{full.getsockname()[1]}"
        with socket.create_connection(full.getsockname()):
            outcome = await post(endpoint, deadline_s=0.6)
    assert isinstance(outcome, Undelivered)
    assert outcome.code == "unreachable"


LIES: list[tuple[str, Liar]] = [
    ("not_polaris", says(reply())),
    ("not_polaris", says(reply(404, b"<html>", {"content-type": "text/html"}))),
    ("not_polaris", says(reply(301, b"", {"location": "http://127.0.0.1:1/"}))),
    ("not_polaris", says(reply(307, b"", {"location": "/elsewhere"}))),
    ("cut_off", says(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("not_polaris", says(b"\x15\x03\x01\x00\x02\x02\x46")),
    ("not_polaris", says(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n")),
    ("not_polaris", says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}")),
    ("not_polaris", says(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000)),
    ("not_polaris", says(reply(headers={"x-polaris-reply-versio": "1"}))),
    ("bad_reply_signature", says(reply(headers={"x-polaris-reply-version": "1"}))),
    ("bad_reply_signature", signs(b'{"a":1}', said_body=b'{"a":2}')),
    ("other_hotkey", signs(hotkey=CAROL)),
    ("other_hotkey", signs(hotkey=BOB)),
    ("bad_reply", signs(b"[]")),
    ("bad_reply", signs(b"\xff")),
    ("bad_reply", signs(b'{"a":' + b"[" * 1500 + b"]" * 1500 + b"}")),
    ("reply_too_large", signs(b'{"a":"' + b"b" * 10_000 + b'"}')),
    ("reply_too_large", says(reply(body=b"x" * 10_001))),
    ("reply_too_large", says(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 60_000] * 100)),
    ("not_polaris", says(b"HTTP/1.1 100 Continue\r\n\r\n", reply())),
    ("not_polaris", says(b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 3000, b"\r\n{}")),
    ("not_polaris", says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")),
    ("cut_off", says(b"")),
    ("cut_off", says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}")),
    ("cut_off", says(b"HTTP/1.1 200 O")),
]


@pytest.mark.parametrize(("code", "liar"), LIES)
async def test_lies(code: str, liar: Liar) -> None:
    assert (await told(liar)).code == code


async def test_a_reply_to_another_request_is_refused() -> None:
    said: list[bytes] = []

    async def replay(stream: trio.SocketStream, request: bytes) -> None:
        if not said:
            said.append(b"")
            listener = signs()
            ours, theirs = trio.testing.memory_stream_pair()
            await listener(theirs, request)  # type: ignore[arg-type]
            said[0] = bytes(await ours.receive_some(1 << 16))
        await stream.send_all(said[0])

    async with lying(replay) as endpoint:
        assert isinstance(await post(endpoint), Answer)
        outcome = await post(endpoint)
    assert isinstance(outcome, Undelivered)
    assert outcome.code == "bad_reply_signature"


async def test_a_packed_reply_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    packed = reply(body=bomb, headers={"content-encoding": "gzip"})
    assert (await told(says(packed), most_bytes=100_000)).code == "not_polaris"


@pytest.mark.parametrize(
    "liar",
    [
        says(b"", every_s=60),
        says(*[b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 1000], every_s=0.05),
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 999, every_s=0.05),
    ],
)
async def test_a_slow_reply_is_not_waited_for(liar: Liar) -> None:
    begun = trio.current_time()
    assert (await told(liar, deadline_s=0.4)).code == "timed_out"
    assert trio.current_time() - begun < 1


async def for_ever(stream: trio.SocketStream, request: bytes) -> None:
    while True:
        await stream.send_all(b"HTTP/1.1 103 \r\n\r\n" * 3000)


@pytest.mark.parametrize(
    "liar",
    [
        for_ever,
        says(b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 200_000),
        says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000),
        says(b"HTTP/1.1 200 OK\r\n", *[b"x"] * 3000, every_s=0.001),
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", *[b"x"] * 3000, every_s=0.001),
    ],
)
async def test_a_reply_that_is_work_is_given_up(liar: Liar) -> None:
    begun = trio.current_time()
    assert (await told(liar, deadline_s=20)).code == "not_polaris"
    assert trio.current_time() - begun < 2


async def test_no_cookie_is_kept_and_no_environment_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[bytes] = []

    async def listen(stream: trio.SocketStream, request: bytes) -> None:
        requests.append(request)
        await stream.send_all(reply(headers={"set-cookie": "a=b", "connection": "close"}))

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    async with lying(listen) as endpoint, Courier(hotkey=BOB) as courier:
        for _ in range(2):
            await courier.get(endpoint, "/", receiver=ALICE.ss58, deadline_s=5)
    assert len(requests) == 2
    names = {line.partition(b":")[0].lower() for line in requests[1].split(b"\r\n")[1:] if line}
    assert names == {
        b"host", b"user-agent", b"accept-encoding", b"x-bittensor-version",
        b"x-bittensor-hotkey", b"x-bittensor-receiver", b"x-bittensor-nonce",
        b"x-bittensor-signature",
    }  # fmt: skip
