"""What the doctor reads of polarisd: its unit, socket, configuration, files, accounts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from polarisctl.doctor.accounts import Account, Accounts, Group
from polarisctl.doctor.config import Checked, Config, settings
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.files import Entry
from polarisctl.doctor.gather.accounts import gather_accounts
from polarisctl.doctor.gather.config import gather_config
from polarisctl.doctor.gather.daemon import gather_daemon
from polarisctl.doctor.gather.files import gather_files
from polarisctl.doctor.gather.system import gather_system
from polarisctl.doctor.gather.unit import gather_unit
from polarisd.api.errors import NOT_PERMITTED, PROTOCOL_MISMATCH, ControlError
from polarisd.api.reading import NO_PERMISSION, Unknown
from tests.unit import ctl_samples
from tests.unit.ctl_support import HELLO, Peer
from tests.unit.doctor_support import edge, prints, script, tree

REFUSED = Refusal("not_running", "nobody", "")
NO_DAEMON = Daemon("/run/x.sock", REFUSED, REFUSED, REFUSED)


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def here(tmp_path: Path, bins: Path) -> Edge:
    return edge(tmp_path, bin_directory=bins)


def test_the_daemon_is_asked_in_one_session(here: Edge) -> None:
    seen, config = ctl_samples.snapshot(), {"path": "/c", "values": {}}
    peer = Peer(Path(here.socket_path), {"snapshot": seen, "config": config})
    try:
        daemon = gather_daemon(here)
    finally:
        peer.close()
    assert daemon == Daemon(here.socket_path, HELLO, seen, config)


def test_no_daemon(here: Edge) -> None:
    daemon = gather_daemon(here)
    assert isinstance(daemon.hello, Refusal)
    assert daemon.hello.code == "not_running"


def test_a_daemon_that_shows_us_nothing_still_answers(here: Edge) -> None:
    refusal = ControlError(NOT_PERMITTED, "you may not", "use sudo")
    peer = Peer(Path(here.socket_path), {"snapshot": refusal, "config": refusal})
    try:
        daemon = gather_daemon(here)
    finally:
        peer.close()
    assert daemon.hello == HELLO
    assert daemon.snapshot == daemon.config == Refusal(NOT_PERMITTED, "you may not", "use sudo")


def test_a_daemon_of_another_protocol(here: Edge) -> None:
    hello = {**HELLO, "protocol_major": 99}
    peer = Peer(Path(here.socket_path), {"hello": hello, "snapshot": {}})
    try:
        daemon = gather_daemon(here)
    finally:
        peer.close()
    assert isinstance(daemon.hello, Refusal)
    assert daemon.hello.code == PROTOCOL_MISMATCH


def test_an_answer_that_is_no_map(here: Edge) -> None:
    peer = Peer(Path(here.socket_path), {"snapshot": [], "config": {}})
    try:
        daemon = gather_daemon(here)
    finally:
        peer.close()
    assert isinstance(daemon.snapshot, Refusal)


def test_unit(here: Edge, bins: Path, tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    prints(bins, "systemctl", "LoadState=loaded\nActiveState=active")
    unit = gather_unit(here, gather_system(here))
    assert unit.properties == {"LoadState": "loaded", "ActiveState": "active"}


def test_unit_without_systemd(here: Edge, bins: Path) -> None:
    prints(bins, "systemctl", "LoadState=loaded")
    assert gather_unit(here, gather_system(here)).properties is None


@pytest.mark.parametrize("status", [None, 1])
def test_unit_that_cannot_be_asked_for(
    here: Edge, bins: Path, tmp_path: Path, status: int | None
) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    if status is not None:
        prints(bins, "systemctl", "Failed to connect to bus", status)
    assert isinstance(gather_unit(here, gather_system(here)).properties, Unknown)


VALUES: dict[str, dict[str, object]] = {
    "ports": {"api": 9000, "ssh_first": 12000, "ssh_last": 12001},
    "state": {"directory": "/data"},
}


def test_config(here: Edge, bins: Path, tmp_path: Path) -> None:
    path = tree(tmp_path, {"/etc/polaris/polaris.toml": ""}) / "etc/polaris/polaris.toml"
    answer = {"path": str(path), "ok": True, "problems": [], "values": VALUES}
    script(bins, "polarisd", f"[ \"$2\" = '{path}' ] && cat <<'END'\n{json.dumps(answer)}\nEND")
    config = gather_config(here, NO_DAEMON)
    assert config == Config("/etc/polaris/polaris.toml", True, Checked((), VALUES))
    chosen = settings(NO_DAEMON, config)
    assert (chosen.api_port, chosen.ssh_ports) == (9000, (12000, 12001))
    assert chosen.state_directory == "/data"


def test_config_with_problems(here: Edge, bins: Path, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/polaris/polaris.toml": "x"})
    problems = [{"path": "ports.api", "message": "is odd"}, {"path": "", "message": "not TOML"}]
    prints(bins, "polarisd", json.dumps({"ok": False, "problems": problems, "values": {}}), 78)
    config = gather_config(here, NO_DAEMON)
    assert config.checked == Checked(("ports.api: is odd", "not TOML"), {})
    assert settings(NO_DAEMON, config).source == "defaults"


def test_config_that_is_not_there(here: Edge) -> None:
    assert gather_config(here, NO_DAEMON).exists is False


def test_config_without_polarisd(here: Edge, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/polaris/polaris.toml": ""})
    assert gather_config(here, NO_DAEMON).checked is None


def test_config_of_the_running_daemon_goes_first(here: Edge) -> None:
    daemon = replace(NO_DAEMON, config={"path": "/run/own.toml", "values": VALUES})
    config = gather_config(here, daemon)
    assert config.path == "/run/own.toml"
    assert settings(daemon, config).source == "polarisd"
    assert settings(daemon, config).api_port == 9000


def test_a_polarisd_that_breaks_is_unknown(here: Edge, bins: Path, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/polaris/polaris.toml": ""})
    script(bins, "polarisd", "echo Traceback; echo ImportError: x >&2; exit 1")
    found = gather_config(here, NO_DAEMON).checked
    assert isinstance(found, Unknown)
    assert "ImportError: x" in found.detail


PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ada:x:1000:1000::/home/ada:/bin/bash
polaris:x:990:985::/var/lib/polaris:/usr/sbin/nologin
"""
GROUPS = "root:x:0:\npolaris:x:985:ada,bob\nvideo:x:44:polaris\n"


