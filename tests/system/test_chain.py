"""An installed machine on a chain: registered, serving, and the same after whatever befalls it."""

from __future__ import annotations

import http
import http.client
import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.devnode.client import DevNode
from tests.devnode.keys import address
from tests.fakes.nvml import FakeNvml
from tests.system import chains, hotkeys
from tests.system.box import Box, wait_for
from tests.system.chains import ENDPOINT, NETUID, PAYER, standing, wait_until_published
from tests.system.daemon import CONFIG, UNIT, Daemon

SERVE = "SubtensorModule.serve_axon"
MOST_KIB = 130 << 10
BLOCKS = 10


class Member:
    """A machine that `polarisctl register` has put on the subnet."""

    def __init__(self, daemon: Daemon, node: DevNode, document: dict[str, object]) -> None:
        self.daemon, self.node, self.document = daemon, node, document
        self.hotkey = str(document["hotkey"])

    def assert_nothing_new_is_sent(self) -> None:
        """The endpoint that stands is left standing."""
        before = len(self.node.submissions())
        self.node.wait_block(self.node.number() + BLOCKS)
        assert wait_until_published(self.daemon)["hotkey"] == self.hotkey
        assert len(self.node.submissions()) == before


@pytest.fixture(scope="module")
def member(installed_box: Box, shared_gpus: FakeNvml) -> Iterator[Member]:
    assert shared_gpus
    box, daemon = installed_box, Daemon(installed_box)
    daemon.configure(f"# an operator was here\n{chains.CONFIG}")
    daemon.start()
    chains.give_wallet(box)
    with chains.reachable_chain(box) as node:
        try:
            done = chains.register(box, node, "--new-hotkey", *chains.sign_here())
            yield Member(daemon, node, json.loads(done.stdout))
        finally:
            box.run("rm", "-rf", chains.WALLETS, chains.REGISTRATION, f"{chains.REGISTRATION}.json")
            hotkeys.take_away(box)
            daemon.restore()


def test_registering_makes_it_serve(member: Member) -> None:
    """The coldkey signed on this machine, in the operator's process."""
    daemon, node = member.daemon, member.node
    assert member.document["registered"] and member.document["daemon"] == "restarted"
    chain = wait_until_published(daemon)
    uid = node.get("SubtensorModule", "Uids", NETUID, member.hotkey)
    assert chain["uid"] == member.document["uid"] == uid
    assert chain["owner_coldkey"] == address(PAYER)
    assert chains.endpoint(node, member.hotkey) == ENDPOINT
    # once, and at once
    assert [s.landed_in for s in node.submissions(SERVE)] == [chain["published"]["block"]]
    assert "# an operator was here" in daemon.box.read(CONFIG)


def test_status_says_so(member: Member) -> None:
    wait_until_published(member.daemon)
    done = member.daemon.client("status")
    assert re.search(rf"endpoint +{re.escape(ENDPOINT)}, published in block", done.stdout), done
    assert re.search(rf"uid +{member.document['uid']}, registered", done.stdout), done
    assert re.search(rf'netuid {NETUID} "{chains.NAME}"', done.stdout), done


def test_registering_again_pays_nothing(member: Member) -> None:
    paid = len(member.node.submissions())
    pid = member.daemon.pid
    done = chains.register(member.daemon.box, member.node, *chains.sign_here())
    again = json.loads(done.stdout)
    assert again["hotkey"] == member.hotkey
    assert not again["changed"]
    assert again["daemon"] == "unchanged"
    assert member.daemon.pid == pid
    assert len(member.node.submissions()) == paid


def test_a_stranger_gets_nothing_from_it(member: Member) -> None:
    def connect() -> socket.socket:
        return socket.create_connection(("127.0.0.1", 8000), 10)

    wait_until_published(member.daemon)
    connection = http.client.HTTPConnection("127.0.0.1", 8000)
    connection.sock = member.daemon.box.in_network(connect)
    connection.request("GET", "/v1/heartbeat")  # not signed
    reply = connection.getresponse()
    assert reply.status == http.HTTPStatus.UNAUTHORIZED, reply.read()
    connection.close()


