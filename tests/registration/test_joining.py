"""From nothing to a proven UID: both ways of signing, twice, and back."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import bittensor_core
import pytest

from polarisd import config, keys
from tests.devnode.client import DevNode
from tests.registration.host import PROGRAMS, WAIT_S, Host


def fd_of(text: str) -> int:
    """An open file that holds a secret."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


def btcli(host: Host, command: str) -> subprocess.CompletedProcess[str]:
    """Run what was printed on another machine: one that has the wallet."""
    words = shlex.split(command.replace("WALLET", "cold"))
    where = ["--wallet-path", str(host.root / ".bittensor" / "wallets"), "--yes"]
    return subprocess.run(
        [os.path.join(PROGRAMS, words[0]), *words[1:], *where],
        env={**host.environ, "BITTENSOR_RUNTIME_CACHE_DIR": str(host.root / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.mark.parametrize("way", [(), ("--plain",)], ids=["shielded", "plain"])
def test_signed_here(host: Host, way: tuple[str, ...]) -> None:
    before = host.node.balance(host.coldkey.ss58)
    done = host.join("--new-hotkey", "--json", *way)
    assert done.code == 0, done.err
    answer = done.answer
    assert answer["hotkey"] == host.installed()
    assert (answer["registered"], answer["changed"], answer["netuid"]) == (True, True, 49)
    assert answer["coldkey"] == host.coldkey.ss58
    assert host.node.get("SubtensorModule", "Uids", 49, answer["hotkey"]) == answer["uid"]
    assert answer["finalized_block"] <= host.node.finalized()
    assert answer["genesis_hash"] == host.node.genesis_hash
    shielded = [e for e in host.node.extrinsics("MevShield.submit_encrypted") if e.ok]
    assert bool([e for e in shielded if e.signer == host.coldkey.ss58]) is (way == ())
    (sent,) = host.registrations()
    assert sent.args["limit_price"] <= 10**8
    assert 0 < before - host.node.balance(host.coldkey.ss58) <= 10**8 + 10**7
    read = config.load(host.config)
    assert (read.node.mode, read.chain.network, read.chain.netuid, read.chain.subnet_name) == (
        *("bittensor", host.node.url, 49, "Polaris"),
    )
    assert read.chain.genesis_hash == host.node.genesis_hash
    assert "the wrong place for a coldkey" in done.err
    record = host.config.parent / "registration.json"
    assert json.loads(record.read_text())["hotkey"] == answer["hotkey"]
    assert record.stat().st_mode & 0o777 == 0o644
    assert host.kept == []


def test_signed_by_btcli_on_another_machine(host: Host) -> None:
    process = host.start(*host.joining("elsewhere"), "--new-hotkey", "--wait", "60")
    assert process.stdout is not None
    command = next(line for line in process.stdout if line.strip().startswith("btcli"))
    assert not host.credential.exists()
    signed = btcli(host, command)
    assert signed.returncode == 0, signed.stdout + signed.stderr
    done = host.end(process)
    assert done.code == 0, done.err
    assert f"registered: hotkey {host.installed()} has UID" in done.out
    assert len(host.registrations()) == 1


def test_waiting_ends_and_goes_on_later(host: Host) -> None:
    first = host.run(*host.joining("elsewhere"), "--new-hotkey", "--wait", "0", "--json")
    assert first.code == 1
    assert first.answer["registered"] is False
    assert not host.credential.exists()
    # Whether it has been registered meanwhile is seen by the next run, whatever it is told.
    host.node.register(49, first.answer["hotkey"], host.coldkey.ss58)
    again = host.run("--yes", "--subnet-name", "Polaris", "--sign", "elsewhere", "--json")
    assert again.code == 0, again.err
    assert again.answer["hotkey"] == first.answer["hotkey"] == host.installed()
    assert again.answer["changed"] is False
    assert host.registrations() == []


def test_a_second_time_nothing_is_paid_or_changed(host: Host) -> None:
    assert host.join("--new-hotkey").code == 0
    config_before, balance = host.config.read_text(), host.node.balance(host.coldkey.ss58)
    again = host.join("--new-hotkey", "--json")
    assert again.code == 0, again.err
    assert (again.answer["changed"], again.answer["daemon"]) == (False, "unchanged")
    assert host.config.read_text() == config_before
    assert host.node.balance(host.coldkey.ss58) == balance


def test_a_dry_run_tells_all_and_does_nothing(host: Host) -> None:
    host.node.hyper(49, max_allowed_uids=len(_neurons(host.node)) + 5)
    words = ("--mode", "bittensor", "--network", host.node.url, "--netuid", "49", "--dry-run")
    done = host.run(*words, "--new-hotkey", "--wallet", "cold", "--json")
    assert done.code == 0, done.err
    answer = done.answer
    assert (answer["subnet_name"], answer["registration_open"]) == ("Polaris", True)
    assert 0 < answer["price_rao"] <= 10**8
    assert answer["immunity_blocks"] == 4096
    assert answer["uids_most"] == answer["uids_taken"] + 5
    assert answer["balance_rao"] == 5 * 10**9
    assert 0 < answer["fee_rao"] < 10**8
    assert (answer["refusals"], answer["warnings"]) == ([], [])
    assert sorted(path.name for path in host.config.parent.iterdir()) == ["polaris.toml"]
    foreign = host.run(*words, "--new-hotkey", "--subnet-name", "Other", "--json")
    assert foreign.code == 4
    assert [refusal["code"] for refusal in foreign.answer["refusals"]] == ["foreign_subnet"]


def test_a_hotkey_of_a_wallet_and_an_encrypted_coldkey(host: Host) -> None:
    hotkey, _ = keys.new()
    content = bittensor_core.encrypt_keyfile_data(keys.keyfile(host.coldkey), "open sesame")
    directory = host.wallet("safe", bytes(content))
    (directory / "hotkeys" / "hot").write_bytes(keys.keyfile(hotkey))
    host.secrets |= {"open sesame", "shut sesame"}
    words = ["safe" if word == "cold" else word for word in host.joining()]
    words = [*words[:-2], "--hotkey", "hot", "--password-fd"]
    wrong = fd_of("shut sesame\n")
    done = host.run(*words, str(wrong), fds=(wrong,))
    assert done.code == 1
    assert "the password is wrong" in done.err and "takes a few seconds" in done.err
    assert host.registrations() == [] and not host.credential.exists()
    right = fd_of("open sesame\n")
    done = host.run(*words, str(right), fds=(right,))
    assert done.code == 0, done.err
    assert host.installed() == hotkey.ss58


def test_a_mnemonic_from_a_pipe(host: Host) -> None:
    hotkey, mnemonic = keys.new()
    fd = fd_of(mnemonic)
    done = host.run(*host.joining(), "--mnemonic-fd", str(fd), fds=(fd,))
    assert done.code == 0, done.err
    assert host.installed() == hotkey.ss58


class TestLeaving:
    def test_the_endpoint_goes_and_the_key_stays(self, host: Host) -> None:
        assert host.join("--new-hotkey").code == 0
        hotkey = host.installed()
        host.node.hyper(49, serving_rate_limit=0)
        host.node.serve(49, hotkey, "203.0.113.7:8000")
        done = host.run("--yes", "--json", verb="unregister")
        assert done.code == 0, done.err
        assert (done.answer["withdrawn"], done.answer["key_removed"]) == (True, False)
        assert host.node.get("SubtensorModule", "Axons", 49, hotkey)["ip"] == 0
        assert "no way to give a UID back" in done.err
        read = config.load(host.config)
        assert (read.node.mode, read.chain.netuid, read.chain.network) == ("independent", 0, "")
        assert host.installed() == hotkey
        assert not (host.config.parent / "registration.json").exists()
        again = host.run("--yes", "--json", verb="unregister")
        assert (again.code, again.answer["changed"]) == (0, False)
        # The slot is still there, and it is found without paying.
        back = host.join("--json")
        assert (back.code, back.answer["changed"]) == (0, False)

    def test_the_key_goes_too_when_asked(self, host: Host) -> None:
        assert host.join("--new-hotkey").code == 0
        host.search()  # whoever leaks it later is found
        done = host.run("--yes", "--remove-key", "--no-chain", verb="unregister")
        assert done.code == 0, done.err
        assert "No other copy was found" in done.err
        assert not host.credential.exists()

    def test_without_a_chain_the_daemon_is_turned_away_and_the_rest_waits(self, host: Host) -> None:
        assert host.join("--new-hotkey").code == 0
        host.node.fault("refuse")
        done = host.run("--yes", verb="unregister")
        assert done.code == 1, done.err
        read = config.load(host.config)
        assert (read.node.mode, read.chain.netuid) == ("independent", 49)
        host.node.clear_faults()
        done = host.run("--yes", verb="unregister")
        assert done.code == 0, done.err
        assert config.load(host.config).chain.netuid == 0


def _neurons(node: DevNode) -> range:
    return range(node.get("SubtensorModule", "SubnetworkN", 49))


def test_the_program_is_the_one_of_this_tree() -> None:
    assert Path(sys.executable).parent == Path(PROGRAMS)
