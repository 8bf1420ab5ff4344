"""Section 7: what is to be opened."""

from .keys import keyed_hash, u32
from .parameters import Compute, Memory
from .words import below


def draw(secret: bytes, purpose: str, n: int, m: int) -> int:
    drawn = keyed_hash("s", secret, purpose.encode("ascii"), u32(n))
    return below(int.from_bytes(drawn[:8], "little"), m)


def rows(secret: bytes, parameters: Compute) -> list[tuple[int, int]]:
    """Round and row of each sample."""
    even = parameters.samples // parameters.rounds * parameters.rounds
    found = []
    for n in range(parameters.samples):
        i = n % parameters.rounds if n < even else draw(secret, "round", n, parameters.rounds)
        found.append((i, draw(secret, "row", n, parameters.rows)))
    return found


def walkers(secret: bytes, parameters: Memory) -> list[int]:
    wanted = range(parameters.walk_samples)
    return [draw(secret, "walker", n, parameters.walkers) for n in wanted]


def blocks(secret: bytes, parameters: Memory) -> list[tuple[int, int]]:
    """Unit of each sample, and the block within the unit's segment."""
    if parameters.units == 0:
        return []
    found = []
    for n in range(parameters.unit_samples):
        place = n * parameters.units + draw(secret, "unit", n, parameters.units)
        block = draw(secret, "block", n, parameters.segment_blocks)
        found.append((place // parameters.unit_samples, block))
    return found
