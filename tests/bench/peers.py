"""The programs that Polaris is measured beside, each in its natural way, once a second."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import ioctl

# nvitop's API, as its documentation has it: a snapshot of every device in a loop.
_NVITOP_LOOP = """
import time
from nvitop import Device
devices = Device.all()
due = time.monotonic()
while True:
    snapshots = [device.as_snapshot() for device in devices]
    due += 1.0
    time.sleep(max(0.0, due - time.monotonic()))
"""

# Not a program but the least that any can do in Python: the driver calls of one of
# our samples, and nothing done with what they return.
_BARE_LOOP = """
import time
import pynvml as nvml
nvml.nvmlInit()
handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
fields = [83, 185, 82, 197, 198, (138, 0xFFFFFFFF), (139, 0xFFFFFFFF)]
due = time.monotonic()
while True:
    for handle in handles:
        nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2)
        nvml.nvmlDeviceGetUtilizationRates(handle)
        nvml.nvmlDeviceGetFieldValues(handle, fields)
        nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
        nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)
        nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)
        nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    due += 1.0
    time.sleep(max(0.0, due - time.monotonic()))
"""

GPUSTAT = "gpustat -i 1"
NVITOP_API = "nvitop, as_snapshot() in a loop"
NVITOP_SCREEN = "nvitop --interval 1, its screen"
BARE = "pynvml alone, the same calls in a loop"

# what runs, and whether it wants a terminal
SAMPLERS: dict[str, tuple[tuple[str, ...], bool]] = {
    GPUSTAT: ((sys.executable, "-m", "gpustat", "-i", "1"), False),
    NVITOP_API: ((sys.executable, "-c", _NVITOP_LOOP), False),
    NVITOP_SCREEN: ((sys.executable, "-m", "nvitop", "--monitor", "full", "--interval", "1"), True),
    BARE: ((sys.executable, "-c", _BARE_LOOP), False),
}


@contextmanager
def started(
    command: Sequence[str], env: Mapping[str, str], *, on_terminal: bool
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, running; whatever it shows is read and dropped."""
    with _screen() if on_terminal else _nowhere() as output:
        process = subprocess.Popen(
            command,
            env={**env, "TERM": "xterm"},
            stdin=output if on_terminal else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def _nowhere() -> Iterator[int]:
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        yield null
    finally:
        os.close(null)


@contextmanager
def _screen() -> Iterator[int]:
    """A terminal of 120 by 60, and somebody who looks at it."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 120, 0, 0))
    threading.Thread(target=_drain, args=(master,), daemon=True).start()
    try:
        yield slave
    finally:
        os.close(slave)


def _drain(master: int) -> None:
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:
        os.close(master)
