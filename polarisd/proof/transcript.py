"""Everything that was said in one challenge, and when: what a verdict is made from.

Specification: docs/proof.md, "Transcript".  Anyone who holds one can check the
answers again; the times are the validator's word.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.proof.parameters import ComputeParameters, MemoryParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked of one GPU of one miner: `slot` tells its GPUs apart."""

    challenge: bytes
    sweep_seed: bytes
    hotkey: bytes
    slot: int
    compute: ComputeParameters | None
    memory: MemoryParameters | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A leaf block, its path, and, for Freivalds' check, the row as int32."""

    block: bytes
    path: tuple[bytes, ...]
    row: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeRecord:
    """`took_s` is from sending the nonce to holding the last digest."""

    nonce: bytes
    digests: tuple[bytes, ...]
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRecord:
    fill_nonce: bytes
    walk_nonce: bytes
    pass_nonce: bytes
    walk_root: bytes
    unit_roots: tuple[bytes, ...]
    fill_s: float
    walk_s: float
    pass_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """`round_trip_s` is the shortest that was seen.  Openings are in the order of the
    samples that `sample_seed` gives."""

    terms: Terms
    round_trip_s: float
    memory: MemoryRecord | None
    compute: ComputeRecord | None
    sample_seed: bytes
    walkers: tuple[Opening, ...]
    blocks: tuple[Opening, ...]
    rows: tuple[Opening, ...]

    @property
    def commitments(self) -> bytes:
        """All that the prover had committed to when the sample was drawn."""
        return commitments(self.memory, self.compute)


def commitments(memory: MemoryRecord | None, compute: ComputeRecord | None) -> bytes:
    parts: list[bytes] = []
    if memory is not None:
        parts += [memory.walk_root, *memory.unit_roots]
    if compute is not None:
        parts += compute.digests
    return b"".join(parts)
