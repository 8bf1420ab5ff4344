"""For the tests of what the monitor draws: a machine to draw, and the frame as text."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from polarisctl.monitor import layout
from polarisctl.monitor.frame import text_of
from polarisctl.monitor.history import History
from polarisctl.monitor.scene import LIVE, Link, Scene, View
from tests.terminal import scenes


@lru_cache(maxsize=8)
def past(gpus: int) -> History:
    history = History()
    history.add_reply(scenes.history(gpus=gpus, seconds=300))
    return history


def scene(gpus: int = 8, faults: tuple[str, ...] = (), **changes: Any) -> Scene:
    made = Scene(
        view=View(),
        snapshot=scenes.snapshot(gpus=gpus, faults=faults),
        history=past(gpus),
        events=tuple(scenes.events()),
        link=Link(LIVE, scenes.AT - 100, access="admin"),
        now=scenes.AT + 0.2,
    )
    return replace(made, **changes)


def frame(one: Scene, width: int = 80, rows: int = 24) -> list[str]:
    return text_of(layout.render(one, width, rows))
