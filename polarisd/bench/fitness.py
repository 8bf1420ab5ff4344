"""Which GPUs may be benchmarked now.  Pure.

For `runner`, when some are asked for, and of each again when its turn has come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polarisd.api import errors
from polarisd.api import gpu as gpu_states
from polarisd.api.errors import ControlError
from polarisd.api.gpu import Gpu
from polarisd.api.reading import REASONS, Reading, Unknown, known
from polarisd.claims import Claim

# What computes; a desktop that only draws does not spoil a figure by much.
_COMPUTING = ("compute", "mps")
_MAX_NAMED = 4
_WITHHELD_BY_OWNER = "withheld_by_owner"
# The first that runs every library of CUDA 12, which is what the GPU stack has.
DRIVER_MIN = (525, 60, 13)


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is in the way, and what to do about it."""

    why: str
    remedy: str


def unfit(gpu: Gpu, claim: Claim | None) -> Unfit | None:
    """Never a GPU that somebody uses, or of which nobody can tell whether he does."""
    if claim is not None:
        return Unfit(f"it is taken by {claim.holder}", "wait until that has ended")
    if gpu.state != gpu_states.OK:
        return Unfit(f"it is {gpu.state}", "see: polarisctl gpus")
    in_mig_mode = known(gpu.condition.mig_mode)
    if gpu.mig_devices or in_mig_mode:
        return Unfit(
            "it is cut into MIG devices, and a benchmark measures whole GPUs",
            "end MIG mode, if the GPU is to be measured",
        )
    processes = gpu.condition.processes
    if isinstance(processes, Unknown):
        why = ": ".join(filter(None, (REASONS[processes.reason], processes.detail)))
        return Unfit(
            f"it cannot be told whether somebody uses it ({why})",
            "look for NVRM lines in: sudo dmesg",
        )
    users = [
        f"{known(process.name) or 'a program'} ({process.pid})"
        for process in processes
        if process.kind in _COMPUTING
    ]
    if users:
        more = len(users) - _MAX_NAMED
        named = ", ".join(users[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        return Unfit(f"it is in use by {named}", "end what uses it, or wait until it has ended")
    return None


def check_driver(version: Reading[str]) -> None:
    """ControlError if no GPU can be measured with it; one that is not known may do."""
    parts = re.match(r"\d{1,9}(\.\d{1,9})*", known(version) or "")
    if parts and tuple(map(int, parts[0].split("."))) < DRIVER_MIN:
        needed = ".".join(map(str, DRIVER_MIN))
        raise ControlError(
            errors.REFUSED,
            f"cannot measure GPUs: the driver is {known(version)}, and CUDA 12 needs {needed} "
            "or newer",
            "upgrade the driver; how: polarisctl doctor",
        )


def choose(
    gpus: Sequence[Gpu], named: Sequence[str], in_the_way: Callable[[Gpu], Unfit | None]
) -> tuple[list[Gpu], dict[str, str]]:
    """Those to measure; if none was named, all that are fit, and why each other is not.

    ControlError if one that was named is unfit or not there, or if none is left.
    """
    if not gpus:
        raise ControlError(
            errors.REFUSED,
            "there is no GPU to measure",
            "see: polarisctl doctor; for the processor: sudo polarisctl benchmark --backend numpy",
        )
    here = {gpu.uuid for gpu in gpus}
    for uuid in named:
        if uuid not in here:
            raise ControlError(errors.NOT_FOUND, f"there is no GPU {uuid}", "see: polarisctl gpus")
    chosen, found = [], {}
    for gpu in gpus:
        if named and gpu.uuid not in named:
            continue
        why = in_the_way(gpu)
        if why is None and not named and _WITHHELD_BY_OWNER in gpu.withheld_by:
            why = Unfit("its owner withholds it", "name it, if it is to be measured even so")
        if why is None:
            chosen.append(gpu)
        else:
            found[gpu.uuid] = why
    if found and (named or not chosen):
        raise ControlError(
            errors.REFUSED,
            "\n".join(f"cannot measure {uuid}: {way.why}" for uuid, way in found.items()),
            next(iter(found.values())).remedy,
        )
    return chosen, {uuid: way.why for uuid, way in found.items()}
