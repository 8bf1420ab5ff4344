"""polaris.toml is replaced whole or not at all, and the daemon restarted if it runs."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from polarisctl.context import DEFAULT_CONFIG
from polarisctl.registration.settings import Settings
from polarisd.api.errors import ControlError
from tests.unit.ctl_support import ROOT, program

ENVIRON = {"PATH": f"{os.path.dirname(sys.executable)}:{os.defpath}", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "polaris.toml").write_text("# mine\n[node]\nmode = 'independent'\n")
    return Settings(tmp_path / "polaris.toml", ENVIRON)


def test_what_is_written_keeps_comments_owner_and_mode(settings: Settings) -> None:
    settings.path.chmod(0o640)
    edited = settings.prepare({"node": {"mode": "commune"}})
    assert settings.path.read_text().count("commune") == 0
    assert settings.replace(edited) is True
    assert settings.replace(edited) is False
    status = settings.path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o640, os.getuid())
    assert settings.path.read_text().startswith("# mine\n")
    assert settings.values()["node"]["mode"] == "commune"
    assert [path.name for path in settings.path.parent.iterdir()] == ["polaris.toml"]


def test_one_that_is_not_there_is_made(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "polaris.toml", ENVIRON)
    assert settings.values() == {}
    settings.replace(settings.prepare({"node": {"mode": "independent"}}))
    assert settings.path.read_text() == '[node]\nmode = "independent"\n'
    assert stat.S_IMODE(settings.path.stat().st_mode) == 0o644


def test_a_link_stays_one(settings: Settings, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to("polaris.toml")
    linked = Settings(link, ENVIRON)
    linked.replace(linked.prepare({"node": {"mode": "commune"}}))
    assert link.is_symlink()
    assert "commune" in settings.path.read_text()


def test_what_polarisd_refuses_is_not_written(settings: Settings) -> None:
    with pytest.raises(ControlError) as caught:
        settings.prepare({"node": {"mode": "both"}, "chain": {"netuid": -1}})
    assert caught.value.code == "bad_config"
    for path in ("node.mode", "chain.netuid", str(settings.path)):
        assert path in caught.value.message


@pytest.mark.parametrize("content", [b"\xff", b"[node\n", b"x" * (1 << 21)])
def test_a_file_that_is_no_configuration(settings: Settings, content: bytes) -> None:
    settings.path.write_bytes(content)
    with pytest.raises(ControlError):
        settings.prepare({"node": {"mode": "commune"}})
    assert settings.path.read_bytes() == content


def test_without_polarisd_nothing_can_be_checked(settings: Settings, tmp_path: Path) -> None:
    broken = program(tmp_path / "polarisd", "print('{')")
    with pytest.raises(ControlError, match="does not answer"):
        Settings(settings.path, {"PATH": str(broken.parent)}).prepare({})


SYSTEMCTL = """\
import sys
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
sys.exit({active} if sys.argv[1] == "is-active" else {restart})
"""


@pytest.mark.parametrize(
    ("active", "became", "calls"),
    [
        (0, "restarted", ["is-active --quiet polarisd", "restart polarisd"]),
        (3, "stopped", ["is-active --quiet polarisd"]),
    ],
)
def test_the_daemon_is_restarted_if_it_runs(
    tmp_path: Path, active: int, became: str, calls: list[str]
) -> None:
    log = tmp_path / "log"
    program(tmp_path / "systemctl", SYSTEMCTL.format(log=str(log), active=active, restart=0))
    environ = {"PATH": str(tmp_path)}
    assert Settings(Path(DEFAULT_CONFIG), environ).restart() == became
    assert log.read_text().splitlines() == calls


def test_a_daemon_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    program(tmp_path / "systemctl", SYSTEMCTL.format(log=log, active=0, restart=1))
    with pytest.raises(ControlError, match=r"cannot run .*systemctl restart polarisd"):
        Settings(Path(DEFAULT_CONFIG), {"PATH": str(tmp_path)}).restart()


def test_the_daemon_of_another_configuration_is_left_alone(settings: Settings) -> None:
    assert settings.restart() == "unknown"
