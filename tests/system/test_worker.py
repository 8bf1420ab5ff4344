"""The workers' units: systemd starts one for each connection, and it may do little else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.system import worker
from tests.system.box import Box, wait_for
from tests.system.daemon import Daemon

HIGHEST_EXPOSURE = 2.0
# exit codes of polarisctl
NOT_REACHABLE, REFUSED = 3, 4
CHECK: dict[str, object] = {"job": "check", "backend": "numpy"}


@pytest.fixture
def box(daemon: Daemon) -> Iterator[Box]:
    """Where polarisd runs, and no worker is left afterwards."""
    yield daemon.box
    worker.let_go(daemon.box)


def test_exposure(box: Box) -> None:
    report = box.run("systemd-analyze", "security", "polaris-worker@x.service").stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure is not None, report
    assert float(exposure[1]) <= HIGHEST_EXPOSURE, report


def test_it_does_a_job_and_goes(box: Box) -> None:
    """In its sandbox, with the distribution's NumPy: no GPU stack is installed here."""
    done = worker.ask(box, CHECK)
    said = worker.frames(done)
    assert [frame["kind"] for frame in said] == ["hello", "done"], done
    assert said[0]["backend"] == "numpy"
    wait_for("its end", lambda: not worker.running(box))


def test_without_a_gpu_stack_it_says_so(box: Box) -> None:
    (failed,) = worker.frames(worker.ask(box, {**CHECK, "backend": "cupy"}))
    assert failed["code"] == "no_stack"
    assert "gpu-setup" in failed["hint"]


def test_only_polarisd_gets_one(box: Box) -> None:
    box.run("useradd", "--system", "stranger")
    done = worker.ask(box, CHECK, user="stranger")
    assert "PermissionError" in done.stderr
    box.run("userdel", "stranger")


def test_what_it_may_and_what_not(box: Box) -> None:
    unit = worker.hold(box)
    pid = box.show(unit, "MainPID")
    status = dict(line.split(":\t", 1) for line in box.read(f"/proc/{pid}/status").splitlines())
    polaris = box.run("id", "--user", "polaris").stdout.strip()
    assert set(status["Uid"].split()) == {polaris}
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    inside = ("nsenter", "--target", pid, "--net", "--mount")
    assert "eth" not in box.run(*inside, "cat", "/proc/net/dev").stdout
    assert box.run(*inside, "ls", "/var/lib/polaris/lock", check=False).returncode != 0
    # a host that runs out of memory gives up a measurement before anything else
    assert box.read(f"/proc/{pid}/oom_score_adj").strip() == "500"


def test_polarisd_is_out_of_its_reach(daemon: Daemon, box: Box) -> None:
    """Though it runs as the same user, who may all of this."""
    daemon.give_hotkey()
    daemon.restart()
    pid = box.show(worker.hold(box), "MainPID")
    own = "/var/cache/polaris-worker/own"
    worker.inside(box, pid, "touch", own, check=True)
    box.run("rm", own)
    for command, denied in (
        (("ls", f"/proc/{daemon.pid}/root/"), "cannot (access|open)"),
        (("polarisctl", "config", "show"), "cannot (reach|connect)"),
        (("python3", "-IS", "-c", worker.CONNECT), "PermissionError"),
    ):
        box.run(*command, user="polaris")
        done = worker.inside(box, pid, *command)
        assert done.returncode != 0, done
        assert re.search(denied, done.stderr), done
    assert daemon.client("start").returncode == 0
    stop = worker.inside(box, pid, "polarisctl", "stop")
    assert stop.returncode in (NOT_REACHABLE, REFUSED), stop
    assert daemon.snapshot()["daemon"]["offering"]["wanted"]
    assert daemon.client("stop").returncode == 0


def test_polarisd_ends_one_that_hangs(daemon: Daemon, box: Box) -> None:
    cursor = box.cursor()
    client = box.spawn("polarisctl", "benchmark", "--backend", "numpy")
    wait_for("a test", lambda: [b for b in daemon.snapshot()["benchmarks"] if b["test"]])
    (unit,) = worker.running(box)
    pid = box.show(unit, "MainPID")
    box.run("kill", "-STOP", pid)
    assert daemon.client("benchmark", "--cancel").returncode == 0
    wait_for("its end", lambda: not box.exists(f"/proc/{pid}"))
    client.wait(timeout=30)
    said = [entry["MESSAGE"] for entry in daemon.journal(cursor)]
    assert not [text for text in said if "does not end" in text or "may not end" in text], said


@pytest.mark.parametrize("how", ["stop", "restart", "crash"])
def test_it_ends_with_polarisd(daemon: Daemon, box: Box, how: str) -> None:
    pid = box.show(worker.hold(box), "MainPID")
    if how == "crash":
        box.run("kill", "-KILL", str(daemon.pid))
    else:
        box.run("systemctl", how, "polarisd")
    wait_for("its end", lambda: not box.exists(f"/proc/{pid}"))
    if how == "stop":
        assert box.show(worker.SOCKET, "ActiveState") == "inactive"
        assert not box.exists(worker.PATH)
        daemon.start()
    wait_for("polarisd", lambda: daemon.is_active)
    assert box.show(worker.SOCKET, "ActiveState") == "active"


def test_polarisd_measures_through_it(daemon: Daemon, box: Box) -> None:
    cursor = box.cursor()
    done = daemon.client(
        "benchmark", "--backend", "numpy", "--quick", "--test", "memory_copy", "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"completed"' in done.stdout
    started = box.journal(cursor, "UNIT_RESULT=success", "+", "SYSLOG_IDENTIFIER=systemd")
    assert any("Worker that measures a GPU" in entry["MESSAGE"] for entry in started)
