"""What the actor is told: where the chain is, and how patient to be.

Plain values; made by the daemon from [chain], by `polarisctl register` from its flags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from polarisd.chain.backoff import Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Deadlines in seconds, except where they say blocks."""

    connect_s: float = 30.0
    read_s: float = 20.0
    # how long a transaction is followed before its caller is told that its end is not known
    submit_s: float = 180.0
    close_s: float = 5.0
    # between two looks at the chain while no block comes
    look_s: float = 6.0
    stall_blocks: int = 10
    # for how many blocks a transaction is valid; of shielded ones the chain says it
    valid_blocks: int = 32
    shielded_valid_blocks: int = 8
    # None: as the chain says
    block_time_s: float | None = None
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorConfig:
    """`endpoint` is a ws:// or wss:// address (see `networks.resolve` for names).

    `genesis_hash` is that of the chain that was registered on: no other is talked to.
    `cache_dir` keeps the chain's metadata between starts; without it, it is fetched anew.
    """

    endpoint: str
    fallback_endpoints: tuple[str, ...] = ()
    genesis_hash: str | None = None
    cache_dir: Path | None = None
    patience: Patience = field(default_factory=Patience)

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.endpoint, *self.fallback_endpoints)))
