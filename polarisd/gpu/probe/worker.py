"""One GPU: what it is at once, the rest on request.  Called by the threads of `crew`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from polarisd.api.encode import to_wire
from polarisd.gpu.probe.calls import Calls, LibraryLost
from polarisd.gpu.probe.fast import read_sample
from polarisd.gpu.probe.identity import read_identity
from polarisd.gpu.probe.mig import in_mig_mode, read_mig_devices
from polarisd.gpu.probe.slow import read_condition
from polarisd.gpu.raw import CONDITION, DO_CONDITION, DO_SAMPLE, GPU, SAMPLE

# asked for by this process itself, before anything else
DO_IDENTIFY = "identify"

Answer = Callable[..., None]


class Worker:
    """Reads one GPU; one thread at a time."""

    def __init__(self, uuid: str, index: int, calls: Calls, give_up: Callable[[str], None]) -> None:
        self.uuid = uuid
        self._index = index
        self._calls = calls
        self._give_up = give_up
        self._mig_mode = False
        self._identified = threading.Event()

    def wait_identified(self, until: float) -> None:
        """Wait until the daemon has been told what this GPU is, or the monotonic `until`."""
        self._identified.wait(max(0.0, until - time.monotonic()))

    def read(self, wanted: dict[str, int], answer: Answer) -> None:
        """Answer each of `wanted`, the quick ones first."""
        try:
            if DO_IDENTIFY in wanted:
                answer(GPU, to_wire(read_identity(self._calls, self.uuid, self._index)))
                self._identified.set()
            if DO_SAMPLE in wanted:
                sample = to_wire(read_sample(self._calls))
                answer(SAMPLE, wanted[DO_SAMPLE], self.uuid, sample)
            if DO_CONDITION in wanted:
                answer(CONDITION, wanted[DO_CONDITION], self.uuid, *self._condition())
        except LibraryLost as lost:
            self._give_up(str(lost))

    def _condition(self) -> tuple[object, object]:
        mig_mode = in_mig_mode(self._calls)
        if mig_mode != self._mig_mode:
            self._mig_mode = mig_mode
            self._calls.forget()
        devices = read_mig_devices(self._calls) if mig_mode else ()
        return to_wire(read_condition(self._calls)), to_wire(devices)
