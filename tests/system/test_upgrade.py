"""To the next version and back: what the administrator set stays as they set it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.system import chains, hotkeys
from tests.system.box import Box
from tests.system.daemon import CONFIG, Daemon
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


def test_a_member_of_a_subnet_stays_one_until_it_leaves(
    box: Box, deb: Path, next_deb: Path, tmp_path: Path
) -> None:
    """Its coldkey is on another machine, and signs there."""
    box.install(deb)
    daemon = Daemon(box)
    daemon.configure(chains.CONFIG)
    box.run("systemctl", "enable", "--now", "polarisd")
    with chains.reachable_chain(box) as node:
        done = chains.register(box, node, "--new-hotkey", *chains.sign_elsewhere(0), check=False)
        waiting = json.loads(done.stdout)
        assert not waiting["registered"]
        chains.run_elsewhere(waiting["command"], tmp_path)
        registered = json.loads(chains.register(box, node, *chains.sign_elsewhere(60)).stdout)
        assert registered["hotkey"] == waiting["hotkey"]
        before = chains.wait_until_published(daemon)
        assert before["uid"] == registered["uid"]
        sent = len(node.submissions())

        box.install(next_deb, *KEEP_EDITS)
        assert running_version(box) == next_version()
        after = chains.wait_until_published(daemon)
        assert after["hotkey"] == before["hotkey"] and after["published"] == before["published"]
        assert len(node.submissions()) == sent

        # the chain takes a change of the endpoint only after so many blocks
        node.mine(node.hyper(chains.NETUID)["serving_rate_limit"])
        box.run("polarisctl", "unregister", "--yes", "--json", timeout_s=120)
        assert chains.endpoint(node, before["hotkey"]) != chains.ENDPOINT
        assert daemon.snapshot()["daemon"]["mode"] == "independent"
        # the key stays: what it has is not the package's to throw away
        assert box.exists(hotkeys.PATH)


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