def test_accounts(here: Edge, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/passwd": PASSWD, "/etc/group": GROUPS})
    accounts = gather_accounts(here)
    assert accounts.service() == Account("polaris", 990, frozenset({985, 44}), "/var/lib/polaris")
    assert accounts.groups == (
        Group("root", 0, frozenset()),
        Group("polaris", 985, frozenset({"ada", "bob"})),
        Group("video", 44, frozenset({"polaris"})),
    )
    assert accounts.asking_user == "ada"


def test_no_accounts(here: Edge) -> None:
    accounts = gather_accounts(here)
    assert isinstance(accounts.users, Unknown)
    assert isinstance(accounts.groups, Unknown)
    assert accounts.service() is None


def test_files(here: Edge, tmp_path: Path) -> None:
    made = {
        "/etc/passwd": PASSWD,
        "/etc/group": GROUPS,
        "/etc/polaris/polaris.toml": "",
        "/etc/polaris/credentials/hotkey": "secret",
        "/var/lib/polaris/state": "",
        "/home/ada/.bittensor/wallets/mine/coldkey": "secret",
        "/home/ada/.bittensor/wallets/mine/coldkeypub.txt": "public",
        "/usr/sbin/.bittensor/wallets/no/coldkey": "the home of a system account",
    }
    tree(tmp_path, made)
    (tmp_path / "etc/polaris/polaris.toml").chmod(0o640)
    (tmp_path / "etc/polaris/credentials/hotkey").chmod(0o600)
    config = gather_config(here, NO_DAEMON)
    accounts = gather_accounts(here)
    files = gather_files(here, config, settings(NO_DAEMON, config), accounts)
    me, mine = os.getuid(), os.getgid()
    assert files.config == Entry("/etc/polaris/polaris.toml", 0o640, me, mine)
    assert [entry.path for entry in files.config_leading] == ["/", "/etc", "/etc/polaris"]
    assert files.credential_files == (Entry("/etc/polaris/credentials/hotkey", 0o600, me, mine),)
    assert isinstance(files.state, Entry)
    assert [key.file.path for key in files.coldkeys] == [
        "/home/ada/.bittensor/wallets/mine/coldkey"
    ]
    assert files.coldkeys[0].leading[-1].path == "/home/ada/.bittensor/wallets/mine"
    assert files.unseen == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_home_that_is_closed_to_us_is_named(here: Edge, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/passwd": PASSWD, "/root/x": ""})
    (tmp_path / "root").chmod(0)
    accounts: Accounts = gather_accounts(here)
    config = gather_config(here, NO_DAEMON)
    files = gather_files(here, config, settings(NO_DAEMON, config), accounts)
    (tmp_path / "root").chmod(0o700)
    assert files.unseen == ("/root",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_config_that_we_may_not_read_is_not_called_wrong(here: Edge, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/polaris/polaris.toml": ""})
    (tmp_path / "etc/polaris/polaris.toml").chmod(0)
    found = gather_config(here, NO_DAEMON)
    assert isinstance(found.checked, Unknown)
    assert found.checked.reason == NO_PERMISSION
