"""A miner and its validators: honest, unreachable, lying, slow, strict, and with other clocks."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import trio

from polarisd.heartbeat.peers import Target
from polarisd.http.client import Courier
from polarisd.http.limits import Limits
from polarisd.http.routes import Reply, Request
from tests.heartbeat.support import face, mining, settled, validator
from tests.unit.heartbeat_support import FACTS, MINER, OTHER, hotkey

HONEST, LIAR, SLOW, DEAD = (hotkey(number) for number in range(21, 25))


async def lie(request: Request) -> Reply:
    return Reply(
        200,
        {
            "seen": {"address": "\x1b[2J10.0.0.1", "port": "x"},
            "look": {"age_ms": -1, "ports": [{"port": 10**9, "answer": "\x07"}]},
            "verdict": {"text": "\x1b]0;gone\x07 " + "spam " * 1000, "at_ms": 1e300},
            "next_beat_s": 1e-9,
            "time_ms": 10**18,
            "muted": ["x"],
        },
    )


async def test_three_validators_of_which_one_is_honest(tmp_path: Path) -> None:
    async def wait(request: Request) -> Reply:
        await trio.sleep(60)
        return Reply(200, {})

    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        dead = Target(DEAD.ss58, f"127.0.0.1:{nobody.getsockname()[1]}")
        async with (
            validator(HONEST, tmp_path / "honest") as honest,
            face(LIAR, lie) as liar,
            face(SLOW, wait) as slow,
            mining(tmp_path, dead, slow, liar, honest.target) as (miner, _),
        ):
            await miner.until(lambda views: len(views) == 4 and views[HONEST.ss58].state == "ok")
            await miner.until(lambda views: views[DEAD.ss58].state != "waiting")
            await miner.until(lambda views: views[LIAR.ss58].state != "waiting")
            views = dict(miner.views)
            (seen,) = honest.answering.miners()
    assert views[HONEST.ss58].sees_us_as == "127.0.0.1"
    assert seen.record.hotkey == MINER.ss58
    assert seen.record.address == "127.0.0.1"
    assert seen.record.signed is not None
    assert seen.record.signed.heartbeat.gpus == FACTS.gpus
    assert (views[DEAD.ss58].state, views[DEAD.ss58].code) == ("unreachable", "refused")
    assert views[DEAD.ss58].remedy
    assert views[SLOW.ss58].state == "waiting"
    told = views[LIAR.ss58]
    assert told.state == "ok"
    assert isinstance(told.verdict, str)
    assert told.verdict.isprintable()
    assert len(told.verdict) <= 200
    assert told.ports == ()
    assert miner.sightings == [(HONEST.ss58, "127.0.0.1")]


async def test_a_validator_tells_what_it_saw_of_the_ports(tmp_path: Path) -> None:
    """The second heartbeat brings the answer of the first one's look."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    facts = replace(FACTS, endpoint=f"127.0.0.1:{port}", ssh_first=port, ssh_last=port)

    async def greet(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, greet, listeners)
        async with (
            validator(HONEST, tmp_path / "honest") as honest,
            mining(tmp_path, honest.target, facts=replace(facts, endpoint=None)) as (miner, beats),
        ):
            await miner.until(settled)
            await honest.until(lambda miners: miners[0].look)
            beats.hurry()
            await miner.until(lambda views: views[HONEST.ss58].ports)
            seen = miner.views[HONEST.ss58]
        nursery.cancel_scope.cancel()
    assert [(p.port, p.answer) for p in seen.ports] == [(port, "ssh")]
    assert isinstance(seen.looked_at, float)


async def test_a_clock_30_s_behind_is_told_with_its_remedy(tmp_path: Path) -> None:
    async with (
        validator(hotkey(31), tmp_path / "a") as a,
        validator(hotkey(32), tmp_path / "b") as b,
        validator(hotkey(33), tmp_path / "c") as c,
        mining(tmp_path, a.target, b.target, c.target, shift_s=-30.0) as (miner, _),
    ):
        await miner.until(settled)
        for view in miner.views.values():
            assert (view.state, view.code) == ("refused", "stale")
            assert "this machine's clock is 30 s behind that of 3 validators" in view.detail
            assert "timedatectl" in view.remedy


async def test_of_a_validator_whose_clock_is_off_it_is_its_operator_who_is_told_of(
    tmp_path: Path,
) -> None:
    async with (
        validator(hotkey(31), tmp_path / "a") as a,
        validator(hotkey(32), tmp_path / "b") as b,
        validator(hotkey(33), tmp_path / "c", shift_s=30.0) as off,
        mining(tmp_path, a.target, b.target, off.target) as (miner, _),
    ):
        await miner.until(settled)
        view = miner.views[hotkey(33).ss58]
    assert (view.state, view.code) == ("refused", "stale")
    assert "its clock is 30 s ahead of ours" in view.detail
    assert view.remedy.startswith("nothing to do here")


async def test_who_is_not_registered_is_told_how(tmp_path: Path) -> None:
    async with (
        validator(HONEST, tmp_path / "v", is_registered=lambda _: False) as strict,
        mining(tmp_path, strict.target) as (miner, _),
    ):
        await miner.until(settled)
        view = miner.views[HONEST.ss58]
    assert (view.state, view.code) == ("refused", "not_registered")
    assert "polarisctl register" in view.remedy


async def test_a_validator_of_another_subnet_is_told_apart(tmp_path: Path) -> None:
    async with (
        validator(HONEST, tmp_path / "v", netuid=49) as foreign,
        mining(tmp_path, foreign.target) as (miner, _),
    ):
        await miner.until(settled)
        view = miner.views[HONEST.ss58]
    assert view.code == "foreign_netuid"
    assert view.detail == "this validator's subnet is 49"


async def test_another_hotkey_at_the_endpoint_is_told_of(tmp_path: Path) -> None:
    async with (
        validator(HONEST, tmp_path / "v") as honest,
        mining(tmp_path, replace(honest.target, hotkey=OTHER.ss58)) as (miner, _),
    ):
        await miner.until(settled)
        view = miner.views[OTHER.ss58]
        assert honest.answering.miners() == ()
    assert view.code in ("wrong_receiver", "other_hotkey")
    assert "correct its hotkey" in view.remedy


async def test_a_rate_limit_is_honoured(tmp_path: Path) -> None:
    tight = Limits(hotkey_rate_per_s=0.001, hotkey_burst=1)
    async with (
        validator(HONEST, tmp_path / "v", limits=tight) as busy,
        Courier(hotkey=MINER) as courier,
        mining(tmp_path) as (miner, beats),
    ):
        await courier.post(
            busy.target.endpoint, "/v1/heartbeat", b"{}", receiver=HONEST.ss58, deadline_s=5
        )
        beats.targets = (busy.target,)
        await miner.until(settled)
        view = miner.views[HONEST.ss58]
        assert (view.state, view.code) == ("muted", "rate_limited")
        assert isinstance(view.next_at, float)
        assert isinstance(view.sent_at, float)
        assert view.next_at - view.sent_at > 600


async def test_64_validators_at_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(validator(hotkey(n), tmp_path / str(n)))
            for n in range(100, 164)
        ]
        targets = [each.target for each in running]
        miner, _ = await stack.enter_async_context(mining(tmp_path, *targets))
        await miner.until(settled)
        assert [view.state for view in miner.views.values()] == ["ok"] * 64
        records = [each.answering.miners()[0].record for each in running]
        assert len({record.signed and record.signed.document for record in records}) == 1
        assert len({record.sequence for record in records}) == 1
