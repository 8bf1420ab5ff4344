"""Transactions that wait for a block.

One for each signer and nonce; a higher tip takes the place of a lower one.  Those whose nonce
is ahead wait for the ones before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.devnode.blocks import Blocks
from tests.devnode.ledger import Ledger
from tests.devnode.validity import (
    Invalid,
    Transaction,
    check_signed,
    check_state,
    next_ledger,
    read,
)

TOO_LOW = "The transaction has too low priority to replace another transaction already in the pool."
# refusals that a test asks for; those of validity.py besides
REASONS: dict[str, tuple[int, str, str | None]] = {
    "banned": (1012, "Transaction is temporarily banned", None),
    "imported": (1013, "Transaction is already imported", None),
    "priority": (1014, "Priority is too low: (100 vs 100)", TOO_LOW),
    "cycle": (1015, "Cycle Detected", None),
    "full": (1016, "Immediately Dropped", "The transaction couldn't enter the pool"),
    "unavailable": (-32000, "Server is busy, try again", None),
}


class Pool:
    """`tell(hash, status)` hears what becomes of each."""

    def __init__(self, blocks: Blocks, tell: Callable[[str, Any], None]) -> None:
        self._blocks = blocks
        self._tell = tell
        self._waiting: dict[str, Transaction] = {}

    def __iter__(self) -> Iterator[Transaction]:
        return iter(list(self._waiting.values()))

    def check(self, raw: bytes) -> Transaction:
        """Invalid if a node would refuse it."""
        best = self._blocks.best
        codec = self._blocks.codec_of(best)
        transaction = read(raw, codec, best.number + 1)
        ledger = next_ledger(self._blocks)
        if transaction.hash in self._waiting:
            raise Invalid(*REASONS["imported"])
        check_signed(transaction, self._blocks, codec)
        check_state(transaction, ledger)
        rival = self._rival(transaction)
        if rival is not None and rival.tip >= transaction.tip:
            raise Invalid(*REASONS["priority"])
        return transaction

    def add(self, transaction: Transaction) -> None:
        rival = self._rival(transaction)
        if rival is not None:
            del self._waiting[rival.hash]
            self._tell(rival.hash, {"usurped": transaction.hash})
        self._waiting[transaction.hash] = transaction

    def remove(self, transaction: Transaction, status: Any = None) -> None:
        if self._waiting.pop(transaction.hash, None) is not None and status is not None:
            self._tell(transaction.hash, status)

    def next_index(self, who: str) -> int:
        """The nonce after the last that waits without a gap."""
        nonce = next_ledger(self._blocks).nonce(who)
        taken = {found.nonce for found in self._waiting.values() if found.signer == who}
        while nonce in taken:
            nonce += 1
        return nonce

    def is_ready(self, transaction: Transaction) -> bool:
        return transaction.nonce < self.next_index(transaction.signer)

    def ready(self, ledger: Ledger) -> Transaction | None:
        """The next to be included, best tip first, then as they came; drops what cannot be."""
        for transaction in sorted(self._waiting.values(), key=lambda found: -found.tip):
            if transaction.nonce > ledger.nonce(transaction.signer):
                continue
            try:
                check_current(transaction, ledger, self._blocks)
            except Invalid:
                self.remove(transaction, "invalid")
                continue
            return transaction
        return None

    def _rival(self, transaction: Transaction) -> Transaction | None:
        return next(
            (
                found
                for found in self._waiting.values()
                if (found.signer, found.nonce) == (transaction.signer, transaction.nonce)
            ),
            None,
        )


def check_current(transaction: Transaction, ledger: Ledger, blocks: Blocks) -> None:
    """Before it goes into a block: the runtime, the fork and the state may have changed."""
    if transaction.death is not None and ledger.block >= transaction.death:
        raise Invalid(1010, "Invalid Transaction", "Transaction has an ancient birth block")
    check_signed(transaction, blocks, ledger.state.codec)
    check_state(transaction, ledger)
