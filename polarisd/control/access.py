"""Who is at the other end of the socket, and what they may do.

The kernel vouches for the peer's uid and groups (SO_PEERCRED, SO_PEERGROUPS), so
there is no password and nothing that a client could claim.
"""

from __future__ import annotations

import grp
import socket
import struct
from dataclasses import dataclass

NONE = "none"
READ = "read"
ADMIN = "admin"

_RANK = {NONE: 0, READ: 1, ADMIN: 2}

# <asm-generic/socket.h>; Python has no name for it.
_SO_PEERGROUPS = 59
# CPython's limit on the buffer of getsockopt; room for 256 groups.
_GROUPS_BUFFER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that called connect(2), as it was then."""

    pid: int
    uid: int
    gids: frozenset[int]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Root, the daemon's own user and the admin group may do everything."""

    own_uid: int
    admin_gid: int | None
    local_users_may_read: bool

    def is_owner(self, peer: Peer) -> bool:
        """Root or the daemon's own user, who can have its process anyway."""
        return peer.uid in (0, self.own_uid)

    def of(self, peer: Peer) -> str:
        if self.is_owner(peer) or self.admin_gid in peer.gids:
            return ADMIN
        return READ if self.local_users_may_read else NONE


def allows(granted: str, needed: str) -> bool:
    return _RANK[granted] >= _RANK[needed]


def peer_of(sock: socket.socket) -> Peer:
    """OSError if the socket is gone."""
    pid, uid, gid = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        raw = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BUFFER_BYTES)
    except OSError:
        raw = b""  # an old kernel, or more groups than fit: the primary one still counts
    groups = struct.unpack(f"{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
    return Peer(pid, uid, frozenset((gid, *groups)))


def group_id(name: str) -> int | None:
    """May block for as long as the machine's directory service does."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
