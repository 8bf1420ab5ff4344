"""All that is wrong is told, with a remedy, before anything is paid; nothing is half done."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import bittensor_core
import pytest

from polarisd import keys
from tests.devnode.fixtures import MakeDevNode
from tests.registration.conftest import MakeHost
from tests.registration.host import Done, Host

Spoil = Callable[[Host], object]
Pair = bittensor_core.Keypair


def untouched(host: Host, config: str) -> None:
    """Nothing was sent, and nothing is in place."""
    assert host.registrations() == []
    assert not host.credential.exists()
    assert host.config.read_text() == config
    assert not (host.config.parent / "registration.json").exists()


def refused(host: Host, code: int, *said: str, words: tuple[str, ...] = ("--new-hotkey",)) -> Done:
    config = host.config.read_text()
    done = host.join(*words)
    assert done.code == code, done.err
    for text in said:
        assert text in done.err
    untouched(host, config)
    return done


REFUSED: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "a foreign subnet": (
        lambda host: host.node.name(49, "Nepher Robotics"),
        ("subnet 49 calls itself 'Nepher Robotics' on the chain, and not 'Polaris'", "ask where"),
    ),
    "no funds": (
        lambda host: host.node.fund(host.coldkey.ss58, tao=0.01),
        ("has τ0.01, and τ0.", "send at least τ0."),
    ),
    "registration closed": (
        lambda host: host.node.hyper(49, registration_allowed=False),
        ("takes no registrations now", "its owner has closed it"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_chain_says_is_refused(host: Host, name: str) -> None:
    spoil, said = REFUSED[name]
    spoil(host)
    host.node.mine(1)
    refused(host, 4, *said)


@pytest.mark.parametrize(
    ("ahead_s", "said"),
    [(30, "clock of this machine is 30 s behind"), (-90, "s ahead of the newest block")],
)
def test_the_clock_is_off(
    make_devnode: MakeDevNode, make_host: MakeHost, ahead_s: int, said: str
) -> None:
    node = make_devnode(time_offset_s=float(ahead_s))
    host = make_host(node)
    refused(host, 4, said, "timedatectl set-ntp true")


def test_a_hotkey_of_somebody_else(host: Host) -> None:
    hotkey, _ = keys.new()
    host.node.register(7, hotkey.ss58, "//Bob")
    file = host.root / "hot"
    file.write_bytes(keys.keyfile(hotkey))
    bob = host.node.address("//Bob")
    refused(
        *(host, 4, f"belongs to another coldkey, {bob}", "sign with that coldkey"),
        words=("--hotkey-file", str(file)),
    )


def test_the_price_is_too_high(host: Host) -> None:
    done = refused(
        host, 4, "--max-price is τ0.05", words=("--new-hotkey", "--max-price", "0.05", "--json")
    )
    assert done.answer["error"]["code"] == "refused"


def test_there_is_no_such_subnet(host: Host) -> None:
    words = ["12" if word == "49" else word for word in host.joining()]
    done = host.run(*words, "--new-hotkey")
    assert done.code == 4
    assert "there is no subnet 12" in done.err


def test_every_slot_is_taken_by_those_who_stay(
    make_devnode: MakeDevNode, make_host: MakeHost
) -> None:
    """That of the subnet's owner is never taken.  The chain says so when it is tried: what
    that costs is the fee."""
    node = make_devnode()
    node.hyper(49, max_allowed_uids=1)
    node.register(49, "//Alice/owner", "//Alice")
    host = make_host(node)
    refused(host, 1, "All 1 slots are taken", "the subnet has no UID to give")


def keyfile(pair: object) -> bytes:
    return bytes(bittensor_core.serialized_keypair_to_keyfile_data(pair))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"$NACL" + b"x" * 90, "it is encrypted (bittensor's own encryption)"),
        (b"$ANSIBLE_VAULT;1.2;AES256\n61", "Ansible Vault"),
        (keyfile(Pair(ss58_address=keys.from_seed(bytes(32)).ss58)), "it is public"),
        (keyfile(Pair.create_from_mnemonic(Pair.generate_mnemonic(12), 0)), "not an sr25519 key"),
        (b'{"encoded": "x", "encoding": {}}', "JSON export of a Polkadot wallet"),
        (b"\0\1\2", "not a bittensor keyfile"),
        (None, "cannot find the hotkey"),
    ],
    ids=["encrypted", "ansible", "public", "ed25519", "polkadot", "garbage", "missing"],
)
def test_a_hotkey_of_another_format(host: Host, content: bytes | None, said: str) -> None:
    file = host.root / "hot"
    if content is not None:
        file.write_bytes(content)
    refused(host, 1, said, words=("--hotkey-file", str(file)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_wallet(host: Host) -> None:
    (host.root / ".bittensor/wallets/cold/coldkey").chmod(0)
    refused(host, 4, "permission denied")


def test_a_missing_wallet_and_a_wallet_without_its_coldkey(host: Host) -> None:
    words = ["nobody" if word == "cold" else word for word in host.joining()]
    done = host.run(*words, "--new-hotkey")
    assert done.code == 1
    assert "cannot find the wallet nobody" in done.err and "there are: cold" in done.err
    (host.root / ".bittensor/wallets/cold/coldkey").unlink()
    refused(host, 1, "its coldkey on another machine: --sign elsewhere")


def test_a_coldkeypub_of_another_coldkey(host: Host) -> None:
    other = Pair(ss58_address=host.node.address("//Bob"))
    (host.root / ".bittensor/wallets/cold/coldkeypub.txt").write_bytes(keyfile(other))
    refused(host, 1, "coldkeypub.txt is of another coldkey")


def test_a_bad_configuration_costs_nothing(host: Host) -> None:
    host.config.write_text("[gpu]\nhistory_s = 1\n[node]\nrole = 'minor'\n")
    done = refused(host, 78, "gpu.history_s", "node.role")
    assert str(host.config) in done.err


def test_nobody_can_be_asked(host: Host) -> None:
    done = host.run()
    assert done.code == 2
    for option in ("--mode", "--new-hotkey", "--yes"):
        assert option in done.err
    assert [path.name for path in host.config.parent.iterdir()] == ["polaris.toml"]


class TestNode:
    def test_unreachable(self, host: Host) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
            words = [url if word == host.node.url else word for word in host.joining()]
            done = host.run(*words, "--new-hotkey", "--json")
        assert done.code == 1
        assert "cannot reach the chain node" in done.answer["error"]["message"]
        assert "--network" in done.answer["error"]["hint"]

    @pytest.mark.parametrize(
        ("fault", "options", "said"),
        [
            ("handshake", {"status": 429, "retry_after": "30"}, "(in 30 s)"),
            ("error", {"method": "state_*", "code": -32005}, "rate limit"),
            ("garbage", {"method": "chain_*", "how": "wrong_type"}, "cannot"),
        ],
    )
    def test_in_trouble(
        self, host: Host, fault: str, options: dict[str, object], said: str
    ) -> None:
        host.node.fault(fault, **options)  # type: ignore[arg-type]
        refused(host, 1, said)

    def test_of_another_chain_than_before(
        self, make_devnode: MakeDevNode, make_host: MakeHost
    ) -> None:
        node = make_devnode()
        host = make_host(node)
        assert host.join("--new-hotkey").code == 0
        before = host.config.read_text()
        node.restart(keep=False, seed="another")
        node.fund(host.coldkey.ss58, tao=5)
        done = host.join()
        assert done.code == 4, done.err
        assert "not the one that was confirmed before" in done.err
        assert host.config.read_text() == before
        assert host.registrations() == []


def test_the_price_rises_between_the_question_and_the_answer(host: Host) -> None:
    with host.tty(*[word for word in host.joining() if word != "--yes"], "--new-hotkey") as tty:
        tty.until_shown("Pay at most τ0.")
        host.node.hyper(49, burn=2 * 10**8)
        tty.press("y\r")
        tty.until_shown("Show its mnemonic")
        tty.press("\r")
        tty.until_shown("the price of registration rose above what was agreed")
        assert tty.wait() == 4
    assert host.registrations() == []
    assert not host.credential.exists()
