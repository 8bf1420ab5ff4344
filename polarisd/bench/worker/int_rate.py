"""32-bit integer operations a second, by the kernel that fills memory at a cost.  For bench.

Its words are 64 bits wide; what is counted are the 32-bit operations that a GPU does for
a scramble: two for a shift, an exclusive or, and four for a multiplication by a constant.
"""

from __future__ import annotations

from polarisd.bench.worker.figures import Outcome, Setting, below, new_key, rate

_SHIFTS, _XORS, _MULTIPLICATIONS = 3, 4, 2
SCRAMBLE_OPERATIONS = 2 * _SHIFTS + 2 * _XORS + 4 * _MULTIPLICATIONS

# So much work that writing the result does not count.
_GPU_WORDS, _GPU_COST = 1 << 24, 256
_PROCESSOR_WORDS, _PROCESSOR_COST = 1 << 18, 16
_SHARE = 4


def measure(setting: Setting) -> Outcome:
    device = setting.device
    words, cost = (_GPU_WORDS, _GPU_COST) if setting.on_gpu else (_PROCESSOR_WORDS, _PROCESSOR_COST)
    words = below(setting.free_bytes() // _SHARE // 8, words)
    memory = device.empty(words, "u64")
    key = new_key()
    timing = setting.time(lambda: device.fill(memory, 0, words, key, cost))
    # The word itself is a scramble too.
    operations = float(words * (cost + 1) * SCRAMBLE_OPERATIONS)
    detail = f"{words} words of {cost} scrambles, {SCRAMBLE_OPERATIONS} 32-bit operations each"
    return rate(operations, timing, detail)
