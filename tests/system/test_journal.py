"""What the journal keeps of the daemon."""

from __future__ import annotations

from tests.system.daemon import UNIT, Daemon

WARNING = 4


def test_events_have_fields_and_priorities(daemon: Daemon) -> None:
    cursor = daemon.box.cursor()
    daemon.restart()
    entries = [entry for entry in daemon.journal(cursor) if "POLARIS_EVENT" in entry]
    assert entries
    for entry in entries:
        assert entry["_SYSTEMD_UNIT"] == UNIT
        assert entry["SYSLOG_IDENTIFIER"] == "polarisd"
        assert entry["MESSAGE"]
        assert entry["PRIORITY"].isdigit()


def test_a_day_without_trouble_warns_of_nothing(daemon: Daemon) -> None:
    cursor = daemon.box.cursor()
    daemon.restart()
    daemon.reload()
    daemon.snapshot()
    troubling = [
        entry["MESSAGE"]
        for entry in daemon.journal(cursor)
        if int(entry.get("PRIORITY", 6)) <= WARNING
    ]
    assert troubling == []


def test_polarisctl_logs_reads_it(daemon: Daemon) -> None:
    done = daemon.client("logs")
    assert done.returncode == 0, done.stderr
    assert done.stdout
