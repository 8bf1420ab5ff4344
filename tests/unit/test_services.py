"""What the daemon does on request: written before it is said, refused without a trace."""

from __future__ import annotations

import json

import pytest
import trio

from polarisd.api.chain import Chain
from polarisd.api.errors import BAD_CONFIG, NOT_FOUND, REFUSED, ControlError
from polarisd.api.gpu import LOST, MISSING, OK
from polarisd.api.reading import NOT_REGISTERED, Unknown
from polarisd.api.snapshot import Offering
from polarisd.remembered import recall
from tests.unit.build import NOW, card, view
from tests.unit.services_support import HOTKEY, STRANGER, A, B, World, world

__all__ = ["world"]


async def test_offering_is_written_before_it_is_said(world: World) -> None:
    world.now = NOW + 5
    answer = await world.services.set_offering(False)
    assert answer == {"wanted": False, "since_at": NOW + 5, "changed": True}
    assert world.offering == Offering(wanted=False, since_at=NOW + 5)
    assert recall(world.directory, 0.0).offering == world.offering


async def test_what_is_so_already_is_not_changed(world: World) -> None:
    world.now = NOW + 5
    answer = await world.services.set_offering(True)
    assert answer == {"wanted": True, "since_at": NOW, "changed": False}
    assert list(world.directory.iterdir()) == []


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (Chain(), "it has no hotkey"),
        (Chain(hotkey=HOTKEY, netuid=3, uid=Unknown(NOT_REGISTERED)), "no UID on subnet 3"),
    ],
)
async def test_what_is_not_registered_is_not_offered(world: World, chain: Chain, why: str) -> None:
    await world.services.set_offering(False)
    world.keeper.take_chain(chain)
    with pytest.raises(ControlError, match=why) as refused:
        await world.services.set_offering(True)
    assert refused.value.code == REFUSED
    assert "polarisctl register" in refused.value.hint
    assert world.offering.wanted is False


async def test_a_chain_out_of_reach_keeps_nobody_from_being_offered(world: World) -> None:
    await world.services.set_offering(False)
    world.keeper.take_chain(Chain(state="unreachable", hotkey=HOTKEY, netuid=3))
    assert (await world.services.set_offering(True))["wanted"] is True


@pytest.mark.logs_errors("cannot write .*offering.json")
async def test_what_cannot_be_written_is_not_done(world: World) -> None:
    world.directory.rmdir()
    with pytest.raises(ControlError, match="cannot write") as refused:
        await world.services.set_offering(False)
    assert refused.value.code == REFUSED
    assert refused.value.hint
    assert world.offering.wanted is True


@pytest.mark.logs_errors("cannot write .*gpus.json")
async def test_what_is_not_saved_is_a_fault_until_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    aside = world.directory.rename(world.directory.with_name("aside"))
    world.keeper.take_gpus(view(card(0)))
    for _ in range(3):
        with pytest.raises(ControlError):
            await world.services.save_memory()
    (fault,) = world.state.snapshot.faults
    assert fault.code == "state_not_saved"
    assert "gpus.json: No such file" in fault.text
    told = [r for r in caplog.records if r.getMessage().startswith("cannot write")]
    assert len(told) == 1
    aside.rename(world.directory)
    await world.services.save_memory()
    assert world.state.snapshot.faults == ()


@pytest.mark.logs_errors("cannot write .*offering.json")
async def test_a_refused_word_of_the_owner_leaves_no_fault_on_a_good_disk(world: World) -> None:
    """Nothing has changed of the GPUs; the next round tries the disk even so."""
    aside = world.directory.rename(world.directory.with_name("aside"))
    with pytest.raises(ControlError):
        await world.services.set_offering(False)
    aside.rename(world.directory)
    assert [fault.code for fault in world.state.snapshot.faults] == ["state_not_saved"]
    await world.services.save_memory()
    assert world.state.snapshot.faults == ()


