"""What a validator says at the end: accepted, or rejected for one of these reasons.

Specification: docs/proof.md, "Verdict".  Whatever is not in `Proven` was not
proven, and is self-reported wherever it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polarisd.proof.soundness import ComputeSoundness, MemorySoundness


class Reason(str, Enum):
    """Why a proof was rejected.  The first four happen before the prover has seen what
    is sampled; all others are as bad as a wrong answer."""

    NOT_READY = "not_ready"
    REFUSED = "refused"
    LATE = "late"
    ENDED = "ended"
    MALFORMED = "malformed"
    OUT_OF_TURN = "out_of_turn"
    NO_OPENINGS = "no_openings"
    WRONG_PATH = "wrong_path"
    WRONG_ROW = "wrong_row"
    WRONG_PRODUCT = "wrong_product"
    WRONG_WALK = "wrong_walk"
    WRONG_BLOCK = "wrong_block"
    TOO_FAST = "too_fast"

    @property
    def says(self) -> str:
        return _SAYS[self]


# In these the prover may be honest and unlucky; nothing was learnt from the sample.
BEFORE_SAMPLE = frozenset((Reason.NOT_READY, Reason.REFUSED, Reason.LATE, Reason.ENDED))

_SAYS = {
    Reason.NOT_READY: "the prover did not become ready in time",
    Reason.REFUSED: "the prover refused the challenge",
    Reason.LATE: "the commitments were not complete by the deadline",
    Reason.ENDED: "the prover left before it had committed to everything",
    Reason.MALFORMED: "a message was not of the agreed type or size",
    Reason.OUT_OF_TURN: "a message came that was not due",
    Reason.NO_OPENINGS: "the prover saw what is sampled and did not open it",
    Reason.WRONG_PATH: "an opening does not belong to what was committed to",
    Reason.WRONG_ROW: "a committed row is not the row of the product",
    Reason.WRONG_PRODUCT: "an opened row is not the row of the product",
    Reason.WRONG_WALK: "a committed walk does not end where it must",
    Reason.WRONG_BLOCK: "a committed block was not read from the filled memory",
    Reason.TOO_FAST: "the work was done faster than any such device can",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the validator measured on its own clock; None where the challenge had no such
    part.  Rates hold as far as `Verdict.soundness` says.

    `tensor_ops` counts a multiplication and an addition as two, each second;
    `memory_bps` bytes read a second; `vram_bytes` is a lower bound, see docs/proof.md,
    "How much memory is proven"; `mix_ops` mixings of 64-bit words a second.
    """

    tensor_ops: float | None = None
    memory_bps: float | None = None
    vram_bytes: int | None = None
    mix_ops: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    proven: Proven
    compute: ComputeSoundness | None
    memory: MemorySoundness | None


Verdict = Accepted | Rejected
