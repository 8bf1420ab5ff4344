"""The device's own memory: copied within itself, and read.  For bench."""

from __future__ import annotations

from polarisd.bench.worker.device import BLOCK_WORDS, WORD_BYTES
from polarisd.bench.worker.figures import Outcome, Setting, below, new_key, rate

_BLOCK_BYTES = BLOCK_WORDS * WORD_BYTES
# Many times what any cache holds.
_GPU_BYTES = 1 << 30
_PROCESSOR_BYTES = 1 << 28
_SHARE = 4


def _size(setting: Setting) -> int:
    most = _GPU_BYTES if setting.on_gpu else _PROCESSOR_BYTES
    return max(_BLOCK_BYTES, below(setting.free_bytes() // _SHARE, most))


def copy(setting: Setting) -> Outcome:
    """Every byte is read and written, and counts twice."""
    device, nbytes = setting.device, _size(setting)
    words = nbytes // WORD_BYTES
    src, dst = device.empty(words, "u64"), device.empty(words, "u64")
    device.fill(src, 0, words, new_key(), 0)
    timing = setting.time(lambda: device.copy(dst, src, nbytes))
    return rate(2.0 * nbytes, timing, f"copy of {nbytes >> 20} MiB; read and written both count")


def read(setting: Setting) -> Outcome:
    """By the kernel that digests a block, which reads every word once."""
    device, nbytes = setting.device, _size(setting)
    words, blocks = nbytes // WORD_BYTES, nbytes // _BLOCK_BYTES
    source, leaves = device.empty(words, "u64"), device.empty(blocks, "u64")
    device.fill(source, 0, words, new_key(), 0)
    key = new_key()
    timing = setting.time(lambda: device.digest_blocks(source, 0, blocks, leaves, key))
    return rate(float(nbytes), timing, f"a digest of every word of {nbytes >> 20} MiB")
