"""One heartbeat to many validators, within bounds of time and number.  For `sender`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from polarisd.heartbeat.courier import PATH, Courier
from polarisd.heartbeat.hearing import Hearing
from polarisd.heartbeat.peers import Peer
from polarisd.heartbeat.replies import MAX_REPLY_BYTES

MAX_AT_ONCE = 64
DEADLINE_S = 10.0
# Who has not got a turn by then gets the next document: with the deadline on top, this one
# would be too old (`book.MAX_AGE_S`).
TURN_S = 15.0


class Delivery:
    """`leaps` is called when what a validator showed makes the next beat urgent, and `done`
    when a peer is free again.  However a delivery ends, none of its peers stays busy."""

    def __init__(
        self,
        courier: Courier,
        hearing: Hearing,
        clock: Callable[[], float],
        *,
        leaps: Callable[[], None],
        done: Callable[[Peer], None],
    ) -> None:
        self._courier = courier
        self._hearing = hearing
        self._clock = clock
        self._leaps = leaps
        self._done = done
        self._turns = trio.CapacityLimiter(MAX_AT_ONCE)

    async def deliver(self, peers: Iterable[Peer], body: bytes, beat_at: float) -> None:
        """To those who answered last time first, and of these to who has waited longest: where
        many are dead, they must not keep others from their turn."""
        ordered = sorted(peers, key=lambda peer: (peer.pace.failures, peer.tried_at))
        for peer in ordered:
            peer.is_busy, peer.is_owed = True, False
        waiting = dict.fromkeys(ordered)
        try:
            async with trio.open_nursery() as nursery:
                for peer in ordered:
                    with trio.move_on_at(beat_at + TURN_S) as turn:
                        await self._turns.acquire_on_behalf_of(peer)
                    del waiting[peer]
                    if turn.cancelled_caught:
                        peer.is_busy = False
                        self._done(peer)
                    else:
                        nursery.start_soon(self._ask, peer, body, beat_at)
        finally:
            # Cancelled while they waited.  Others of `ordered` may be in a later delivery by now.
            for peer in waiting:
                peer.is_busy, peer.is_owed = False, True

    async def _ask(self, peer: Peer, body: bytes, beat_at: float) -> None:
        try:
            peer.sent(self._clock(), beat_at)
            outcome = await self._courier.post(
                peer.target.endpoint,
                PATH,
                body,
                receiver=peer.target.hotkey,
                deadline_s=DEADLINE_S,
                most_bytes=MAX_REPLY_BYTES,
            )
        except trio.Cancelled:
            peer.is_owed = True
            raise
        finally:
            self._turns.release_on_behalf_of(peer)
            peer.is_busy = False
        if self._hearing.hear(peer, outcome, beat_at):
            self._leaps()
        self._done(peer)
