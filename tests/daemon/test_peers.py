"""Who may do what: other users of this machine, as the kernel vouches for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.daemon.client import RawClient, Refused
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.nvml.fixtures import FakeNvmlFactory

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

NOBODY = 65534
# No id of a person: beyond what a signed number holds.
HIGHEST = 4_294_967_294


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Whoever connects now is, to the kernel and so to the daemon, that user for good."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def client_of(uid: int, daemon: Polarisd) -> RawClient:
    with as_user(uid):
        return daemon.client()


def greet(client: RawClient) -> str:
    """The access that the daemon grants."""
    hello = client.call("hello", client="t", version="0", protocol_major=1, protocol_minor=0)
    access: str = hello["access"]
    return access


def open_to_all(daemon: Polarisd) -> Polarisd:
    """mkdtemp's directories are for their owner alone."""
    daemon.directory.chmod(0o755)
    return daemon


@pytest.mark.parametrize("uid", [NOBODY, HIGHEST])
def test_another_user_is_refused(
    uid: int, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = open_to_all(polarisd(fake_nvml("h100")))
    with client_of(uid, daemon) as client:
        farewell = client.farewell()
    assert farewell["code"] == "not_permitted"
    assert f"user id {uid} " in farewell["message"]
    assert "group polaris" in farewell["hint"]


def test_another_user_reads_where_the_owner_says_so(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), {"control": {"local_users_may_read": True}})
    with client_of(NOBODY, open_to_all(daemon)) as client:
        assert greet(client) == "read"
        client.call("watch")
        assert client.snapshot()["gpus"]
        for method in ("stop", "start", "reload", "burst", "forget"):
            with pytest.raises(Refused, match=f"{method} needs admin access") as refused:
                client.call(method)
            assert refused.value.code == "not_permitted"
        assert client.snapshot()["daemon"]["offering"]["wanted"] is True


def test_the_setting_takes_effect_with_a_reload(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = open_to_all(polarisd(fake_nvml("h100")))
    daemon.configure({"control": {"local_users_may_read": True}})
    with daemon.client() as admin:
        answer = admin.call("reload")
        assert answer == {"changed": ["control.local_users_may_read"], "needs_restart": []}
    with client_of(NOBODY, daemon) as client:
        assert greet(client) == "read"


def test_who_may_no_longer_read_is_cut_off_by_the_reload(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = open_to_all(polarisd(fake_nvml("h100"), {"control": {"local_users_may_read": True}}))
    with client_of(NOBODY, daemon) as reader, daemon.client() as admin:
        reader.call("watch")
        daemon.configure({"control": {"local_users_may_read": False}})
        assert admin.call("reload")["changed"] == ["control.local_users_may_read"]
        assert reader.note_of("closing")["code"] == "not_permitted"
        assert admin.call("config")


def test_users_who_only_read_cannot_keep_the_administrator_out(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """A quarter of the sessions for each, three quarters for all of them."""
    config = {"control": {"local_users_may_read": True, "max_sessions": 16}}
    daemon = open_to_all(polarisd(fake_nvml("h100"), config))
    with ExitStack() as open_sessions:
        for uid, served in ((NOBODY, 4), (4001, 4), (4002, 4), (4003, 0)):
            for _ in range(served):
                assert greet(open_sessions.enter_context(client_of(uid, daemon))) == "read"
            with client_of(uid, daemon) as turned_away:
                assert turned_away.farewell()["code"] == "too_many_sessions"
        for _ in range(4):
            assert greet(open_sessions.enter_context(daemon.client())) == "admin"
        with daemon.client() as turned_away:
            assert turned_away.farewell()["code"] == "too_many_sessions"


def test_a_daemon_of_another_user_serves_that_user_and_root(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory, unprivileged: int
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    for path in (daemon.directory, daemon.socket_path.parent, daemon.state_directory):
        os.chown(path, unprivileged, unprivileged)
    daemon.user = unprivileged
    with open_to_all(daemon).start().client() as root, client_of(unprivileged, daemon) as owner:
        assert greet(root) == greet(owner) == "admin"
        assert owner.call("stop")["wanted"] is False
    with client_of(4001, daemon) as other:
        assert other.farewell()["code"] == "not_permitted"
