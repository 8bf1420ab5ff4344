"""polarisd with less patience than it may be configured to have, so that tests need none.

The whole daemon, put together as `polarisd.main` does it; only the waits are
shorter, and the kernel's list of GPUs is a directory that a test can change.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import trio

from polarisd import config, daemon, identity, journal, netparts, systemd
from polarisd.benching import bench_parts
from polarisd.control import listener
from polarisd.gpu.sampling import Patience
from polarisd.host import HostProbe
from polarisd.identity import NoHotkey
from polarisd.networking import opener
from polarisd.parts import Parts
from polarisd.remembered import recall

PATIENCE = Patience(slow_s=0.8, enumeration_s=1.5, all_silent_s=0.5, lost_retry_s=0.5, stable_s=0.0)
CONDITION_INTERVAL_S = 0.2
NETWORK_PATIENCE = netparts.Patience(listen_again_s=0.2)


def main(config_path: Path) -> None:
    manager = systemd.Systemd.from_environment(os.environ)
    journal.configure("debug", sys.stderr, os.environ)
    settings = config.load(config_path)
    directory = Path(settings.state.directory)
    recalled = recall(directory, time.time())
    who = identity.load(os.environ)
    parts = Parts(
        config=replace(
            settings, gpu=replace(settings.gpu, condition_interval_s=CONDITION_INTERVAL_S)
        ),
        config_path=config_path,
        listener=listener.bind(Path(settings.control.socket_path)),
        systemd=manager,
        host_probe=HostProbe(("/", str(directory))),
        environ=dict(os.environ),
        clock=time.time,
        memory=recalled.memory,
        offering=recalled.offering,
        unreadable=recalled.unreadable,
        driver_dir=config_path.parent / "driver",
        bench=bench_parts(os.environ, None),
        patience=PATIENCE,
        identity=who,
        open_network=None
        if isinstance(who, NoHotkey)
        else opener(settings, who, time.time, NETWORK_PATIENCE),
    )
    trio.run(daemon.run, parts)


if __name__ == "__main__":
    main(Path(sys.argv[2]))
