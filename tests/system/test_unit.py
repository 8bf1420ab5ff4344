"""The daemon under its unit: what it may do, and how systemd looks after it."""

from __future__ import annotations

import re
import time

from tests.system.box import Box, wait_for
from tests.system.daemon import UNIT, Daemon

HIGHEST_EXPOSURE = 2.0


def children(box: Box, pid: int) -> list[int]:
    return [int(line) for line in box.run("pgrep", "--parent", str(pid)).stdout.split()]


def test_exposure(daemon: Daemon) -> None:
    report = daemon.box.run("systemd-analyze", "security", UNIT).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure is not None, report
    assert float(exposure[1]) <= HIGHEST_EXPOSURE, report


def test_it_has_no_privilege(daemon: Daemon) -> None:
    status = dict(
        line.split(":\t", 1) for line in daemon.box.read(f"/proc/{daemon.pid}/status").splitlines()
    )
    polaris = daemon.box.run("id", "--user", "polaris").stdout.strip()
    assert set(status["Uid"].split()) == {polaris}
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_its_child_inherits_nothing_of_systemds(daemon: Daemon) -> None:
    nvml = wait_for("the NVML child", lambda: children(daemon.box, daemon.pid))
    environment = daemon.box.read(f"/proc/{nvml[0]}/environ")
    assert "FAKE_NVML_STATE=" in environment
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"):
        assert f"{name}=" not in environment, name


def test_it_reads_the_host_in_its_sandbox(daemon: Daemon) -> None:
    def unknown() -> list[str]:
        host = daemon.snapshot()["host"]
        figures = [*host.items(), *(item for disk in host["disks"] for item in disk.items())]
        return [name for name, value in figures if isinstance(value, dict)]

    # at first the rates are unknown: they need two readings
    wait_for("every figure of the host", lambda: not unknown())


def test_clients_wait_out_a_crash(daemon: Daemon) -> None:
    crashed = daemon.pid
    daemon.box.run("kill", "-KILL", str(crashed))
    wait_for("the crash", lambda: daemon.show("SubState") == "auto-restart")
    # nobody runs now, and yet a client gets its answer
    done = daemon.client("status", "--json")
    assert done.returncode in (0, 5), done.stderr
    assert daemon.pid not in (0, crashed)
    assert daemon.show("NRestarts") != "0"


def test_clients_wait_out_a_restart(daemon: Daemon) -> None:
    before = daemon.pid
    restart = daemon.box.spawn("systemctl", "restart", UNIT)
    for _ in range(5):
        done = daemon.client("status", "--json")
        assert done.returncode in (0, 5), done.stderr
    assert restart.wait(30) == 0
    assert daemon.pid != before


def test_the_watchdog_ends_a_daemon_that_hangs(daemon: Daemon) -> None:
    daemon.drop_in("WatchdogSec=3s")
    daemon.restart()
    stuck = daemon.pid
    cursor = daemon.box.cursor()
    daemon.box.run("kill", "-STOP", str(stuck))
    wait_for("another daemon", lambda: daemon.is_active and daemon.pid not in (0, stuck))
    said = "\n".join(entry["MESSAGE"] for entry in daemon.journal(cursor))
    assert "Watchdog timeout" in said
    # where it hung: its stack, on SIGABRT
    assert "Fatal Python error: Aborted" in said


def test_a_healthy_daemon_outlives_its_watchdog(daemon: Daemon) -> None:
    daemon.drop_in("WatchdogSec=3s")
    daemon.restart()
    before = daemon.pid
    started = time.monotonic()
    wait_for("more than two intervals", lambda: time.monotonic() > started + 7)
    assert daemon.pid == before
    assert daemon.show("NRestarts") == "0"


def test_it_stops_in_order_and_at_once(daemon: Daemon) -> None:
    family = [daemon.pid, *children(daemon.box, daemon.pid)]
    started = time.monotonic()
    daemon.stop()
    assert time.monotonic() - started < 3
    assert daemon.show("Result") == "success"
    assert not any(daemon.box.exists(f"/proc/{pid}") for pid in family)
    # no socket is left on which a client would wait in vain
    assert daemon.client("status").returncode == 3
    assert not daemon.box.exists("/run/polaris/polarisd.sock")
    daemon.start()


def test_who_may_ask(daemon: Daemon) -> None:
    box = daemon.box
    box.run("useradd", "--system", "stranger")
    box.run("useradd", "--system", "--groups", "polaris", "administrator")
    assert daemon.client("status", user="stranger").returncode == 4
    assert daemon.client("status", user="administrator").returncode == 0
    assert daemon.client("config", "reload", user="stranger").returncode == 4
    assert daemon.client("config", "reload", user="administrator").returncode == 0
    for name in ("stranger", "administrator"):
        box.run("userdel", name)


def test_stop_and_start_end_and_begin_the_offering(daemon: Daemon) -> None:
    daemon.give_hotkey()  # nothing else is offered
    daemon.restart()
    before = daemon.pid
    assert daemon.client("stop").returncode == 0
    assert daemon.snapshot()["daemon"]["offering"]["wanted"] is False
    daemon.restart()
    assert daemon.snapshot()["daemon"]["offering"]["wanted"] is False
    assert daemon.client("start").returncode == 0
    assert daemon.snapshot()["daemon"]["offering"]["wanted"] is True
    assert before != daemon.pid
