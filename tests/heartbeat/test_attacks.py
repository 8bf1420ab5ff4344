"""Heartbeats as nobody should send them, over real HTTP; and what a validator keeps of them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import trio

from polarisd.heartbeat.courier import PATH
from polarisd.heartbeat.document import MAX_ENVELOPE_BYTES, Signed
from polarisd.heartbeat.equivocation import proves_equivocation
from polarisd.heartbeat.evidence import EVIDENCE_DIRECTORY
from polarisd.http import auth
from polarisd.http.client import Courier
from polarisd.http.delivery import Answer, Undelivered
from polarisd.keys import Hotkey
from tests.heartbeat.support import Running, mining, settled, validator
from tests.unit.heartbeat_support import FACTS, MINER, OTHER, beat, body_of, hotkey

VALIDATOR = hotkey(41)
LIE = replace(FACTS, slots_free=0)


@asynccontextmanager
async def peer(directory: Path, key: Hotkey = MINER) -> AsyncIterator[tuple[Running, Courier]]:
    async with validator(VALIDATOR, directory / "v") as running, Courier(hotkey=key) as courier:
        yield running, courier


async def send(
    running: Running, courier: Courier, body: bytes | Signed, receiver: str = VALIDATOR.ss58
) -> tuple[int, Mapping[str, object]]:
    answer = await courier.post(
        running.target.endpoint,
        PATH,
        body_of(body) if isinstance(body, Signed) else body,
        receiver=receiver,
        deadline_s=5,
    )
    if isinstance(answer, Undelivered):
        return 0, {"code": answer.code}
    assert isinstance(answer, Answer)
    return answer.status, answer.document


async def raw(running: Running, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request byte by byte, which can be sent as it is again."""
    host, _, port = running.target.endpoint.rpartition(":")
    lines = [f"POST {PATH} HTTP/1.1", "host: x", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all("\r\n".join((*lines, "connection: close", "", "")).encode() + body)
        with trio.fail_after(5):
            return b"".join([piece async for piece in stream])


def signed_headers(body: bytes, receiver: str = VALIDATOR.ss58) -> dict[str, str]:
    return auth.sign(
        MINER, method="POST", target=PATH, body=body, receiver=receiver, nonce_ns=time.time_ns()
    )


async def test_a_replayed_request_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with peer(tmp_path) as (running, _):
        body = body_of(beat(at=time.time()))
        headers = signed_headers(body)
        assert b" 200 " in await raw(running, headers, body)
        before = running.answering.miners()
        assert b'"replayed"' in await raw(running, headers, body)
        assert running.answering.miners() == before


async def test_the_same_heartbeat_in_another_request_is_answered_again(tmp_path: Path) -> None:
    async with peer(tmp_path) as (running, courier):
        once = beat(at=time.time())
        status, first = await send(running, courier, once)
        assert (status, first["latest_sequence"]) == (200, 7)
        before = running.answering.miners()[0].record
        status, second = await send(running, courier, once)
        assert (status, second["latest_sequence"]) == (200, 7)
        assert running.answering.miners()[0].record == before


async def test_equivocation_is_refused_kept_and_can_be_proven(tmp_path: Path) -> None:
    path = tmp_path / "v" / EVIDENCE_DIRECTORY / f"{MINER.ss58}.json"
    async with peer(tmp_path) as (running, courier):
        await send(running, courier, beat(at=time.time()))
        status, said = await send(running, courier, beat(at=time.time(), facts=LIE))
        assert (status, said["code"]) == (409, "equivocation")
        await running.until(lambda miners: miners[0].equivocated)
        with trio.fail_after(5):
            while not await trio.Path(path).exists():  # noqa: ASYNC110
                await trio.sleep(0.02)
        status, said = await send(running, courier, beat(8, time.time()))
        assert status == 200
        assert said["muted"]
    kept = json.loads(await trio.Path(path).read_text())
    assert proves_equivocation(kept["a"], kept["b"])
    async with validator(VALIDATOR, tmp_path / "v") as again:  # after a restart, too
        assert again.answering.miners()[0].equivocated


async def test_heartbeats_of_other_times_are_refused(tmp_path: Path) -> None:
    async with peer(tmp_path) as (running, courier):
        for at, code in ((60.0, "from_the_future"), (3.0, "from_the_future"), (-40.0, "too_old")):
            status, said = await send(running, courier, beat(at=time.time() + at))
            assert (status, said["code"]) == (400, code)
            assert "timedatectl" in str(said["hint"])
        assert running.answering.miners() == ()


async def test_for_another_receiver_by_another_hotkey_or_by_nobody(tmp_path: Path) -> None:
    async with peer(tmp_path, key=OTHER) as (running, courier):
        body = body_of(beat(at=time.time()))
        status, said = await send(running, courier, body)
        assert (status, said["code"]) == (403, "wrong_hotkey")
        assert b'"wrong_receiver"' in await raw(running, signed_headers(body, OTHER.ss58), body)
        assert b'"unsigned"' in await raw(running, {}, body)
        assert running.answering.miners() == ()


async def test_what_is_too_large_is_not_taken(tmp_path: Path) -> None:
    async with peer(tmp_path) as (running, courier):
        status, said = await send(running, courier, b" " * (MAX_ENVELOPE_BYTES + 1))
        assert (status, said["code"]) == (0, "too_large")
        large = json.dumps({"document": "x" * 20_000, "signature": "0x" + "00" * 64}).encode()
        status, said = await send(running, courier, large)
        assert (status, said["code"]) == (413, "oversized")


async def test_a_validator_that_restarts_remembers_the_number(tmp_path: Path) -> None:
    async with peer(tmp_path) as (running, courier):
        await send(running, courier, beat(9, time.time()))
    async with peer(tmp_path) as (running, courier):
        status, said = await send(running, courier, beat(8, time.time()))
        assert (status, said["code"], said["latest_sequence"]) == (409, "sequence_old", 9)
        assert said["latest"] is not None


async def test_a_miner_that_lost_its_state_goes_on_from_what_it_is_shown(tmp_path: Path) -> None:
    ahead = int(time.time() * 1e3) + 10**7  # its clock was ahead when it last started
    async with peer(tmp_path) as (running, courier):
        await send(running, courier, beat(ahead, time.time()))
        async with mining(tmp_path, running.target) as (told, _):
            await told.until(settled)
            assert told.views[VALIDATOR.ss58].code == "sequence_old"
            await told.until(lambda views: views[VALIDATOR.ss58].state == "ok")
        assert running.answering.miners()[0].record.sequence == ahead + 1
