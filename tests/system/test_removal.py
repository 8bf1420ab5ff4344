"""Remove keeps what the administrator made; purge keeps their keys and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.box import Box
from tests.system.daemon import CONFIG

EDIT = "# an administrator was here\n"
STATE = "/var/lib/polaris/kept"
KEY = "/etc/polaris/credentials/hotkey"
# one that was replaced, or is on its way to be the machine's
OTHER_KEY = "/etc/polaris/registration/hotkey-5F"
NO_KEYS = ("/etc/polaris/registration/lock", "/etc/polaris/registration.json")

# The user, its journal, and what apt and this test themselves keep.
NOT_OURS = ("/proc", "/run", "/sys", "/tmp", "/var/log/journal", "/var/tmp")


@pytest.fixture
def used_box(box: Box, deb: Path) -> Box:
    """A machine where the daemon runs and somebody has edited, and put a key."""
    box.install(deb)
    box.run("systemctl", "enable", "--now", "polarisd")
    box.write(CONFIG, box.read(CONFIG) + EDIT)
    box.write(STATE, "kept\n")
    for path in (KEY, OTHER_KEY, *NO_KEYS):
        box.write(path, "a key\n")
    return box


def named_after_us(box: Box) -> list[str]:
    """Every file and directory that has our name, or lies in a directory that does."""
    pruned = [word for path in NOT_OURS for word in ("-path", path, "-prune", "-o")]
    found = box.run("find", "/", *pruned, "-path", "*polaris*", "-print").stdout
    return sorted(line for line in found.splitlines() if not line.startswith("/var/lib/dpkg"))


def test_remove_then_install_again(used_box: Box, deb: Path) -> None:
    pid = used_box.show("polarisd", "MainPID")
    used_box.apt("remove", "polaris")
    assert not used_box.exists(f"/proc/{pid}")
    assert not used_box.exists("/usr/lib/polaris")
    assert not used_box.exists("/usr/sbin/polarisd")
    assert EDIT in used_box.read(CONFIG)
    assert used_box.exists(STATE)

    used_box.install(deb)
    assert EDIT in used_box.read(CONFIG)
    used_box.run("systemctl", "start", "polarisd")
    assert used_box.exists(STATE)


def test_purge_leaves_the_keys_alone(used_box: Box) -> None:
    said = used_box.apt("purge", "polaris").stdout
    keys = [Path(KEY), Path(OTHER_KEY)]
    assert [line for line in said.splitlines() if line.startswith("polaris: ")] == [
        f"polaris: a hotkey was kept: {key} (to remove it: sudo rm {key})" for key in keys
    ]
    left = {*keys, *(key.parent for key in keys), Path("/etc/polaris")}
    assert named_after_us(used_box) == sorted(map(str, left))


def test_purge_without_keys_leaves_nothing(used_box: Box) -> None:
    used_box.run("rm", KEY, OTHER_KEY)
    said = used_box.apt("purge", "polaris").stdout
    assert "hotkey" not in said
    assert named_after_us(used_box) == []
