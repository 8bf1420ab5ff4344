"""Between the host's pinned memory and the device: what PCIe, or NVLink, carries.  For bench."""

from __future__ import annotations

import os

import numpy as np

from polarisd.bench.worker.device import WORD_BYTES
from polarisd.bench.worker.figures import Outcome, Setting, below, needs_gpu, new_key, rate

_BYTES = 1 << 28
_SHARE = 4
_RANDOM_BLOCK = 1 << 20


def h2d(setting: Setting) -> Outcome:
    """From the host to the device."""
    return _measure(setting, up=True)


def d2h(setting: Setting) -> Outcome:
    """From the device to the host."""
    return _measure(setting, up=False)


def _measure(setting: Setting, *, up: bool) -> Outcome:
    if outcome := needs_gpu(setting):
        return outcome
    device = setting.device
    nbytes = below(setting.free_bytes() // _SHARE, _BYTES)
    words = nbytes // WORD_BYTES
    there, here = device.empty(words, "u64"), device.pinned(nbytes)
    device.fill(there, 0, words, new_key(), 0)
    here.array[:] = np.resize(np.frombuffer(os.urandom(_RANDOM_BLOCK), np.uint8), nbytes)

    def once() -> None:
        if up:
            device.upload(here, there, nbytes)
        else:
            device.download(there, here, nbytes)

    detail = f"{nbytes >> 20} MiB at a time, one way, from or to pinned memory"
    return rate(float(nbytes), setting.time(once), detail)