@pytest.mark.parametrize("how", ["restart", "kill -9"])
def test_it_is_the_same_afterwards(member: Member, how: str) -> None:
    daemon = member.daemon
    before = daemon.pid
    wait_until_published(daemon)
    if how == "restart":
        daemon.restart()
    else:
        daemon.box.run("kill", "-KILL", str(before))
    wait_for("another daemon", lambda: daemon.is_active and daemon.pid not in (0, before))
    wait_until_published(daemon)
    member.assert_nothing_new_is_sent()


def test_it_rides_out_a_node_that_is_away(member: Member) -> None:
    daemon, node = member.daemon, member.node
    pid = daemon.pid
    wait_until_published(daemon)
    node.stop()
    wait_for("the loss", lambda: standing(daemon)["state"] != "following", 60)
    node.start()
    wait_for("the node", lambda: standing(daemon)["state"] == "following", 60)
    assert daemon.pid == pid
    member.assert_nothing_new_is_sent()


def test_its_memory(member: Member) -> None:
    box = member.daemon.box
    wait_until_published(member.daemon)
    family = [member.daemon.pid, *map(int, children(box, member.daemon.pid))]
    used_kib = sum(resident_kib(box, pid) for pid in family)
    assert len(family) > 1
    assert used_kib < MOST_KIB


def test_its_sandbox_holds_with_a_chain(member: Member) -> None:
    """What it has in a file of its own stays in its own directories."""
    box, daemon = member.daemon.box, member.daemon
    wait_until_published(daemon)
    mapped = box.read(f"/proc/{daemon.pid}/maps")
    assert "bittensor_core" in mapped
    assert not [line for line in mapped.splitlines() if re.match(r"\S+ \S*w\S*x", line)]
    assert box.exists("/var/lib/polaris/chain-cache")
    found = box.run("find", "/", "-xdev", "-name", ".bittensor", "-not", "-path", "/proc/*")
    assert found.stdout == ""


@pytest.mark.parametrize("directory", ["/etc/polaris/wallets", "/var/lib/polaris/.bittensor"])
def test_it_does_not_sign_where_it_can_read_a_coldkey(member: Member, directory: str) -> None:
    daemon, box = member.daemon, member.daemon.box
    coldkey = f"{directory}/cold/coldkey"
    box.write(coldkey, '{"secretSeed": "0x00"}')
    box.run("chown", "-R", "polaris", directory)
    cursor = box.cursor()
    daemon.stop()
    assert box.run("systemctl", "start", UNIT, check=False).returncode != 0
    assert daemon.show("ExecMainStatus") == "78"
    assert daemon.show("NRestarts") == "0"
    said = "\n".join(entry["MESSAGE"] for entry in daemon.journal(cursor))
    assert coldkey in said, said
    # out of its reach, it is none of its business
    box.run("chown", "root", coldkey)
    box.run("chmod", "0600", coldkey)
    daemon.start()
    box.run("rm", "-r", directory)


def test_wallets_in_homes_are_out_of_its_reach(member: Member) -> None:
    box = member.daemon.box
    box.run("useradd", "--create-home", "careless")
    coldkey = "/home/careless/.bittensor/wallets/cold/coldkey"
    box.write(coldkey, '{"secretSeed": "0x00"}')
    box.run("chmod", "-R", "a+rX", "/home/careless")
    assert box.run("cat", coldkey, user="polaris").stdout
    member.daemon.restart()
    box.run("userdel", "--remove", "careless")


def children(box: Box, pid: int) -> list[str]:
    return box.run("pgrep", "--parent", str(pid)).stdout.split()


def resident_kib(box: Box, pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", box.read(f"/proc/{pid}/status"))
    assert found is not None
    return int(found[1])
