"""How this daemon starts workers: as children of its own, or through systemd's socket.

`daemon` picks one; `link` begins and ends workers with it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import trio

from polarisd.bench import pipes
from polarisd.bench.link import SOCKET_REMEDY, Start, WorkerLost
from polarisd.bench.pipes import Pipe, Spawned
from polarisd.bench.stack import CANDIDATES, Candidate, Stack, find_stack, python_tag, worker_path

_BOOT = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from polarisd.bench.worker.main import main; sys.exit(main())"
)

STACKS_VARIABLE = "POLARIS_GPU_STACKS"

Find = Callable[[], Stack | None]


def candidates(environ: Mapping[str, str]) -> Sequence[Candidate]:
    """Where stacks are looked for; a developer may name other places, or none."""
    given = environ.get(STACKS_VARIABLE)
    if given is None:
        return CANDIDATES
    return [Candidate(path, STACKS_VARIABLE) for path in given.split(os.pathsep) if path]


def finder(candidates: Sequence[Candidate] = CANDIDATES) -> Find:
    """Looks anew each time: gpu-setup may have been run meanwhile."""
    return lambda: find_stack(candidates, python_tag())


def has_cupy(find: Find) -> bool:
    """Whether a worker will find CuPy: in a stack, or where this daemon's own modules are
    from.  Blocking, and short."""
    return find() is not None or importlib.util.find_spec("cupy") is not None


def worker_argv(stack: Stack | None) -> list[str]:
    """The worker on this very interpreter, isolated as we are."""
    own = [os.path.abspath(entry) for entry in sys.path]
    return [sys.executable, "-I", "-S", "-c", _BOOT, *worker_path(stack, own)]


def worker_environ(
    environ: Mapping[str, str], gpu_uuid: str, stack: Stack | None
) -> dict[str, str]:
    """That GPU is the only one that CUDA shows; without one, none is."""
    made = {**environ, "CUDA_VISIBLE_DEVICES": gpu_uuid}
    if stack is not None:
        before = environ.get("LD_LIBRARY_PATH", "")
        made["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, (*stack.library_dirs, before)))
    return made


def as_child(
    environ: Mapping[str, str], find: Find, argv: Callable[[Stack | None], list[str]] = worker_argv
) -> Start:
    """A child whose stderr is ours."""

    async def start(gpu_uuid: str) -> Pipe:
        stack = await trio.to_thread.run_sync(find)
        try:
            process = await trio.lowlevel.open_process(
                argv(stack),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=worker_environ(environ, gpu_uuid, stack),
            )
        except OSError as error:
            raise WorkerLost(f"cannot start a worker: {error.strerror}") from None
        return Spawned(process)

    return start


def through_socket(path: Path) -> Start:
    """A unit of systemd's; its launcher finds the stack, and the job names the GPU."""

    async def start(gpu_uuid: str) -> Pipe:
        try:
            return await pipes.connect(path)
        except OSError as error:
            why = f"cannot start a worker through {path}: {error.strerror}"
            raise WorkerLost(why, SOCKET_REMEDY) from None

    return start
