"""Blocks, and which of them are the best chain and final.

A header hashes as in Substrate: blake2 over its SCALE.  What stands for the state root is a
hash of the parent's and of what changed, not of a trie.  States are kept for the newest
`KEPT_STATES` blocks, as a node that is no archive does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.devnode.codec import Codec
from tests.devnode.scale import blake2, compact, hexed
from tests.devnode.state import State, Values

KEPT_STATES = 256
NO_PARENT = bytes(32)


class StateDiscarded(Exception):
    """The state of a block that is too old to have one."""


@dataclass
class Block:
    """`spec_version` is the runtime's after this block."""

    number: int
    parent: bytes
    state_root: bytes
    extrinsics: list[bytes]
    slot: int
    spec_version: int
    values: Values | None
    events: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)  # a `Landed` for each, as a map

    def __post_init__(self) -> None:
        self.extrinsics_root = blake2(b"".join(blake2(raw) for raw in self.extrinsics))
        # a pre-runtime digest of the Aura engine: the slot
        self.log = b"\x06aura" + compact(8) + self.slot.to_bytes(8, "little")
        self.hash = self.hash_with([self.log])

    def hash_with(self, logs: list[bytes]) -> bytes:
        fixed = self.parent + compact(self.number) + self.state_root + self.extrinsics_root
        return blake2(fixed + compact(len(logs)) + b"".join(logs))

    @property
    def header(self) -> dict[str, Any]:
        """As JSON-RPC has it."""
        return {
            "parentHash": hexed(self.parent),
            "number": hex(self.number),
            "stateRoot": hexed(self.state_root),
            "extrinsicsRoot": hexed(self.extrinsics_root),
            "digest": {"logs": [hexed(self.log)]},
        }


class Blocks:
    """All blocks, orphans too; `best` is the tip of the longest fork."""

    def __init__(self, genesis: Block, codec: Codec, finality_lag: int) -> None:
        self._chain = [genesis]
        self._by_hash = {genesis.hash: genesis}
        self.codecs = {codec.spec_version: codec}
        self.finality_lag = finality_lag
        self._finalized = 0

    @classmethod
    def restored(
        cls, chain: list[Block], finalized: int, codecs: list[Codec], finality_lag: int
    ) -> Blocks:
        """Of a best chain that was kept; the first codec is that of its genesis."""
        blocks = cls(chain[0], codecs[0], finality_lag)
        blocks._chain = chain
        blocks._by_hash = {block.hash: block for block in chain}
        blocks._finalized = finalized
        blocks.codecs = {codec.spec_version: codec for codec in codecs}
        return blocks

    @property
    def genesis(self) -> Block:
        return self._chain[0]

    @property
    def best(self) -> Block:
        return self._chain[-1]

    @property
    def finalized(self) -> Block:
        return self._chain[self._finalized]

    def at(self, number: int) -> Block | None:
        """Of the best chain."""
        return self._chain[number] if 0 <= number < len(self._chain) else None

    def by_hash(self, hash_: bytes) -> Block | None:
        return self._by_hash.get(hash_)

    def canonical(self) -> list[Block]:
        return list(self._chain)

    def codec_of(self, block: Block) -> Codec:
        return self.codecs[block.spec_version]

    def state_of(self, block: Block) -> State:
        """To read, or to change the block's state in place."""
        if block.values is None:
            raise StateDiscarded(hexed(block.hash))
        return State(self.codec_of(block), block.values)

    def append(self, block: Block) -> list[Block]:
        """Make it the best; returns what became final by it, oldest first."""
        if block.parent != self.best.hash:
            raise ValueError("this block does not follow the best one")
        self._chain.append(block)
        self._by_hash[block.hash] = block
        if len(self._chain) > KEPT_STATES:
            self._chain[-KEPT_STATES - 1].values = None
        before = self._finalized
        self._finalized = max(before, block.number - self.finality_lag)
        return self._chain[before + 1 : self._finalized + 1]

    def rewind(self, depth: int) -> list[Block]:
        """Take the last `depth` blocks off the best chain; returns them, oldest first.
        ValueError if one of them is final."""
        if not 0 < depth <= self.best.number - self._finalized:
            raise ValueError(
                f"cannot orphan {depth} blocks: "
                f"{self.best.number - self._finalized} are not final; see finality_lag"
            )
        orphans = self._chain[-depth:]
        del self._chain[-depth:]
        return orphans
