"""The node: the chain, its pool, and what may be done to them.

Knows of no socket: `on_head`, `on_final` and `on_status` are called for whoever listens.
All of it runs in one thread, without awaiting, so a block is made at once or not at all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.devnode import golden, metadata
from tests.devnode.author import Author
from tests.devnode.blocks import Block, Blocks
from tests.devnode.codec import Codec
from tests.devnode.faults import Faults
from tests.devnode.genesis import block as genesis_block
from tests.devnode.options import Options
from tests.devnode.pool import REASONS, Pool
from tests.devnode.scale import hexed
from tests.devnode.shield import Shield
from tests.devnode.validity import TEXTS, Invalid, Transaction, invalid


def make_codec(options: Options, spec_version: int, epoch_consensus: bool) -> Codec:
    changed = metadata.patched(
        golden.metadata(), epoch_consensus=epoch_consensus, slot_ms=options.slot
    )
    return Codec(changed, spec_version)


class Node:
    """From genesis on, or with the chain that is given.  `runtimes` are those that there have
    been: spec version -> whether it has SubnetEpochConsensus."""

    def __init__(
        self,
        options: Options,
        blocks: Blocks | None = None,
        runtimes: dict[int, bool] | None = None,
    ) -> None:
        self.options = options
        shield = Shield(options.seed)
        self.runtimes = runtimes or {options.spec_version: options.epoch_consensus}
        if blocks is None:
            codec = make_codec(options, options.spec_version, options.epoch_consensus)
            genesis = genesis_block(options, codec, shield)
            blocks = Blocks(genesis, codec, options.finality_lag)
        self.blocks = blocks
        self.pool = Pool(self.blocks, self._tell)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.submissions: list[dict[str, Any]] = []
        self.time_offset_s = options.time_offset_s
        self.on_head: list[Callable[[Block], None]] = []
        self.on_final: list[Callable[[Block], None]] = []
        self.on_status: list[Callable[[str, Any], None]] = []
        self._author = Author(self.blocks, self.pool, shield, self._can_open)
        self._upgrade: Codec | None = None

    @property
    def number(self) -> int:
        return self.blocks.best.number

    @property
    def codec(self) -> Codec:
        return self.blocks.codec_of(self.blocks.best)

    # blocks -----------------------------------------------------------------------------------

    def mine(self) -> Block:
        now_ms = int((time.time() + self.time_offset_s) * 1000)
        upgrade, self._upgrade = self._upgrade, None
        block = self._author.make(now_ms, upgrade)
        if upgrade is not None:
            self.blocks.codecs[upgrade.spec_version] = upgrade
        final = self.blocks.append(block)
        for heard in self.on_head:
            heard(block)
        for landed in block.results:
            self._tell(landed["hash"], {"inBlock": hexed(block.hash)})
        for ended in final:
            for heard in self.on_final:
                heard(ended)
            for landed in ended.results:
                self._tell(landed["hash"], {"finalized": hexed(ended.hash)})
        return block

    def reorg(self, depth: int, transactions: str, longer_by: int) -> None:
        """A longer fork takes the place of the last `depth` blocks.  Their transactions go back
        to the pool, and so into the fork if they are still valid there, or are lost."""
        if transactions not in ("pool", "lost"):
            raise ValueError('transactions is "pool" or "lost"')
        orphans = self.blocks.rewind(depth)
        for orphan in orphans:
            for landed in orphan.results:
                self._tell(landed["hash"], {"retracted": hexed(orphan.hash)})
        if transactions == "pool":
            for orphan in orphans:
                self._back_to_pool(orphan)
        for _ in range(depth + longer_by):
            self.mine()

    def upgrade(self, spec_version: int | None, epoch_consensus: bool) -> int:
        """With the next block; returns the version."""
        version = spec_version or self.codec.spec_version + 1
        if version in self.blocks.codecs:
            raise ValueError(f"there has been a runtime {version}; it only goes up")
        self._upgrade = make_codec(self.options, version, epoch_consensus)
        self.runtimes[version] = epoch_consensus
        return version

    # transactions -----------------------------------------------------------------------------

    def submit(self, raw: bytes) -> Transaction:
        """Into the pool; Invalid if it is refused."""
        record: dict[str, Any] = {"block": self.number, "hash": "", "refused": None}
        self.submissions.append(record)
        try:
            rejected = self.faults.take("reject", block=self.number)
            if rejected is not None:
                raise _refusal(rejected.options["reason"])
            transaction = self.pool.check(raw)
        except Invalid as error:
            record["refused"] = error.error
            raise
        record.update(
            hash=transaction.hash,
            signer=transaction.signer,
            method=transaction.method,
            nonce=transaction.nonce,
        )
        if self.faults.take("lose", block=self.number) is None:
            self.pool.add(transaction)
        return transaction

    def next_index(self, who: str) -> int:
        """What the node says of the next nonce, which may be wrong on request."""
        fault = self.faults.take("nonce", block=self.number)
        return max(0, self.pool.next_index(who) + (fault.options["by"] if fault else 0))

    def landed(self) -> list[dict[str, Any]]:
        """In the best chain, oldest first."""
        return [found for block in self.blocks.canonical() for found in block.results]

    def _can_open(self) -> bool:
        return self.faults.take("sealed", block=self.number) is None

    def _back_to_pool(self, orphan: Block) -> None:
        hashes = {landed["hash"] for landed in orphan.results}
        for raw in orphan.extrinsics:
            try:
                transaction = self.pool.check(raw)
            except Invalid:
                continue
            if transaction.hash in hashes:
                self.pool.add(transaction)

    def _tell(self, hash_: str, status: Any) -> None:
        for heard in self.on_status:
            heard(hash_, status)


def _refusal(reason: str) -> Invalid:
    """One of faults.REASONS."""
    return invalid(reason) if reason in TEXTS else Invalid(*REASONS[reason])
