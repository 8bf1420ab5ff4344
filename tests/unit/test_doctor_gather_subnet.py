"""What the doctor reads of key, nodes and addresses: files in a directory, and scripts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from polarisctl.doctor.accounts import Account, Accounts
from polarisctl.doctor.addresses import Own, parse_addresses
from polarisctl.doctor.config import Config, Settings, settings
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.gather.addresses import gather_addresses
from polarisctl.doctor.gather.files import gather_files
from polarisctl.doctor.gather.hotkey import gather_hotkey
from polarisctl.doctor.gather.network import gather_firewall, gather_ports
from polarisctl.doctor.gather.nodes import gather_nodes
from polarisctl.doctor.membership import Keyfile, Nodes
from polarisctl.doctor.network import Firewall
from polarisctl.doctor.table import CHECKS
from polarisd import keys
from polarisd.api.reading import Unknown
from tests.unit.doctor_support import edge, known, prints, script, tree

SEED = bytes(range(32))
HOTKEY = "/etc/polaris/credentials/hotkey"
REFUSED = Refusal("not_running", "nobody", "")
NO_DAEMON = Daemon("/run/x.sock", REFUSED, REFUSED, REFUSED)
DEFAULTS = Settings("defaults", 8000, (11000, 11001), "/var/lib/polaris")


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def here(tmp_path: Path, bins: Path) -> Edge:
    return edge(tmp_path, bin_directory=bins)


class TestHotkey:
    def of(self, text: str, here: Edge, tmp_path: Path) -> object:
        tree(tmp_path, {HOTKEY: text})
        return gather_hotkey(here)

    def test_one_that_polarisd_takes(self, here: Edge, tmp_path: Path) -> None:
        hotkey = keys.from_seed(SEED)
        content = keys.keyfile(hotkey).decode()
        assert keys.from_keyfile(content.encode()) == hotkey
        assert self.of(content, here, tmp_path) == Keyfile(hotkey.ss58, "")

    @pytest.mark.parametrize(
        ("text", "flaw"),
        [
            ("$NACLxyz", "it is encrypted"),
            ("$ANSIBLE_VAULT;1.1", "it is encrypted"),
            ("\n", "it is not a keyfile"),
            ("[" * 100_000, "it is not a keyfile"),
            ("[1]", "it is not a keyfile"),
            ('{"ss58Address": "5X"}', "it holds no secret key"),
            ('{"ss58Address": 7, "secretSeed": ""}', "it holds no secret key"),
            ('{"secretSeed": "0x00", "cryptoType": 0}', "is not of the kind sr25519"),
        ],
    )
    def test_one_that_it_does_not(self, text: str, flaw: str, here: Edge, tmp_path: Path) -> None:
        found = self.of(text, here, tmp_path)
        assert isinstance(found, Keyfile)
        assert flaw in found.flaw
        with pytest.raises(keys.BadKeyfile):
            keys.from_keyfile(text.encode())

    def test_none(self, here: Edge) -> None:
        assert gather_hotkey(here) is None

    def test_nothing_of_the_secret_is_kept(self, here: Edge, tmp_path: Path) -> None:
        secret = "0x" + "ab" * 32
        found = self.of(json.dumps({"secretSeed": secret, "secretPhrase": "w"}), here, tmp_path)
        assert secret[2:] not in repr(found)


class TestNodes:
    def settings(self, network: str, *more: str) -> Settings:
        chain: dict[str, object] = {"network": network, "fallback_endpoints": list(more)}
        return replace(DEFAULTS, mode="bittensor", values={"chain": chain})

    def test_names_are_looked_up(self, here: Edge, bins: Path) -> None:
        script(
            bins, "getent", '[ "$3" = lost.example ] && exit 2; [ "$3" = odd ] && exit 3; exit 0'
        )
        urls = (
            "ws://a.example:9944",
            "wss://lost.example",
            "ws://odd",
            "ws://9.9.9.9:1",
            "ws://[::1]",
        )
        nodes = gather_nodes(here, self.settings("finney", *urls))
        assert list(nodes.found) == [
            "entrypoint-finney.opentensor.ai", "a.example", "lost.example", "odd",
        ]  # fmt: skip
        assert list(nodes.found.values())[:3] == [True, True, False]
        assert isinstance(nodes.found["odd"], Unknown)

    def test_without_getent(self, here: Edge) -> None:
        assert gather_nodes(here, self.settings("ws://a.example")) == Nodes({"a.example": None})

    def test_of_a_machine_without_a_chain(self, here: Edge) -> None:
        assert gather_nodes(here, DEFAULTS) == Nodes({})
        assert gather_nodes(here, self.settings("ws://[odd")) == Nodes({})


IP = [
    {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}, {"local": "::1"}]},
    {"ifname": "eth0", "addr_info": [{"local": "5.6.7.8"}, {"local": "fe80::1"}, {"local": 7}]},
    {"ifname": "wg0", "addr_info": "odd"},
    "odd",
]


class TestAddresses:
    def test_those_that_lead_anywhere(self, here: Edge, bins: Path) -> None:
        prints(bins, "ip", json.dumps(IP))
        assert gather_addresses(here) == (Own("eth0", "5.6.7.8"),)

    def test_no_ip_or_one_that_fails(self, here: Edge, bins: Path) -> None:
        assert gather_addresses(here) is None
        prints(bins, "ip", "", 1)
        assert isinstance(gather_addresses(here), Unknown)
        assert isinstance(parse_addresses("not JSON"), Unknown)


def test_firewalld(here: Edge, bins: Path) -> None:
    prints(bins, "firewall-cmd", "not running", 252)
    assert gather_firewall(here) == Firewall(None, False)
    prints(bins, "firewall-cmd", "running")
    assert gather_firewall(here) == Firewall(None, True)


@pytest.mark.parametrize(("hotkey", "listens"), [("5Grw", True), ("", False), (None, False)])
def test_whether_polarisd_should_listen(here: Edge, hotkey: str | None, listens: bool) -> None:
    snapshot = {} if hotkey is None else {"chain": {"hotkey": hotkey}}
    daemon = replace(NO_DAEMON, snapshot=snapshot)
    chosen = replace(DEFAULTS, api_port=45_871, ssh_ports=())
    assert gather_ports(here, chosen, daemon).listens is listens
    assert gather_ports(here, chosen, NO_DAEMON).listens is False


def test_coldkeys_are_found_wherever_polarisd_looks(here: Edge, tmp_path: Path) -> None:
    found = [
        "/etc/polaris/credentials/coldkey",
        "/home/ada/.bittensor/wallets/mine/coldkey",
        "/home/ada/.bittensor/wallets/mine/coldkey.bak",
        "/root/.bittensor/Coldkey",
        "/var/lib/polaris/.bittensor/wallets/w/coldkey",
    ]
    others = [
        "/home/ada/.bittensor/wallets/mine/coldkeypub.txt",
        "/home/ada/.bittensor/wallets/mine/hotkeys/h",
        "/home/ada/coldkey",
        "/home/ada/.bittensor/a/b/c/d/coldkey",
    ]
    tree(tmp_path, dict.fromkeys([*found, *others], "secret"))
    os.symlink(tmp_path / "home/ada/.bittensor", tmp_path / "home/ada/.bittensor/loop")
    ada = Account("ada", 1000, frozenset({1000}), "/home/ada")
    accounts = Accounts((ada,), (), "ada", 1000, frozenset())
    config = Config("/etc/polaris/polaris.toml", False, None)
    files = gather_files(here, config, DEFAULTS, accounts)
    seen = [key.file.path for key in files.coldkeys]
    assert set(found) <= set(seen)
    assert not set(others) & set(seen)


class TestRole:
    of_validators = replace(DEFAULTS, role="validator")

    @pytest.mark.parametrize("check", [c for c in CHECKS if c.role], ids=lambda check: check.id)
    def test_what_is_of_no_use_to_a_validator_is_skipped(
        self, check: object, tmp_path: Path
    ) -> None:
        with known(tmp_path, {"settings": self.of_validators}) as facts:
            finding = check.answer(facts)  # type: ignore[attr-defined]
        assert finding.verdict == "skipped"
        assert finding.found == "this machine is a validator, and needs none of it"

    def test_which_those_are(self) -> None:
        of_miners = {check.group for check in CHECKS if check.role == "miner"}
        assert of_miners == {"Hardware", "Network", "NVIDIA", "Containers", "Subnet"}
        for group in ("NVIDIA", "Containers"):
            assert all(check.role == "miner" for check in CHECKS if check.group == group)

    def test_a_miner_has_them_answered(self, tmp_path: Path) -> None:
        check = next(check for check in CHECKS if check.id == "nouveau")
        with known(tmp_path, {"settings": DEFAULTS}) as facts:
            assert check.answer(facts) == check.judge(facts)

    def test_the_role_is_that_of_the_configuration(self) -> None:
        values: dict[str, dict[str, object]] = {"node": {"role": "validator", "mode": "bittensor"}}
        daemon = replace(NO_DAEMON, config={"values": values})
        chosen = settings(daemon, Config("/x", False, None))
        assert (chosen.role, chosen.mode, chosen.values) == ("validator", "bittensor", values)
