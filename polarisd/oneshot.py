"""`polarisd --probe`: what the daemon would see, printed once, without the daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import trio

from polarisd.api.encode import to_wire
from polarisd.gpu.inventory import to_gpu
from polarisd.gpu.pci import DRIVER_DIR
from polarisd.gpu.sampling import GpuView, Pace, Patience, Sampler
from polarisd.host import HostProbe

_DEADLINE_S = 60.0


def probe(environ: Mapping[str, str]) -> int:
    """Prints `{"driver", "gpus", "host"}`; 0, or 1 if the driver never answered."""
    view = trio.run(_settled_view, environ)
    if view is None:
        print(json.dumps({"error": f"the driver did not answer within {_DEADLINE_S:.0f} s"}))
        return 1
    document = {
        "driver": to_wire(view.driver),
        "gpus": [to_wire(to_gpu(card, ())) for card in view.cards],
        "host": to_wire(HostProbe(("/",)).read(time.time())),
    }
    print(json.dumps(document))
    return 0


async def _settled_view(environ: Mapping[str, str]) -> GpuView | None:
    views: list[GpuView] = []
    sampler = Sampler(
        pace=Pace(1.0, 30.0, 5.0),
        environ=environ,
        publish=views.append,
        report_xid=lambda uuid, xid: None,
        beat=lambda: None,
        known=(),
        driver_dir=DRIVER_DIR,
        patience=Patience(),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sampler.run)
        with trio.move_on_after(_DEADLINE_S):
            await sampler.settled.wait()
        nursery.cancel_scope.cancel()
    return views[-1] if views else None
