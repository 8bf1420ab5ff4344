"""Who may do what, from what the kernel says of them."""

from __future__ import annotations

import grp
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.control.access import ADMIN, NONE, READ, AccessRule, Peer, allows, group_id, peer_of

ids = st.integers(0, 2**32 - 2)
rules = st.builds(AccessRule, ids, st.none() | ids, st.booleans())
peers = st.builds(Peer, st.integers(0, 2**22), ids, st.frozensets(ids, max_size=5))


@pytest.mark.parametrize(
    ("uid", "gids", "admin_gid", "granted"),
    [
        (0, {0}, 50, ADMIN),
        (900, {900}, 50, ADMIN),
        (1000, {1000, 50}, 50, ADMIN),
        (1000, {50}, 50, ADMIN),
        (1000, {1000, 0}, 50, NONE),
        (1000, {1000}, None, NONE),
    ],
    ids=["root", "own user", "in the group", "primary group", "group root", "no such group"],
)
def test_who_is_an_administrator(
    uid: int, gids: set[int], admin_gid: int | None, granted: str
) -> None:
    peer = Peer(1, uid, frozenset(gids))
    assert AccessRule(900, admin_gid, False).of(peer) == granted
    assert AccessRule(900, admin_gid, True).of(peer) == (READ if granted == NONE else ADMIN)


@given(rules, peers)
def test_only_the_setting_lets_others_read(rule: AccessRule, peer: Peer) -> None:
    granted = rule.of(peer)
    is_admin = peer.uid in (0, rule.own_uid) or rule.admin_gid in peer.gids
    assert (granted == ADMIN) == is_admin
    assert (granted == READ) == (rule.local_users_may_read and not is_admin)


def test_what_access_allows() -> None:
    order = (NONE, READ, ADMIN)
    for i, granted in enumerate(order):
        assert [allows(granted, needed) for needed in order] == [j <= i for j in range(3)]


def test_the_kernel_names_this_process() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid) == (os.getpid(), os.geteuid())
    assert peer.gids == {os.getegid(), *os.getgroups()}


def test_a_socket_that_is_gone() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        peer_of(ours)


def test_groups_by_name() -> None:
    known = grp.getgrgid(os.getgid())
    assert group_id(known.gr_name) == known.gr_gid
    assert group_id("no group has such a name") is None