async def test_many_at_once_come_one_after_the_other(world: World) -> None:
    """The last word stands, on disk as in the snapshot."""
    async with trio.open_nursery() as nursery:
        for i in range(40):
            nursery.start_soon(world.services.set_offering, i % 2 == 0)
            nursery.start_soon(world.services.save_memory)
    assert recall(world.directory, 0.0).offering.wanted == world.offering.wanted


@pytest.mark.logs_errors("xid_error: XID 48", "^XID 48")
async def test_forgetting_while_saving(world: World) -> None:
    """Two writers of one document would spoil it for each other."""
    world.keeper.take_gpus(view(card(0)))
    for xid in range(40, 60):
        world.keeper.take_xid(A, xid)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.services.save_memory)
            nursery.start_soon(world.services.forget, A)
            nursery.start_soon(world.services.save_memory)
        assert recall(world.directory, 0.0).memory.xids == {}
    names = sorted(path.name for path in world.directory.iterdir())
    assert names == ["gpus.json", "offering.json"]


async def test_memory_is_written_when_it_has_changed(world: World) -> None:
    path = world.directory / "gpus.json"
    await world.services.save_memory()
    assert not path.exists()
    world.keeper.take_gpus(view(card(0)))
    await world.services.save_memory()
    first = path.stat().st_mtime_ns
    assert [gpu["uuid"] for gpu in json.loads(path.read_text())["gpus"]] == [A]
    await world.services.save_memory()
    assert path.stat().st_mtime_ns == first


@pytest.mark.logs_errors("gpu_lost", "gpu_missing", "XID 79", "xid_error")
async def test_forgetting(world: World) -> None:
    world.keeper.take_gpus(view(card(0, OK), card(1, LOST)))
    world.keeper.take_gpus(view(card(0, OK), card(1, MISSING)))
    world.keeper.take_xid(A, 79)
    assert await world.services.forget(A) == ("XID 79 (1×)",)
    assert await world.services.forget(A) == ()
    assert await world.services.forget(B) == (f"GPU {B}",)
    assert {gpu.uuid for gpu in world.state.snapshot.gpus} == {A}
    with pytest.raises(ControlError, match=f"there is no GPU {STRANGER}") as refused:
        await world.services.forget(STRANGER)
    assert refused.value.code == NOT_FOUND


async def test_a_reload_takes_up_what_it_can(world: World) -> None:
    world.configure(
        "[gpu]\nsample_interval_s = 5\nhistory_s = 60\n[control]\nmax_sessions = 9\n"
        'local_users_may_read = true\n[log]\nlevel = "info"\n'
    )
    answer = await world.services.reload()
    assert answer == {
        "changed": ["control.local_users_may_read", "gpu.sample_interval_s", "gpu.history_s"],
        "needs_restart": ["control.max_sessions"],
    }
    current = world.services.current
    assert (current.control.max_sessions, current.control.local_users_may_read) == (64, True)
    assert world.sampler.pace.sample_interval_s == 5
    assert world.keeper.history.interval_s == 5
    assert world.done == ["look up", "recheck"]
    assert await world.services.reload() == {**answer, "changed": []}


@pytest.mark.logs_errors("configuration not reloaded")
async def test_a_reload_of_a_bad_file_changes_nothing(world: World) -> None:
    before = world.services.config()
    world.config_path.write_text("[gpu]\nsample_interval_s = 0\ncall_deadline_s = 0\n")
    with pytest.raises(ControlError) as refused:
        await world.services.reload()
    assert refused.value.code == BAD_CONFIG
    assert len(refused.value.message.splitlines()) == 2
    assert world.services.config() == before
    assert world.done == []
    assert [fault.code for fault in world.state.snapshot.faults] == ["config_not_applied"]
    world.configure("")
    assert await world.services.reload() == {"changed": [], "needs_restart": []}
    assert world.state.snapshot.faults == ()


@pytest.mark.logs_errors("configuration not reloaded")
async def test_a_file_with_very_many_problems(world: World) -> None:
    world.config_path.write_text("".join(f"key_{i} = 1\n" for i in range(1000)))
    with pytest.raises(ControlError) as refused:
        await world.services.reload()
    lines = refused.value.message.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 950 more"
