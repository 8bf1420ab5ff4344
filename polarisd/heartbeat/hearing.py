"""What a miner makes of what came back from a validator.  No I/O; for `sender`."""

from __future__ import annotations

from collections.abc import Callable

from polarisd.api.reading import known
from polarisd.heartbeat import pacing
from polarisd.heartbeat.courier import Answer, Undelivered
from polarisd.heartbeat.document import Heartbeat, Signed, is_genuine
from polarisd.heartbeat.peers import Peer
from polarisd.heartbeat.replies import Rejection, Reply, clean, read_reply
from polarisd.heartbeat.sequence import Sequence

# Between two leaps over what another machine sends: two of one hotkey would else race each other.
LEAP_GAP_S = 3600.0
# An answer that took longer says little of the clock.
_MAX_ROUND_TRIP_S = 4.0
_ELSEWHERE = "another machine sends heartbeats with this hotkey"


class Hearing:
    """`sighting` is told each address that a validator saw us at: hotkey, address, time."""

    def __init__(
        self,
        *,
        hotkey: str,
        sequence: Sequence,
        interval_s: float,
        clock: Callable[[], float],
        sighting: Callable[[str, str, float], None],
        chance: Callable[[], float],
    ) -> None:
        self._hotkey = hotkey
        self._sequence = sequence
        self._interval_s = interval_s
        self._clock = clock
        self._sighting = sighting
        self._chance = chance
        # A heartbeat of ours from before, with a number that is yet to be given, is from a state
        # directory that was lost; one from after was sent by another machine.
        self._alone_until = clock()

    def hear(self, peer: Peer, outcome: Answer | Undelivered, beat_at: float) -> bool:
        """Whether the next beat is to come at once.  `beat_at` is trio's time."""
        now = self._clock()
        if isinstance(outcome, Answer):
            is_quick = outcome.round_trip_s <= _MAX_ROUND_TRIP_S
            peer.heard(-outcome.clock_offset_s if is_quick else None, now)
            return self._answered(peer, read_reply(outcome.status, outcome.document), beat_at, now)
        if outcome.proven:
            offset_s = outcome.clock_offset_s
            peer.heard(None if offset_s is None else -offset_s, now)
        self._failed(peer, outcome.code, outcome.text, beat_at, outcome.retry_after_s)
        return False

    def _answered(self, peer: Peer, said: Reply | Rejection, beat_at: float, now: float) -> bool:
        if isinstance(said, Rejection):
            return self._rejected(peer, said, beat_at, now)
        peer.pace = pacing.answered(beat_at, self._interval_s, said.next_beat_s or 0.0)
        peer.took(said, now)
        if said.seen_address is not None:
            # As of when it was sent: this machine may have moved while it was on its way.
            sent_at = known(peer.view.sent_at)
            self._sighting(
                peer.target.hotkey, said.seen_address, now if sent_at is None else sent_at
            )
        return False

    def _rejected(self, peer: Peer, rejection: Rejection, beat_at: float, now: float) -> bool:
        code, text, leaps = rejection.code, rejection.text, False
        if code == "sequence_old" and (given := self._ours(rejection.latest)) is not None:
            if given.sent_at_ms / 1e3 <= self._alone_until or now - self._alone_until > LEAP_GAP_S:
                leaps = self._sequence.pass_by(given.sequence)
                self._alone_until = now if leaps else self._alone_until
            elif self._sequence.is_below(given.sequence):
                code, text = "hotkey_elsewhere", _ELSEWHERE
        self._failed(peer, code, text, beat_at)
        return leaps

    def _failed(
        self,
        peer: Peer,
        code: str,
        text: str,
        beat_at: float,
        retry_after_s: float | None = None,
    ) -> None:
        peer.pace = pacing.failed(
            peer.pace, beat_at, self._interval_s, retry_after_s, self._chance()
        )
        peer.failed(code, clean(text) or "")

    def _ours(self, latest: Signed | None) -> Heartbeat | None:
        """Nobody but us can make us leap: it takes our signature."""
        if latest is None or latest.heartbeat.hotkey != self._hotkey or not is_genuine(latest):
            return None
        return latest.heartbeat
