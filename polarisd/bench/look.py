"""Who uses the GPUs at this moment, rather than half a minute ago.

For `runner`: what it decides by must not be older than the question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import trio

from polarisd.api import gpu as gpu_states
from polarisd.api.gpu import Gpu
from polarisd.api.reading import TIMED_OUT, Unknown
from polarisd.state import State

# More than a driver that works takes, and no more than a person waits for.
DEADLINE_S = 5.0


async def fresh_gpus(state: State, ask: Callable[[], Callable[[str], bool]]) -> tuple[Gpu, ...]:
    """All GPUs, their condition read after this was called; where the driver does not answer
    in time, who uses a GPU is unknown.

    What `ask` returns says whether a GPU has answered since.  `read_at` would not do: that
    clock may be set back between an old reading and the question.
    """
    has_answered = ask()

    def is_stale(gpu: Gpu) -> bool:
        return gpu.state == gpu_states.OK and not has_answered(gpu.uuid)

    with trio.move_on_after(DEADLINE_S):
        while any(map(is_stale, state.snapshot.gpus)):
            await state.wait_newer(state.snapshot.version)
    return tuple(_doubted(gpu) if is_stale(gpu) else gpu for gpu in state.snapshot.gpus)


def _doubted(gpu: Gpu) -> Gpu:
    why = Unknown(TIMED_OUT, "it was asked for just now")
    return replace(gpu, condition=replace(gpu.condition, processes=why))
