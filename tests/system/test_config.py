"""A configuration that is bad: refused, with every reason, by whatever met it."""

from __future__ import annotations

from tests.system.box import wait_for
from tests.system.daemon import CONFIG, UNIT, Daemon

GOOD = "[log]\nlevel = 'debug'\n"
BAD = "[log]\nlevel = 'loud'\n\n[gpu]\nsample_interval_s = 0\n"
PROBLEMS = ("log.level", "gpu.sample_interval_s")


def test_a_good_one_is_taken_at_reload(daemon: Daemon) -> None:
    pid = daemon.pid
    daemon.configure(GOOD)
    assert daemon.reload().returncode == 0
    assert "debug" in daemon.client("config", "show").stdout
    assert daemon.pid == pid


def test_a_bad_one_fails_the_reload_and_changes_nothing(daemon: Daemon) -> None:
    pid = daemon.pid
    before = daemon.client("config", "show").stdout
    cursor = daemon.box.cursor()
    daemon.configure(BAD)
    assert daemon.reload().returncode != 0
    assert daemon.is_active
    assert daemon.pid == pid
    assert daemon.client("config", "show").stdout == before
    said = "\n".join(entry["MESSAGE"] for entry in daemon.journal(cursor))
    assert all(problem in said for problem in PROBLEMS), said


def test_who_asks_for_a_bad_reload_is_told_why(daemon: Daemon) -> None:
    daemon.configure(BAD)
    done = daemon.client("config", "reload")
    assert done.returncode == 78
    assert all(problem in done.stderr for problem in PROBLEMS), done.stderr


def test_sighup_reloads_too(daemon: Daemon) -> None:
    daemon.configure(GOOD)
    daemon.box.run("systemctl", "kill", "--signal=HUP", "--kill-whom=main", UNIT)
    wait_for("the new level", lambda: "debug" in daemon.client("config", "show").stdout)


def test_a_start_with_a_bad_one_is_final(daemon: Daemon) -> None:
    daemon.stop()
    daemon.configure(BAD)
    cursor = daemon.box.cursor()
    assert daemon.box.run("systemctl", "start", UNIT, check=False).returncode != 0
    assert daemon.show("ActiveState") == "failed"
    assert daemon.show("ExecMainStatus") == "78"
    assert daemon.show("NRestarts") == "0"
    said = "\n".join(entry["MESSAGE"] for entry in daemon.journal(cursor))
    assert all(problem in said for problem in PROBLEMS), said


def test_it_can_be_checked_beforehand(daemon: Daemon) -> None:
    daemon.configure(BAD)
    done = daemon.box.run("polarisd", "--check-config", CONFIG, check=False)
    assert done.returncode == 78
    assert all(problem in done.stderr for problem in PROBLEMS), done.stderr
