"""What a node is started with."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_SLOT_MS = 12_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """See README.md."""

    seed: str = "polaris"
    interval_s: float = 0.2
    instant: bool = False
    slot_ms: int | None = None
    finality_lag: int = 1
    netuids: dict[int, str] = field(default_factory=lambda: {49: "Polaris", 7: "Elsewhere"})
    spec_version: int = 474
    epoch_consensus: bool = True
    time_offset_s: float = 0.0
    port: int = 0

    @property
    def slot(self) -> int:
        return self.slot_ms or round(self.interval_s * 1000) or DEFAULT_SLOT_MS
