"""What the daemon does on request: written before it is said, refused without a trace."""

from __future__ import annotations

import json
from pathlib import Path

import msgpack
import pytest
import trio

from polarisd import config as configuration
from polarisd.api.errors import BAD_CONFIG, NOT_FOUND, REFUSED, ControlError
from polarisd.api.gpu import LOST, MISSING, OK
from polarisd.api.snapshot import Offering
from polarisd.gpu.memory import GpuMemory, remembered_cards
from polarisd.gpu.sampling import GpuView, Patience, Sampler
from polarisd.history import History
from polarisd.keeper import Keeper
from polarisd.remembered import recall
from polarisd.services import DaemonServices, pace_of
from polarisd.state import State
from tests.unit.bench_support import Bench
from tests.unit.build import NOW, card, driver, sample, snapshot, uuid_of, view

A, B, STRANGER = uuid_of(0), uuid_of(1), uuid_of(9)


class World:
    """The rooms of a daemon whose driver is not asked."""

    def __init__(self, directory: Path, text: str = "") -> None:
        self.now = NOW
        self.done: list[str] = []
        self.directory = directory / "state"
        self.directory.mkdir()
        self.config_path = directory / "polaris.toml"
        self.configure(text)
        config = configuration.load(self.config_path)
        self.state = State(snapshot(driver=driver("starting")), lambda: self.now)
        memory = GpuMemory("boot", {}, {})
        self.keeper = Keeper(
            state=self.state,
            view=view(*remembered_cards(memory), state="starting"),
            memory=memory,
            history=History(config.gpu.sample_interval_s, config.gpu.history_s),
            withhold=config.gpu.withhold,
            clock=lambda: self.now,
        )
        self.sampler = Sampler(
            pace=pace_of(config),
            environ={},
            publish=self.keeper.take_gpus,
            report_xid=self.keeper.take_xid,
            beat=lambda: None,
            known=(card(0), card(1, MISSING)),
            driver_dir=directory / "driver",
            patience=Patience(),
        )
        self.benches = Bench(self.directory)
        self.services = DaemonServices(
            config=config,
            config_path=self.config_path,
            state=self.state,
            keeper=self.keeper,
            sampler=self.sampler,
            benches=self.benches.runner,
            clock=lambda: self.now,
            pid=7,
            look_up_admins=self.look_up_admins,
            recheck_sessions=lambda: self.done.append("recheck"),
        )

    async def look_up_admins(self) -> None:
        await trio.lowlevel.checkpoint()
        self.done.append("look up")

    def configure(self, text: str) -> None:
        """The file, with a state directory that exists."""
        self.config_path.write_text(f'[state]\ndirectory = "{self.directory}"\n{text}')

    @property
    def offering(self) -> Offering:
        return self.state.snapshot.daemon.offering


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


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


async def test_history_goes_back_as_far_as_asked(world: World) -> None:
    for second in range(0, 100, 10):
        world.now = NOW + second
        world.keeper.take_gpus(
            GpuView(driver(), (card(0, sample=sample(read_at=world.now)),), "", sampled=True)
        )
    columns = world.services.history(35)["gpus"]
    assert isinstance(columns, dict)
    assert columns[A]["read_at"] == [NOW + 60, NOW + 70, NOW + 80, NOW + 90]


@pytest.mark.logs_errors("configuration not reloaded")
async def test_a_file_with_very_many_problems(world: World) -> None:
    world.config_path.write_text("".join(f"key_{i} = 1\n" for i in range(1000)))
    with pytest.raises(ControlError) as refused:
        await world.services.reload()
    lines = refused.value.message.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 950 more"


async def test_packed_history_is_made_once_a_snapshot(world: World) -> None:
    pack = world.services.packed_history
    first = pack(60)
    assert msgpack.unpackb(first) == world.services.history(60)
    assert pack(60) is first
    assert pack(61) is not first
    cards = (card(0, sample=sample(read_at=NOW)),)
    world.keeper.take_gpus(GpuView(driver(), cards, "", sampled=True))
    world.now = NOW + 1
    assert A in msgpack.unpackb(pack(60))["gpus"]
    # However many spans are asked for, few are kept.
    assert [pack(1 + i) is pack(1 + i) for i in range(8)].count(True) < 8


async def test_a_burst_ends_when_it_says(world: World) -> None:
    assert world.services.burst(0.1, 20) == NOW + 20


def test_what_was_read_before_the_question_is_no_answer(world: World) -> None:
    has_answered = world.sampler.read_condition()
    assert not has_answered(card(0).uuid)
