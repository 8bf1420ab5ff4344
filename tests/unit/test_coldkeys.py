"""Coldkeys within reach: which are found, where, and that the search always ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bittensor_core
import pytest

from polarisd import coldkeys
from polarisd.coldkeys import places_for, readable_coldkeys, refusal

PAIR = bittensor_core.Keypair.create_from_seed(bytes(range(32)))
PLAIN = bytes(bittensor_core.serialized_keypair_to_keyfile_data(PAIR))
CONTENTS = {
    "plain": PLAIN,
    "nacl": b"$NACL" + bytes(64),
    "vault": b"$ANSIBLE_VAULT;1.1;AES256\n3162",
    "legacy": b"gAAAAABo",
    "old JSON": json.dumps({"secretPhrase": "twelve words"}).encode(),
}


def put(path: Path, content: bytes = PLAIN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(*places: Path) -> set[Path]:
    sight = readable_coldkeys(places)
    assert sight.unseen == ""
    return set(sight.coldkeys)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_it_is_found_in_every_format(tmp_path: Path, content: bytes) -> None:
    coldkey = put(tmp_path / ".bittensor/wallets/cold/coldkey", content)
    assert found(tmp_path / ".bittensor") == {coldkey}


@pytest.mark.parametrize("content", [CONTENTS["nacl"], CONTENTS["vault"], CONTENTS["legacy"]])
def test_what_is_taken_for_encrypted_is_so_for_bittensor(content: bytes) -> None:
    assert bittensor_core.keyfile_data_is_encrypted(content)


@pytest.mark.parametrize("name", ["coldkey", "coldkey.bak", "my-coldkey.json", "polaris_coldkey"])
def test_copies_count(tmp_path: Path, name: str) -> None:
    assert found(tmp_path) == set() != {put(tmp_path / name)} == found(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hotkeys/default", PLAIN),  # the daemon is to have it
        ("coldkeypub.txt", json.dumps({"ss58Address": PAIR.ss58_address}).encode()),
        ("coldkey", json.dumps({"ss58Address": PAIR.ss58_address}).encode()),
        ("coldkey", b'{"secretSeed": ""}'),
        ("coldkey", b"notes on where my coldkey is"),
        ("coldkey", b""),
        ("coldkey", b'["secretSeed"]'),
        ("coldkey", b"\xff\xfe{"),
        ("coldkey", b"[" * 60_000),
    ],
)
def test_what_is_no_coldkey(tmp_path: Path, name: str, content: bytes) -> None:
    put(tmp_path / name, content)
    assert found(tmp_path) == set()


def test_it_is_found_behind_a_link(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/wallets/cold/coldkey")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.bittensor").symlink_to("../elsewhere")
    (coldkey,) = found(tmp_path / "home/.bittensor")
    assert coldkey == tmp_path / "home/.bittensor/wallets/cold/coldkey"


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    coldkey = put(tmp_path / "wallets/cold/coldkey")
    (tmp_path / "wallets/again").symlink_to("..")
    (tmp_path / "wallets/self").symlink_to("self")
    assert found(tmp_path) == {coldkey}


def test_what_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "coldkey")  # opening it would wait for ever
    (tmp_path / "coldkey.null").symlink_to("/dev/null")
    (tmp_path / "coldkey.gone").symlink_to("nowhere")
    (tmp_path / "coldkey.d").mkdir()
    assert found(tmp_path, tmp_path / "coldkey", tmp_path / "missing") == set()


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root can read all; tests/system has a user that cannot"
)
def test_one_out_of_reach_does_not_count(tmp_path: Path) -> None:
    put(tmp_path / "coldkey").chmod(0)
    put(tmp_path / "closed/coldkey").parent.chmod(0)
    assert found(tmp_path) == set()


def test_it_looks_no_deeper_than_wallets_lie(tmp_path: Path) -> None:
    put(tmp_path / "a/b/c/d/coldkey")
    assert found(tmp_path) == set()
    assert found(tmp_path / "a") != set()


def test_a_great_many_files_end_the_search_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coldkeys, "MAX_ENTRIES", 10)
    coldkey = put(tmp_path / "coldkey")
    for number in range(20):
        put(tmp_path / f"wallets/{number}", b"")
    sight = readable_coldkeys([tmp_path])
    # the shallow ones first
    assert sight.coldkeys == (coldkey,)
    assert sight.unseen.startswith(f"some of {tmp_path}")


def test_time_ends_the_search_and_it_says_so(tmp_path: Path) -> None:
    coldkey = put(tmp_path / "coldkey")
    ticks = iter([0.0, 0.1, 1.9, 2.1])
    sight = readable_coldkeys([tmp_path, tmp_path, tmp_path / "z"], clock=lambda: next(ticks))
    assert sight.coldkeys == ()
    assert str(tmp_path / "z") in sight.unseen
    assert str(coldkey.parent) in sight.unseen


def test_where_it_looks() -> None:
    environ = {"HOME": "/var/lib/polaris", "CREDENTIALS_DIRECTORY": "/run/credentials/x"}
    places = places_for(
        environ, Path("/var/lib/polaris"), Path("/etc/polaris"), ["/root", "/home/a", "/root", ""]
    )
    assert [str(place) for place in places] == [
        "/var/lib/polaris/.bittensor",
        "/root/.bittensor",
        "/home/a/.bittensor",
        "/run/credentials/x",
        "/etc/polaris",
        "/var/lib/polaris",
    ]
    assert Path("/mnt/w") in places_for({"BT_WALLET_PATH": "/mnt/w"}, Path("s"), Path("c"), [])


def test_the_accounts_of_this_machine_have_homes() -> None:
    assert "/root" in coldkeys.homes()


def test_the_refusal_says_which_and_what_to_do(tmp_path: Path) -> None:
    paths = [tmp_path / "polaris/coldkey", tmp_path / "other/coldkey"]
    text = refusal(paths)
    assert all(str(path) in text for path in paths)
    assert f"copy {tmp_path / 'polaris'} to" in text
    assert "--wallet polaris" in text
    assert coldkeys.EXIT_COLDKEY == 78
