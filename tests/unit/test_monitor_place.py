"""Where a machine stands, in the header of the monitor."""

from __future__ import annotations

from typing import Any

import pytest

from polarisd.api.chain import Chain
from polarisd.api.reading import Unknown
from tests.terminal import scenes
from tests.unit.chain_samples import chain, place, validator
from tests.unit.monitor_support import frame, scene


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "driver 570.86.15 · 2 GPUs, all offerable · UID 17 on 49 · 3 of 3 validators"),
        (
            {"chain": chain(state="unreachable")},
            "2 GPUs, all offerable · UID 17 on 49 · chain unreachable · 3 of 3 validators",
        ),
        (
            {"chain": chain(uid=Unknown("not_registered")), "validators": ()},
            "CUDA 12.8 · 2 GPUs, all offerable · no UID on 49  ",
        ),
        ({"chain": chain(uid=Unknown("timed_out"))}, "· UID n/a · 3 of"),
        ({"validators": (validator(0, state="muted"),)}, "0 of 1 validator "),
        ({"chain": Chain(hotkey="5X")}, "all offerable · 3 of 3 validators "),
        ({"chain": Chain()}, "2 GPUs, all offerable   "),
    ],
)
def test_where_a_machine_stands_is_in_the_header(changes: dict[str, Any], says: str) -> None:
    shown = scene(2, snapshot=scenes.snapshot(gpus=2, place=place(**changes)))
    assert says in frame(shown, 92)[1]
