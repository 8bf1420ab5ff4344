"""The rooms of a daemon whose driver is not asked, for tests of its services."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from polarisd import config as configuration
from polarisd.api.chain import Chain
from polarisd.api.gpu import MISSING
from polarisd.api.snapshot import Offering
from polarisd.gpu.memory import GpuMemory, remembered_cards
from polarisd.gpu.sampling import Patience, Sampler
from polarisd.history import History
from polarisd.keeper import Keeper
from polarisd.outlook import Outlook
from polarisd.services import DaemonServices, pace_of
from polarisd.state import State
from tests.unit.bench_support import Bench
from tests.unit.build import NOW, card, driver, snapshot, uuid_of, view

A, B, STRANGER = uuid_of(0), uuid_of(1), uuid_of(9)
HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


class World:
    """The rooms of a daemon whose driver is not asked."""

    def __init__(self, directory: Path, text: str = "") -> None:
        self.now = NOW
        self.done: list[str] = []
        self.reloaded: list[configuration.Config] = []
        self.directory = directory / "state"
        self.directory.mkdir()
        self.config_path = directory / "polaris.toml"
        self.configure(text)
        config = configuration.load(self.config_path)
        first = snapshot(driver=driver("starting"), chain=Chain(hotkey=HOTKEY))
        self.state = State(first, lambda: self.now)
        memory = GpuMemory("boot", {}, {})
        self.keeper = Keeper(
            state=self.state,
            view=view(*remembered_cards(memory), state="starting"),
            memory=memory,
            history=History(config.gpu.sample_interval_s, config.gpu.history_s),
            withhold=config.gpu.withhold,
            clock=lambda: self.now,
            outlook=Outlook(api_port=8000),
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
            reload_network=self.reloaded.append,
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
