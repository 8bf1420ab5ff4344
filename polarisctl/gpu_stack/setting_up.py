"""Set the GPU stack up: download, unpack, compile, try out, put in place.  For `gpu_setup`.

Interrupted at any point, the stack that was there before is there still, and the next run goes
on with what has been downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polarisctl.context import Context
from polarisctl.failures import failed
from polarisctl.gpu_stack import listing, trial
from polarisctl.gpu_stack import plan as planning
from polarisctl.gpu_stack.disk import disk_errors_told
from polarisctl.gpu_stack.host import Host
from polarisctl.gpu_stack.meter import Meter
from polarisctl.gpu_stack.plan import Plan
from polarisctl.gpu_stack.trial import Trial
from polarisctl.gpu_stack.unpack import unpack
from polarisctl.gpu_stack.wheels import Bring, acquire
from polarisd.bench.stack import Stack, parse_manifest

COMPILE_DEADLINE_S = 300.0


def set_up(
    host: Host, plan: Plan, bring: Bring, stage: str, context: Context
) -> tuple[Stack, Trial]:
    """The new stack, in place, unless the trial failed: then the old one stays.

    `stage` is what `bring` does, such as downloading.

    Error handling: fails in words; KeyboardInterrupt leaves everything for the next run.
    """
    with _readable_by_all(), disk_errors_told(host.place.root), host.place.held():
        planning.check_space(
            planning.needed_bytes(plan, host.place.downloaded()),
            host.place.free_bytes(),
            str(host.place.root),
        )
        with _meter(stage, plan.download_bytes, context) as meter:
            archives = acquire(plan, host.place.downloads, bring, meter)
        target = host.place.begin(plan)
        with _meter("unpacking", plan.unpacked_bytes, context) as meter:
            unpack_all(plan, archives, target, meter)
        compile_all(target)
        listing.write(target)
        host.place.finish(plan, target)
        stack = _stack(plan, target, host)
        context.warn("trying it out: a worker compiles and runs a first kernel")
        tried = trial.try_out(stack, host.worker(stack))
        if tried.verdict == trial.FAILED:
            shutil.rmtree(target)
        else:
            host.place.switch(plan.tag, target)
        return stack, tried


def unpack_all(plan: Plan, archives: dict[str, Path], target: Path, meter: Meter) -> None:
    for wheel in plan.wheels:
        tell = meter.begin(wheel.project, wheel.unpacked_bytes)
        unpack(archives[wheel.filename], wheel, target, tell)
    meter.end()


def compile_all(target: Path, python: str = sys.executable) -> None:
    """Byte code, which the worker may not write: with it CuPy loads in a third of the time.

    A module that does not compile is not one that is imported: some are for other Pythons.
    """
    command = [python, "-I", "-S", "-m", "compileall", "-qq", "-j0", str(target)]
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMPILE_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise failed(
            f"cannot compile {target}: it took longer than {COMPILE_DEADLINE_S:.0f} s",
            "run it again when the machine is less busy",
        ) from None


def _stack(plan: Plan, target: Path, host: Host) -> Stack:
    text = planning.manifest(plan).encode()
    return parse_manifest(text, str(target), host.own.origin, plan.tag)


@contextmanager
def _meter(stage: str, total: int, context: Context) -> Iterator[Meter]:
    meter = Meter(stage, total, context.stderr, context.environ)
    try:
        yield meter
    finally:
        meter.end()


@contextmanager
def _readable_by_all() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
