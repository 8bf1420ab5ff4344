"""When the follower looks at the chain: every so many blocks, and less often where that fails.

Pure; for `follower`.  A public endpoint allows about one request a second for an address:
the short look takes three, the long one a dozen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from polarisd.chain.outcomes import Failed

SHORT_LOOK_BLOCKS = 5
LONG_LOOK_BLOCKS = 25
MOST_PAUSE_BLOCKS = 25
_DOUBLINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One kind of look.  `last_block` is None where it is due whatever the block; `failed` is
    how the newest ended, `failures` of them in a row, the last at `failed_block`."""

    every_blocks: int
    last_block: int | None = None
    failed: Failed | None = None
    failures: int = 0
    failed_block: int = 0

    def is_due(self, block: int) -> bool:
        """Also when the chain went back: a node that lost its state, or a reorganisation."""
        if self.failures and _within(self.failed_block, block, self.pause_blocks):
            return False
        return self.last_block is None or not _within(self.last_block, block, self.every_blocks)

    @property
    def pause_blocks(self) -> int:
        return min(1 << min(max(self.failures - 1, 0), _DOUBLINGS), MOST_PAUSE_BLOCKS)

    @property
    def why(self) -> str:
        return "" if self.failed is None else self.failed.text

    def succeeded(self, block: int) -> Look:
        return Look(every_blocks=self.every_blocks, last_block=block)

    def ended(self, failed: Failed, block: int) -> Look:
        return replace(self, failed=failed, failures=self.failures + 1, failed_block=block)

    def hurried(self) -> Look:
        """Due at the next block, unless it fails at present."""
        return replace(self, last_block=None)


def _within(first: int, block: int, blocks: int) -> bool:
    return first <= block < first + blocks
