"""What keeps the daemon from starting: each with its exit code, and what to do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.daemon.client import DEADLINE_S
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd, with_tree
from tests.fakes.nvml.fixtures import FakeNvmlFactory

IN_USE, NO_PERMISSION, BAD_CONFIG = 69, 77, 78


@pytest.fixture
def idle(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> Polarisd:
    """Configured, with nothing wrong yet."""
    return polarisd(fake_nvml("h100"), start=False)


def exit_of(daemon: Polarisd) -> tuple[int, str]:
    """Start it, and see how it ends and what it said."""
    daemon.spawn()
    code = daemon.wait()
    assert len(daemon.log().splitlines()) <= 10
    return code, daemon.log()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ()),
        (b"[gpu\n", ("is not valid TOML",)),
        (b"\xff\xfe[gpu]", ("is not UTF-8 text",)),
        (b"x = " + b"[" * 5000, ("is not valid TOML: nested too deeply",)),
        (b"#" * ((1 << 20) + 1), ("is too large",)),
        (
            b"""[gpu]
sample_interval_s = -1
call_deadline_s = "soon"
[gpus]
[log]
level = 7
[control]
max_sessions = 0
socket_path = "here"
""",
            (
                "gpu.sample_interval_s: must be a number from 0.1 to 60, not -1",
                "gpu.call_deadline_s: ",
                "gpus: ",
                "log.level: ",
                "control.max_sessions: ",
                "control.socket_path: ",
            ),
        ),
    ],
    ids=["empty", "no TOML", "no UTF-8", "deep", "large", "six problems"],
)
def test_a_bad_configuration_tells_all_at_once(
    content: bytes, said: tuple[str, ...], idle: Polarisd
) -> None:
    if not content:
        idle.config_path.unlink()
        said = ("cannot read the configuration: No such file or directory",)
    else:
        idle.config_path.write_bytes(content)
    code, log = exit_of(idle)
    assert code == BAD_CONFIG
    assert log.startswith("polarisd: cannot start:\n")
    for problem in said:
        assert f"{idle.config_path}: {problem}" in log
    assert len(log.splitlines()) == 1 + len(said)


def test_a_configuration_that_is_no_file(idle: Polarisd) -> None:
    idle.config_path.unlink()
    idle.config_path.mkdir()
    assert exit_of(idle)[0] == BAD_CONFIG


def test_a_live_daemon_keeps_its_socket(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    first = polarisd(nvml)
    second = polarisd(nvml, {"control": {"socket_path": str(first.socket_path)}}, start=False)
    code, log = exit_of(second)
    assert code == IN_USE
    assert f"cannot listen on {first.socket_path}: another process already does" in log
    assert "systemctl stop polarisd" in log
    with first.client() as client:
        assert client.snapshot()["daemon"]["pid"] == first.pid


def test_a_socket_left_by_a_crash_is_replaced(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    assert daemon.process is not None
    daemon.process.kill()
    assert daemon.wait() == -9
    assert daemon.socket_path.is_socket()
    with daemon.start().client() as client:
        assert client.snapshot()["daemon"]["pid"] == daemon.pid
    assert daemon.socket_path.stat().st_mode & 0o777 == 0o666


def test_another_file_is_not_removed(idle: Polarisd) -> None:
    idle.socket_path.write_text("precious")
    code, log = exit_of(idle)
    assert code == IN_USE
    assert "a file that is not a socket is in the way" in log
    assert idle.socket_path.read_text() == "precious"


def test_a_link_is_not_followed(idle: Polarisd) -> None:
    other = idle.directory / "other"
    other.write_text("precious")
    idle.socket_path.symlink_to(other)
    assert exit_of(idle)[0] == IN_USE
    assert other.read_text() == "precious"


def test_a_socket_of_another_kind_is_not_ours(idle: Polarisd) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(idle.socket_path))
        assert exit_of(idle)[0] == IN_USE
    assert idle.socket_path.is_socket()


def test_no_directory_for_the_socket(idle: Polarisd) -> None:
    idle.socket_path.parent.rmdir()
    code, log = exit_of(idle)
    assert code == NO_PERMISSION
    assert f"create {idle.socket_path.parent} first" in log


def test_no_state_directory(idle: Polarisd) -> None:
    idle.state_directory.rmdir()
    code, log = exit_of(idle)
    assert code == NO_PERMISSION
    assert f"cannot use the state directory {idle.state_directory}" in log
    assert "state.directory" in log


@pytest.mark.parametrize("denied", ["run", "state", "polaris.toml"])
def test_what_another_user_may_not_write(denied: str, idle: Polarisd, unprivileged: int) -> None:
    idle.directory.chmod(0o755)
    for name in {"run", "state"} - {denied}:
        os.chown(idle.directory / name, unprivileged, unprivileged)
    idle.user = unprivileged
    if denied == "polaris.toml":
        idle.config_path.chmod(0o600)
    code, log = exit_of(idle)
    assert code == (BAD_CONFIG if denied == "polaris.toml" else NO_PERMISSION)
    assert "ermission denied" in log or "must exist and be writable" in log
    assert str(idle.directory / denied) in log


def test_closed_standard_streams(idle: Polarisd) -> None:
    words = [sys.executable, "-m", "polarisd.main", "--config", str(idle.config_path)]
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *words], env=idle.environ
    )
    try:
        until = monotonic() + DEADLINE_S
        while not idle.socket_path.is_socket():
            assert process.poll() is None and monotonic() < until
        with idle.client() as client:
            client.until(lambda s: s["gpus"] and s["gpus"][0]["state"] == "ok")
        for number in range(3):
            assert os.readlink(f"/proc/{process.pid}/fd/{number}") == os.devnull
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


def polarisd_once(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "polarisd.main", *words],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=with_tree(os.environ),
    )


def test_checking_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "polaris.toml"
    path.write_text("[gpu]\nsample_interval_s = 2\n")
    done = polarisd_once("--check-config", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: ok\n", "")
    path.write_text("[gpu]\nsample_interval_s = 0\nhistory = 1\n")
    done = polarisd_once("--check-config", str(path))
    assert done.returncode == BAD_CONFIG
    assert len(done.stderr.splitlines()) == 2
    done = polarisd_once("--check-config", str(path), "--json")
    assert done.returncode == BAD_CONFIG
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert {p["path"] for p in document["problems"]} == {"gpu.sample_interval_s", "gpu.history"}


def test_probing_once(fake_nvml: FakeNvmlFactory) -> None:
    nvml = fake_nvml("rtx4090", count=2)
    done = subprocess.run(
        [sys.executable, "-m", "polarisd.main", "--probe"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=with_tree(nvml.env()),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [g["uuid"] for g in document["gpus"]] == [nvml.uuid(0), nvml.uuid(1)]
    assert {g["state"] for g in document["gpus"]} == {"ok"}
    assert document["driver"]["state"] == "ok"
    assert document["host"]["memory_total_bytes"] > 0
