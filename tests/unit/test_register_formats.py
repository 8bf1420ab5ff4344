"""Whatever file or phrase is given as a hotkey: taken, or told what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import bittensor_core
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration.formats import Encrypted, read_hotkey, read_phrase
from polarisd import keys
from polarisd.keys import BadKeyfile

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
T = TypeVar("T")
Pair = bittensor_core.Keypair


def keyfile(pair: object) -> bytes:
    return bytes(bittensor_core.serialized_keypair_to_keyfile_data(pair))


def refusal(read: Callable[[T], object], given: T) -> str | None:
    """What is said of it, or None if it is taken."""
    try:
        read(given)
    except BadKeyfile as bad:
        return f"{bad}; {bad.remedy}"
    return None


def test_a_keyfile_of_bittensor() -> None:
    hotkey, mnemonic = keys.new()
    assert read_hotkey(keys.keyfile(hotkey)) == hotkey
    assert read_phrase(mnemonic) == hotkey
    assert len(mnemonic.split()) == 12


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b"$NACL" + b"x" * 80, "bittensor's own encryption"),
        (b"$ANSIBLE_VAULT;1.2;AES256\n6162", "Ansible Vault"),
        (b"gAAAAA" + b"x" * 80, "Fernet"),
    ],
)
def test_an_encrypted_one_says_how(content: bytes, how: str) -> None:
    found = read_hotkey(content)
    assert isinstance(found, Encrypted)
    assert how in found.how


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (keyfile(Pair(ss58_address=keys.from_seed(bytes(32)).ss58)), "it is public"),
        (
            keyfile(Pair.create_from_mnemonic(WORDS, bittensor_core.CRYPTO_ED25519)),
            "not an sr25519",
        ),
        (b'{"encoded": "x", "encoding": {"type": "x"}}', "Polkadot"),
        (b'{"data": "{}", "encrypted": false}', "Commune"),
        (WORDS.encode(), "it is a mnemonic, not a keyfile"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nx", "SSH or TLS"),
        (keys.from_seed(bytes(32)).ss58.encode(), "it is an address"),
        (b"", "not a bittensor keyfile"),
        (b"[]", "no secret key"),
        (b"{}", "no secret key"),
        (b'{"secretSeed": "0x12"}', "cannot be read"),
        (b"\xff\xfe", "not a bittensor keyfile"),
        (b"[" * 100_000, "too large"),
        (b"[" * 50_000, "not a bittensor keyfile"),
    ],
)
def test_what_is_no_hotkey_is_told_what_it_is(content: bytes, why: str) -> None:
    with pytest.raises(BadKeyfile, match=why) as caught:
        read_hotkey(content)
    assert caught.value.remedy


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_file_is_taken_or_refused_in_words(content: bytes) -> None:
    said = refusal(read_hotkey, content)
    assert said is None or said.isprintable()


def test_a_phrase_may_be_written_carelessly() -> None:
    careless = "  Legal winner  thank year\twave sausage worth useful legal winner thank YELLOW\n"
    assert read_phrase(careless) == read_phrase(WORDS)


@pytest.mark.parametrize("prefix", ["", "0x"])
def test_a_seed(prefix: str) -> None:
    assert read_phrase(prefix + "00" * 32) == keys.from_seed(bytes(32))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("abandon " * 12, "a word is not of the list"),
        (WORDS.replace("yellow", "yelow"), "a word is not of the list"),
        (WORDS + " extra", "not 13"),
        ("ab" * 64, "private key of 64 bytes"),
        ("ab" * 16, "neither a mnemonic nor a seed"),
        ("yellow", "neither a mnemonic nor a seed"),
    ],
)
def test_what_is_no_phrase(text: str, why: str) -> None:
    with pytest.raises(BadKeyfile, match=why) as caught:
        read_phrase(text)
    told = f"{caught.value} {caught.value.remedy} {caught.value!r}"
    assert not [word for word in text.split() if word in told.split()]


@given(st.text(max_size=200))
def test_a_phrase_never_comes_back_in_what_is_said_of_it(text: str) -> None:
    said = refusal(read_phrase, "zzqx" + text)
    assert said is not None
    assert "zzqx" not in said


def test_nothing_of_a_key_is_in_its_repr() -> None:
    hotkey, mnemonic = keys.new()
    secret = json.loads(keys.keyfile(hotkey))["privateKey"]
    assert secret[2:] not in repr(hotkey)
    assert mnemonic.split()[0] not in repr(hotkey).split()
