"""A host that keeps a copy of the memory, and reads that in the GPU's place.

What stops it: as much as a host can read is not proven.
"""

from __future__ import annotations

from dataclasses import replace

from tests.cheats.cases import MEMORY, accepted, card, ceiling, proved, terms
from tests.cheats.devices import Device


class ReadElsewhere(Device):
    """Has a fifth of each segment digested in the host's memory, which keeps a copy of it:
    eight bytes for each 64 KiB cross the link, and the walks lack nothing."""

    def spend_reading(self, bytes_: float) -> None:
        super().spend_reading(0.8 * bytes_)


def test_segments_digested_where_they_are() -> None:
    gpu = card(None)
    gpu.host_lines = 0.25 * gpu.memory_bps / 64
    long = replace(MEMORY, units=256)
    class_limit = replace(ceiling(gpu), memory_bps=2 * gpu.memory_bps, elsewhere_bps=0.0)
    verdict = proved(terms(2, None, long), ReadElsewhere, gpu=gpu, limit=class_limit)
    memory_bps = accepted(verdict).proven.memory_bps
    assert memory_bps is not None and 0 < memory_bps <= gpu.memory_bps
    idle_host = replace(class_limit, host_bps=0.0)
    verdict = proved(terms(2, None, long), ReadElsewhere, gpu=gpu, limit=idle_host)
    memory_bps = accepted(verdict).proven.memory_bps
    assert memory_bps is not None and memory_bps > 1.1 * gpu.memory_bps
