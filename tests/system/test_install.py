"""A user's first minutes: apt install, then systemctl enable --now."""

from __future__ import annotations

from pathlib import Path

from tests.system.box import Box
from tests.system.debs import REPOSITORY, version


def test_from_a_bare_machine_to_a_running_daemon(box: Box, deb: Path) -> None:
    box.install(deb)
    assert box.show("polarisd", "UnitFileState") == "disabled"
    assert box.show("polarisd", "ActiveState") == "inactive"
    assert box.run("polarisd", "--version").stdout.split()[-1] == version()
    assert box.run("polarisctl", "status", check=False).returncode == 3

    box.run("systemctl", "enable", "--now", "polarisd")
    assert box.show("polarisd", "UnitFileState") == "enabled"
    assert box.show("polarisd", "SubState") == "running"
    # ready means that it answers; a machine without a GPU is unhealthy
    assert box.run("polarisctl", "status", check=False).returncode == 5
    assert box.run("polarisctl", "gpus").returncode == 0
    assert box.run("polarisctl", "doctor", check=False).returncode in (0, 5)


def test_what_the_installation_leaves(box: Box, deb: Path) -> None:
    box.install(deb)
    # dpkg compares every installed file with the package's checksum
    assert box.run("dpkg", "--verify", "polaris").stdout == ""
    assert box.run("getent", "passwd", "polaris").stdout.endswith(":/usr/sbin/nologin\n")
    credentials = box.run("stat", "--format", "%a %U %G", "/etc/polaris/credentials")
    assert credentials.stdout == "700 root root\n"
    assert box.run("polarisd", "--check-config", "/etc/polaris/polaris.toml").returncode == 0
    # without byte code each start takes four times as long, and the daemon cannot write it
    sources = box.run("find", "/usr/lib/polaris", "-name", "*.py", "-size", "+0").stdout.split()
    compiled = box.run("find", "/usr/lib/polaris", "-name", "*.pyc").stdout.split()
    assert len(compiled) >= len(sources) > 0


def test_the_packages_own_smoke_test(box: Box, deb: Path) -> None:
    box.install(deb)
    box.write("/var/tmp/smoke", (REPOSITORY / "packaging/debian/tests/smoke").read_text())
    box.run("sh", "/var/tmp/smoke")
