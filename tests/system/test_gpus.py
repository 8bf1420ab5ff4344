"""GPUs through the whole installation: library, sandbox, daemon, socket, client."""

from __future__ import annotations

from typing import Any

from tests.fakes.nvml import FakeNvml
from tests.system.box import wait_for
from tests.system.daemon import Daemon


def gpus(daemon: Daemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daemon.snapshot()["gpus"]
    return found


def test_they_are_seen(daemon: Daemon, shared_gpus: FakeNvml) -> None:
    wait_for("both GPUs", lambda: [gpu["state"] for gpu in gpus(daemon)] == ["ok", "ok"])
    assert {gpu["uuid"] for gpu in gpus(daemon)} == {shared_gpus.uuid(0), shared_gpus.uuid(1)}
    listed = daemon.client("gpus")
    assert listed.returncode == 0
    assert listed.stdout.count("H100") == 2, listed.stdout


def test_what_happens_to_them_is_seen(daemon: Daemon, shared_gpus: FakeNvml) -> None:
    wait_for("a healthy machine", lambda: daemon.client("status").returncode == 0)
    shared_gpus.lose_gpu(1)
    wait_for("the loss", lambda: gpus(daemon)[1]["state"] == "lost")
    assert daemon.client("status").returncode == 5
    shared_gpus.recover_gpu(1)
    wait_for("the recovery", lambda: gpus(daemon)[1]["state"] == "ok")


def test_who_holds_them_is_named(daemon: Daemon, shared_gpus: FakeNvml) -> None:
    daemon.box.run("systemd-run", "--unit=holder", "--collect", "sleep", "600")
    holder = int(daemon.box.show("holder", "MainPID"))
    shared_gpus.add_process(0, holder)
    daemon.restart()  # reads processes at once, instead of in half a minute

    def names() -> list[str] | None:
        processes = gpus(daemon)[0]["condition"]["processes"] if gpus(daemon) else None
        return [p["name"] for p in processes] if isinstance(processes, list) else None

    assert wait_for("the process", names) == ["sleep"]
    shared_gpus.end_process(0, holder)
    daemon.box.run("systemctl", "stop", "holder")


def test_the_doctor_runs(daemon: Daemon) -> None:
    done = daemon.client("doctor", "--json")
    assert done.returncode in (0, 5), done.stderr
