"""What is expected of some classes of devices, and what none of them exceeds.

For validators, who may hold other figures.  Nothing here was measured by Polaris yet:
tensor and memory rates are such as others reached, or shares of the datasheet's peak;
mixing rates follow from clock, 32-bit integer lanes and 22 operations a mixing; ceilings
are the datasheet's peaks and a little.  docs/proof.md, "Calibration".
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.proof.calibration import Expected
from polarisd.proof.judge import Ceiling

# A datasheet's peak is at a clock that a card may exceed by so much.
_BEYOND_PEAK = 1.03
_BEYOND_ESTIMATE = 1.25
# The fastest mixings that anyone would pass off as another class; a host with two sockets.
REMAKE_OPS = 0.9e12
HOST_BPS = 0.4e12


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A kind of device; its memory as what is free beside a compute proof."""

    name: str
    expected: Expected
    ceiling: Ceiling


def _class(
    name: str, tensor: tuple[float, float], memory: tuple[float, float], mix: float, gib: int,
    link: float,
) -> DeviceClass:  # fmt: skip
    """Rates as (expected, peak): tensor in TFLOP/s, memory and link in GB/s, mix in G/s."""
    expected = Expected(
        tensor_ops=tensor[0] * 1e12,
        memory_bps=memory[0] * 1e9,
        mix_ops=mix * 1e9,
        vram_bytes=gib << 30,
    )
    ceiling = Ceiling(
        tensor_ops=tensor[1] * 1e12 * _BEYOND_PEAK,
        memory_bps=memory[1] * 1e9 * _BEYOND_PEAK,
        mix_ops=mix * 1e9 * _BEYOND_ESTIMATE,
        elsewhere_bps=link * 1e9,
        remake_ops=max(REMAKE_OPS, mix * 1e9 * _BEYOND_ESTIMATE),
        host_bps=HOST_BPS,
    )
    return DeviceClass(name, expected, ceiling)


CLASSES = {
    each.name: each
    for each in (
        _class("H100 SXM", (794, 989), (3000, 3352), 674, 76, 64),
        _class("A100 SXM 80GB", (271, 312), (1800, 2039), 443, 76, 32),
        _class("L40S", (290, 362), (780, 864), 900, 44, 32),
        _class("RTX 4090", (164, 165.2), (920, 1008), 938, 22, 32),
        _class("RTX 3090", (69, 71), (850, 936), 400, 22, 32),
        _class("A10", (100, 125), (540, 600), 350, 22, 32),
        _class("T4", (45, 65), (260, 320), 185, 14, 16),
    )
}
