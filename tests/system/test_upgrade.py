"""To the next version and back: what the administrator set stays as they set it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.system.box import Box
from tests.system.daemon import CONFIG
from tests.system.debs import ADDED_COMMENT, next_version, version

# What apt does when nobody is there to ask: an edited configuration file stays.
KEEP_EDITS = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
EDIT = "# an administrator was here\n"


def running_version(box: Box) -> str:
    done = box.run("polarisctl", "status", "--json", check=False)
    running: str = json.loads(done.stdout)["daemon"]["version"]
    return running


def test_a_running_daemon_goes_on_as_the_new_version_and_back(
    box: Box, deb: Path, next_deb: Path
) -> None:
    box.install(deb)
    box.run("systemctl", "enable", "--now", "polarisd")
    box.write(CONFIG, box.read(CONFIG) + EDIT)

    box.install(next_deb, *KEEP_EDITS)
    assert running_version(box) == next_version()
    assert box.show("polarisd", "UnitFileState") == "enabled"
    assert EDIT in box.read(CONFIG)
    assert ADDED_COMMENT in box.read(f"{CONFIG}.dpkg-dist")

    box.install(deb, "--allow-downgrades", *KEEP_EDITS)
    assert running_version(box) == version()
    assert box.show("polarisd", "ActiveState") == "active"
    assert EDIT in box.read(CONFIG)
    assert box.run("dpkg", "--verify", "polaris").stdout.split()[-1] == CONFIG


def test_a_stopped_daemon_stays_stopped(box: Box, deb: Path, next_deb: Path) -> None:
    box.install(deb)
    box.run("systemctl", "enable", "--now", "polarisd")
    box.run("systemctl", "stop", "polarisd")
    box.install(next_deb)
    assert box.show("polarisd", "ActiveState") == "inactive"
    assert box.show("polarisd", "UnitFileState") == "enabled"


def test_a_masked_unit_is_left_alone(box: Box, deb: Path, next_deb: Path) -> None:
    box.install(deb)
    box.run("systemctl", "mask", "polarisd")
    box.install(next_deb)
    assert box.show("polarisd", "LoadState") == "masked"
    assert box.run("dpkg-query", "--show", "--showformat", "${Version}", "polaris").stdout == (
        next_version()
    )


def test_maintainer_scripts_can_run_again(box: Box, deb: Path) -> None:
    box.install(deb)
    for _ in range(2):
        box.run("/var/lib/dpkg/info/polaris.postinst", "configure", version())
    assert box.show("polarisd", "ActiveState") == "inactive"
    box.apt("install", "--reinstall", f"/var/tmp/{deb.name}")
    assert box.show("polarisd", "UnitFileState") == "disabled"
