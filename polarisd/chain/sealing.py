"""The chain's two ways to seal: against front-runners until a block is made, and weights
until a time.  For `sending` and `weights`, on the asyncio side.

Beside `polarisd.keys` the only importer of bittensor_core, which is light.
"""

from __future__ import annotations

from dataclasses import dataclass

import bittensor_core


def shield(key: bytes, extrinsic: bytes) -> bytes:
    """Only the author of the block that it gets into can open it (ML-KEM-768)."""
    return bytes(bittensor_core.encrypt_mlkem768(key, extrinsic, include_key_hash=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Of a subnet's epochs, all at `block`: they say when its weights are opened."""

    block: int
    block_time_s: float
    tempo: int
    reveal_epochs: int
    last_epoch_block: int
    pending_epoch_at: int
    epoch_index: int
    blocks_since_last_step: int


def timelock(
    uids: list[int], values: list[int], version_key: int, hotkey: bytes, schedule: Schedule
) -> tuple[bytes, int]:
    """The sealed weights, and the round of drand (a public beacon) that opens them."""
    sealed, reveal_round = bittensor_core.get_encrypted_commit_v2(
        uids=uids,
        weights=values,
        version_key=version_key,
        last_epoch_block=schedule.last_epoch_block,
        pending_epoch_at=schedule.pending_epoch_at,
        subnet_epoch_index=schedule.epoch_index,
        tempo=schedule.tempo,
        blocks_since_last_step=schedule.blocks_since_last_step,
        current_block=schedule.block,
        subnet_reveal_period_epochs=schedule.reveal_epochs,
        block_time=schedule.block_time_s,
        hotkey=hotkey,
    )
    return bytes(sealed), int(reveal_round)
