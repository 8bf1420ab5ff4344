"""The hotkey on an installed machine: the daemon has it, and nobody and nothing else does."""

from __future__ import annotations

import pytest

from tests.system import hotkeys, worker
from tests.system.box import wait_for
from tests.system.daemon import UNIT, Daemon

CREDENTIAL = "polaris_hotkey"


def known_hotkey(daemon: Daemon) -> str:
    hotkey: str = daemon.snapshot()["chain"]["hotkey"]
    return hotkey


@pytest.fixture
def registered(daemon: Daemon) -> Daemon:
    daemon.give_hotkey()
    daemon.restart()
    assert known_hotkey(daemon) == hotkeys.HOTKEY.ss58
    return daemon


@pytest.mark.parametrize("there", ["no directory", "an empty directory", "an empty file"])
def test_without_one_it_runs(daemon: Daemon, there: str) -> None:
    daemon.give_hotkey("")
    if there != "an empty file":
        daemon.box.run("rm", "-r", hotkeys.DIRECTORY)
    if there == "an empty directory":
        daemon.box.run("install", "-d", "-m", "0700", hotkeys.DIRECTORY)
    daemon.restart()
    assert known_hotkey(daemon) == ""


def test_the_file_is_roots_alone_however_it_was_left(daemon: Daemon) -> None:
    """systemd reads it as root: no mode or owner keeps the daemon from its hotkey."""
    daemon.give_hotkey()
    daemon.box.run("chmod", "0000", hotkeys.PATH)
    daemon.restart()
    assert known_hotkey(daemon) == hotkeys.HOTKEY.ss58
    assert daemon.box.run("cat", hotkeys.PATH, user="polaris", check=False).returncode != 0


def test_what_lies_beside_it_does_not_reach_the_daemon(daemon: Daemon) -> None:
    daemon.give_hotkey()
    box, place = daemon.box, hotkeys.DIRECTORY
    box.write(f"{place}/coldkey", "$NACL and more")
    box.write(f"{place}/no:credential's name", "a")
    box.write(f"{place}/large", "0" * (2 << 20))
    box.run("mkfifo", f"{place}/fifo")
    daemon.restart()
    assert known_hotkey(daemon) == hotkeys.HOTKEY.ss58
    there = daemon.environ()["CREDENTIALS_DIRECTORY"]
    listed = box.run("ls", f"/proc/{daemon.pid}/root{there}").stdout.split()
    assert listed == [CREDENTIAL]


def test_no_other_user_can_read_it(registered: Daemon) -> None:
    box = registered.box
    box.run("useradd", "--system", "stranger")
    box.run("useradd", "--system", "--groups", "polaris", "administrator")
    place = registered.environ()["CREDENTIALS_DIRECTORY"]
    inside = f"/proc/{registered.pid}/root"
    # it is there: the daemon's own namespaces show it to root
    assert hotkeys.HOTKEY.ss58 in box.run("cat", f"{inside}{place}/{CREDENTIAL}").stdout
    for user in ("stranger", "administrator"):
        for path in (f"{place}/{CREDENTIAL}", f"{inside}{place}/{CREDENTIAL}", hotkeys.PATH):
            assert box.run("cat", path, user=user, check=False).returncode != 0, (user, path)
        box.run("userdel", user)


def test_a_worker_cannot_read_it(registered: Daemon) -> None:
    """Though it runs as the same user."""
    box = registered.box
    path = f"{registered.environ()['CREDENTIALS_DIRECTORY']}/{CREDENTIAL}"
    pid = box.show(worker.hold(box), "MainPID")
    for place in (path, f"/proc/{registered.pid}/root{path}", hotkeys.PATH):
        assert worker.inside(box, pid, "cat", place).returncode != 0, place
    worker.let_go(box)


def test_its_secret_shows_nowhere(registered: Daemon) -> None:
    box = registered.box
    cursor = box.cursor()
    registered.restart()
    registered.reload()
    family = [registered.pid, *map(int, box.run("pgrep", "-P", str(registered.pid)).stdout.split())]
    seen = {
        "systemctl show": box.run("systemctl", "show", UNIT).stdout,
        "systemctl status": box.run("systemctl", "status", UNIT).stdout,
        "journal": "\n".join(map(str, box.journal(cursor))),
        "status": registered.client("status", "--json").stdout,
        "config": registered.client("config", "show", "--json").stdout,
        "doctor": registered.client("doctor", "--json").stdout,
    }
    for pid in family:
        for name in ("environ", "cmdline"):
            seen[f"{name} of {pid}"] = box.read(f"/proc/{pid}/{name}")
    assert len(family) > 1
    for secret in hotkeys.SECRETS:
        for what, text in seen.items():
            assert text, what
            assert secret not in text.lower(), what
        kept = box.run("grep", "-rlis", secret, "/etc", "/run/polaris", "/tmp", "/var", check=False)
        assert kept.stdout.split() == [hotkeys.PATH]


def test_one_that_it_cannot_use_is_said_to_be_so(daemon: Daemon) -> None:
    daemon.give_hotkey("$NACL and more")
    cursor = daemon.box.cursor()
    daemon.restart()
    assert known_hotkey(daemon) == ""
    said = "\n".join(entry["MESSAGE"] for entry in daemon.journal(cursor))
    assert "it is encrypted" in said, said


def test_it_survives_a_crash(registered: Daemon) -> None:
    crashed = registered.pid
    registered.box.run("kill", "-KILL", str(crashed))
    wait_for("another daemon", lambda: registered.is_active and registered.pid not in (0, crashed))
    assert known_hotkey(registered) == hotkeys.HOTKEY.ss58
