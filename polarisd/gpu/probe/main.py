"""The child's entry: enumerate, announce, then serve until standard input ends."""

from __future__ import annotations

import faulthandler
import os
import select
import threading
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import msgpack
import pynvml

from polarisd.api.encode import to_wire
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu import raw
from polarisd.gpu.probe import events
from polarisd.gpu.probe.calls import Calls, LibraryLost, explain
from polarisd.gpu.probe.crew import Crew, Frame
from polarisd.gpu.probe.identity import read_driver, read_uuid, unread_identity
from polarisd.gpu.probe.worker import DO_IDENTIFY, Worker

_STATES = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: ("absent", "libnvidia-ml.so.1 is not installed"),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: ("absent", "the NVIDIA kernel module is not loaded"),
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "mismatched",
        "the NVIDIA library and kernel module are of different versions",
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: ("forbidden", "polarisd may not open /dev/nvidiactl"),
}

# A card that does not say in time what it is is listed by its UUID alone.
_IDENTITY_DEADLINE_S = 5.0


class Probe:
    """The GPUs of this machine, behind a pair of pipes."""

    def __init__(self, stdin_fd: int, stdout_fd: int) -> None:
        self._stdin_fd = stdin_fd
        self._stdout_fd = stdout_fd
        self._writing = threading.Lock()
        self._workers: list[Worker] = []
        self._crew = Crew(self.send_all)
        self._count = 0

    def run(self) -> NoReturn:
        threading.Thread(target=self._end_with_the_daemon, name="end", daemon=True).start()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            state, detail = _STATES.get(
                error.value, ("failed", f"{error} (NVML error {error.value})")
            )
            self.end(raw.FAILED, state, detail)
        try:
            self._enumerate()
        except LibraryLost as lost:
            self.give_up(str(lost))
        except pynvml.NVMLError as error:
            self.end(raw.FAILED, "failed", f"cannot list the GPUs: {error}")
        self._serve()

    def send(self, *frame: object) -> None:
        self.send_all([frame])

    def send_all(self, frames: Sequence[Frame]) -> None:
        """Write whole frames.  The daemon gone is the end of this process."""
        data = b"".join(map(msgpack.packb, frames))
        with self._writing:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._stdout_fd, view) :]
            except OSError:
                os._exit(0)

    def end(self, *frame: object) -> NoReturn:
        """Send a last frame and leave at once, whatever hangs in other threads."""
        self.send(*frame)
        os._exit(0)

    def give_up(self, detail: str) -> NoReturn:
        self.end(raw.CHANGED, detail)

    def _enumerate(self) -> None:
        self.send(raw.DRIVER, to_wire(read_driver()))
        handles: dict[str, Any] = {}
        self._count = int(pynvml.nvmlDeviceGetCount())
        for index in range(self._count):
            calls = _open(index)
            uuid = calls if isinstance(calls, Unknown) else read_uuid(calls, taken=handles)
            if isinstance(calls, Unknown) or isinstance(uuid, Unknown):
                assert isinstance(uuid, Unknown)
                self.send(raw.UNREADABLE, index, uuid.reason, uuid.detail)
                continue
            self.send(raw.GPU, to_wire(unread_identity(uuid, index)))
            handles[uuid] = calls.handle
            self._workers.append(Worker(uuid, index, calls, self.give_up))
        until = time.monotonic() + _IDENTITY_DEADLINE_S
        self._crew.request(self._workers, {DO_IDENTIFY: 0})
        for worker in self._workers:
            worker.wait_identified(until)
        self.send(raw.READY, self._count)
        if handles:
            events.start(handles, self.send, self.give_up)

    def _serve(self) -> NoReturn:
        unpacker = msgpack.Unpacker(max_buffer_size=1 << 16)
        while data := os.read(self._stdin_fd, 1 << 12):
            unpacker.feed(data)
            wanted: dict[str, int] = dict(unpacker)
            if raw.DO_CONDITION in wanted:
                self._recount()
            if wanted:
                self._crew.request(self._workers, wanted)
        os._exit(0)

    def _end_with_the_daemon(self) -> NoReturn:
        """Even while a call of the driver hangs and nobody reads requests."""
        poll = select.poll()
        poll.register(self._stdin_fd, 0)  # that its other end is closed is always told
        poll.poll()
        os._exit(0)

    def _recount(self) -> None:
        """A GPU that came or went: handles and indices have moved, so start over."""
        try:
            count = int(pynvml.nvmlDeviceGetCount())
        except pynvml.NVMLError as error:
            self.give_up(f"cannot count the GPUs: {error}")
        if count != self._count:
            self.give_up(f"the driver shows {count} GPUs instead of {self._count}")


def _open(index: int) -> Reading[Calls]:
    try:
        return Calls(pynvml.nvmlDeviceGetHandleByIndex(index))
    except pynvml.NVMLError as error:
        return explain(error)


def main() -> NoReturn:
    faulthandler.enable()
    # Replies leave through a private copy: whatever the driver's library prints
    # goes to the journal instead of into the frames.
    stdout_fd = os.dup(1)
    os.dup2(2, 1)
    Probe(0, stdout_fd).run()


if __name__ == "__main__":
    main()
