"""What the daemon is made from, and what it shows before it has read anything."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from polarisd import __version__, netparts
from polarisd.api.chain import Chain
from polarisd.api.snapshot import Daemon, Host, Offering, Snapshot
from polarisd.benching import BenchParts
from polarisd.chain.standing import before_any_look
from polarisd.config import Config
from polarisd.gpu.intake import driver_without_versions
from polarisd.gpu.memory import GpuMemory
from polarisd.gpu.sampling import Patience
from polarisd.health.chain_signs import Confirmed
from polarisd.host import HostProbe
from polarisd.identity import Identity, NoHotkey
from polarisd.keeper import Keeper
from polarisd.outlook import Outlook
from polarisd.state import State
from polarisd.systemd import Systemd


class Network(Protocol):
    """`networking.Networking`, as the daemon runs it."""

    async def run(self) -> None: ...
    async def stop(self) -> None: ...
    def reload(self, config: Config) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the daemon is made from; `main` gathers it, tests give their own.

    `open_network` is None where there is no hotkey: nobody is to be in the world then, and
    what it takes to be there is not even imported.
    """

    config: Config
    config_path: Path
    listener: socket.socket
    systemd: Systemd
    host_probe: HostProbe
    environ: Mapping[str, str]
    clock: Callable[[], float]
    memory: GpuMemory
    offering: Offering
    driver_dir: Path
    bench: BenchParts
    identity: Identity = field(default_factory=NoHotkey)
    open_network: Callable[[State, Keeper], Network] | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)


def first_snapshot(parts: Parts, host: Host) -> Snapshot:
    now = parts.clock()
    return Snapshot(
        version=0,
        taken_at=now,
        daemon=Daemon(
            version=__version__,
            pid=os.getpid(),
            started_at=now,
            role=parts.config.node.role,
            mode=parts.config.node.mode,
            config_path=str(parts.config_path),
            offering=parts.offering,
        ),
        driver=driver_without_versions("starting", ""),
        gpus=(),
        host=host,
        faults=(),
        chain=_first_chain(parts),
    )


def _first_chain(parts: Parts) -> Chain:
    if isinstance(parts.identity, NoHotkey):
        return Chain()
    if parts.config.node.mode != netparts.ON_CHAIN:
        return Chain(hotkey=parts.identity.ss58)
    return before_any_look(netparts.membership(parts.config, parts.identity))


def outlook_of(parts: Parts) -> Outlook:
    absent = parts.identity if isinstance(parts.identity, NoHotkey) else NoHotkey()
    confirmed = Confirmed(subnet_name=parts.config.chain.subnet_name)
    return Outlook(no_hotkey=absent, confirmed=confirmed, api_port=parts.config.ports.api)
