"""Accepts clients on the control socket and keeps them within their limits."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import trio

from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from polarisd.control.access import ADMIN, NONE, AccessRule, Peer, peer_of
from polarisd.control.commands import Services
from polarisd.control.outlet import GOODBYE_DEADLINE_S
from polarisd.control.session import Session
from polarisd.state import State

log = logging.getLogger(__name__)

# A user without admin rights gets a quarter of the sessions, and all of them together
# three quarters, so that neither one nor many can keep the administrator out.
_READER_SHARE = 4
# Of these a few are for root and the daemon's own user alone, so that not even
# administrators can keep `systemctl reload` out.
_RESERVED = 4
_RESERVED_OF_FEW = 1
_FEW = 16
# Who is turned away may try again at once; the journal hears of it this often.
_TELL_INTERVAL_S = 60.0


class Server:
    """All sessions.  `rule` is asked at each connection, and at each `recheck`."""

    def __init__(
        self,
        *,
        services: Services,
        state: State,
        rule: Callable[[], AccessRule],
        max_sessions: int,
    ) -> None:
        self._services = services
        self._state = state
        self._rule = rule
        self._max_sessions = max_sessions
        self._accepting = trio.CancelScope()
        self._told_at = -math.inf
        self._sessions: dict[Session, Peer] = {}

    async def serve(self, listener: trio.SocketListener) -> None:
        """Until `stop`, or cancelled."""
        async with trio.open_nursery() as nursery:
            with self._accepting:
                await trio.serve_listeners(self._handle, [listener], handler_nursery=nursery)

    def stop(self) -> None:
        """Accept nobody any more and tell each client why; then `serve` returns."""
        self._accepting.cancel()
        for session in self._sessions:
            session.close(_stopping())

    def recheck(self) -> None:
        """The rule may have changed: end the sessions of those who may no longer talk."""
        rule = self._rule()
        for session, peer in self._sessions.items():
            session.access = rule.of(peer)
            if session.access == NONE:
                session.close(_not_permitted(peer))

    async def _handle(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                peer = peer_of(stream.socket)  # type: ignore[arg-type]  # only getsockopt is used
            except OSError:
                return  # it left before we looked
            rule = self._rule()
            refusal = self._refusal(peer, rule)
            if refusal is not None:
                await _turn_away(stream, refusal)
                return
            session = Session(stream, rule.of(peer), self._services, self._state)
            self._sessions[session] = peer
            try:
                await session.run()
            finally:
                del self._sessions[session]

    def _refusal(self, peer: Peer, rule: AccessRule) -> ControlError | None:
        if self._accepting.cancel_called:
            return _stopping()
        if rule.of(peer) == NONE:
            return _not_permitted(peer)
        full = self._full(peer, rule)
        if not full:
            return None
        if trio.current_time() - self._told_at >= _TELL_INTERVAL_S:
            self._told_at = trio.current_time()
            log.warning(
                "refused a client of user id %d: polarisd already serves %s", peer.uid, full
            )
        return ControlError(
            errors.TOO_MANY_SESSIONS,
            f"polarisd already serves {full}",
            "close a monitor or another client, or raise control.max_sessions",
        )

    def _full(self, peer: Peer, rule: AccessRule) -> str:
        """What there is enough of already, empty if there is room."""
        limit = self._max_sessions
        if len(self._sessions) >= limit:
            return f"{limit} sessions"
        if rule.is_owner(peer):
            return ""
        common = limit - _reserved(limit)
        if sum(not rule.is_owner(other) for other in self._sessions.values()) >= common:
            return f"{common} sessions, and keeps the rest for root"
        if rule.of(peer) == ADMIN:
            return ""
        share = max(1, limit // _READER_SHARE)
        if sum(other.uid == peer.uid for other in self._sessions.values()) >= share:
            return f"{share} sessions of user id {peer.uid}"
        if sum(session.access != ADMIN for session in self._sessions) >= max(1, limit - share):
            return f"{max(1, limit - share)} sessions of users who may only read"
        return ""


def _reserved(limit: int) -> int:
    return min(_RESERVED if limit >= _FEW else _RESERVED_OF_FEW, limit - 1)


def _not_permitted(peer: Peer) -> ControlError:
    return ControlError(
        errors.NOT_PERMITTED,
        f"user id {peer.uid} may not talk to polarisd",
        "run it with sudo, join group polaris, or set control.local_users_may_read",
    )


def _stopping() -> ControlError:
    return ControlError(errors.STOPPING, "polarisd is stopping", "try again when it runs")


async def _turn_away(stream: trio.SocketStream, why: ControlError) -> None:
    with trio.move_on_after(GOODBYE_DEADLINE_S):
        try:
            await stream.send_all(wire.notification("closing", dict(why.to_wire())))
        except trio.BrokenResourceError:
            return
