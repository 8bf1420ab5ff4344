"""Hotkeys: load, sign, check.  The only importer of bittensor_core, and light enough for
a daemon that has no chain.

A `Hotkey` never shows its secret: not in repr, not in errors, not when pickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

import bittensor_core

SS58_FORMAT = 42  # Substrate's generic address format, which bittensor uses
MAX_KEYFILE_BYTES = 64 << 10
SIGNATURE_BYTES = 64


class Signer(Protocol):
    """Whatever can sign with an sr25519 key, be it ours or the SDK's."""

    @property
    def ss58_address(self) -> str: ...
    @property
    def public_key(self) -> bytes: ...
    def sign(self, payload: bytes) -> bytes: ...


class BadKeyfile(Exception):
    """A keyfile that cannot be used; `remedy` says what to do.  Names no part of its content."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Hotkey:
    """An sr25519 key pair that signs for one hotkey."""

    ss58: str
    public_key: bytes
    pair: Any = field(repr=False, compare=False)  # bittensor_core.Keypair, which the SDK takes

    def sign(self, payload: bytes) -> bytes:
        """64 bytes."""
        return bytes(self.pair.sign(payload))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a hotkey is not to be copied out of its process")


def verify(payload: bytes, signature: bytes, ss58: str) -> bool:
    """Whether `signature` is the sr25519 signature of `payload` by the owner of `ss58`.
    False for anything malformed."""
    if len(signature) != SIGNATURE_BYTES or not is_address(ss58):
        return False
    try:
        return bool(bittensor_core.verify(payload, signature, ss58, bittensor_core.CRYPTO_SR25519))
    except (ValueError, TypeError):
        return False


def is_address(text: str) -> bool:
    """Whether `text` is the address of an account in the format that bittensor uses."""
    try:
        key = bytes(bittensor_core.ss58_decode(text))
    except (ValueError, TypeError):
        return False
    # an address of another network decodes as well
    return len(key) == 32 and bittensor_core.ss58_encode(key, SS58_FORMAT) == text


def from_seed(seed: bytes) -> Hotkey:
    """From the 32 bytes that all of an sr25519 key comes from."""
    return _hotkey(bittensor_core.Keypair.create_from_seed(seed))


def from_keyfile(content: bytes) -> Hotkey:
    """The hotkey in a bittensor keyfile: JSON with a secretSeed or a privateKey.

    BadKeyfile if it is encrypted, public only, or no keyfile at all.
    """
    if len(content) > MAX_KEYFILE_BYTES:
        raise BadKeyfile("it is too large to be a keyfile", "check which file it is")
    if bittensor_core.keyfile_data_is_encrypted(content):
        raise BadKeyfile(
            "it is encrypted; a daemon has nobody to ask for the password",
            "store the hotkey without a password: a hotkey holds no funds",
        )
    _check_document(content)
    try:
        pair = bittensor_core.deserialize_keypair_from_keyfile_data(content)
    except (ValueError, bittensor_core.KeyfileError):
        raise BadKeyfile("its key cannot be read", "make or import the hotkey anew") from None
    return _hotkey(pair)


def _check_document(content: bytes) -> None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadKeyfile(
            "it is not a bittensor keyfile (JSON)",
            "copy the file hotkeys/<name> of the wallet, or use: polarisctl register",
        ) from None
    if not isinstance(document, dict) or not (
        document.get("secretSeed") or document.get("privateKey") or document.get("secretPhrase")
    ):
        raise BadKeyfile(
            "it holds no secret key",
            "copy the file hotkeys/<name> of the wallet, not <name>pub.txt or coldkeypub.txt",
        )


def _hotkey(pair: Any) -> Hotkey:
    if pair.crypto_type != bittensor_core.CRYPTO_SR25519:
        raise BadKeyfile(
            "its key is not an sr25519 key", "make a new hotkey of bittensor's usual kind"
        )
    return Hotkey(pair.ss58_address, bytes(pair.public_key), pair)


# Making and importing keys, for `polarisctl register`.


class WrongPassword(Exception):
    """The password does not open the keyfile."""


def new() -> tuple[Hotkey, str]:
    """A new hotkey, and the twelve words that it can be made from again."""
    mnemonic: str = bittensor_core.Keypair.generate_mnemonic(12)
    return from_mnemonic(mnemonic), mnemonic


def from_mnemonic(words: str) -> Hotkey:
    """BadKeyfile if they are not a mnemonic; nothing of it tells the words."""
    try:
        pair = bittensor_core.Keypair.create_from_mnemonic(words, bittensor_core.CRYPTO_SR25519)
    except ValueError:
        raise BadKeyfile(
            "it is not a mnemonic: a word is not of the list, or the words do not belong together",
            "look for a word that is misspelt, missing or in another place",
        ) from None
    return _hotkey(pair)


def keyfile(hotkey: Hotkey) -> bytes:
    """The content of an unencrypted keyfile, which `from_keyfile` takes."""
    return bytes(bittensor_core.serialized_keypair_to_keyfile_data(hotkey.pair))


def encryption(content: bytes) -> str:
    """How a keyfile is encrypted: NaCl, Ansible Vault, legacy; empty if it is not."""
    if not bittensor_core.keyfile_data_is_encrypted(content):
        return ""
    return str(bittensor_core.keyfile_data_encryption_method(content))


def decrypt(content: bytes, password: str) -> bytes:
    """Takes seconds, during which no other thread runs: never in a daemon.

    WrongPassword, or BadKeyfile if it is not the password that is wrong.
    """
    try:
        return bytes(bittensor_core.decrypt_keyfile_data(content, password))
    except bittensor_core.WrongPasswordError:
        raise WrongPassword from None
    except (ValueError, bittensor_core.KeyfileError):
        raise BadKeyfile(
            "it cannot be decrypted: it is damaged", "restore it, or use its mnemonic"
        ) from None


def address_in(content: bytes) -> str:
    """The address that a public keyfile tells, such as coldkeypub.txt.  BadKeyfile if none."""
    try:
        document = json.loads(content)
        address = document["ss58Address"]
    except (ValueError, RecursionError, TypeError, KeyError):
        address = None
    if not isinstance(address, str) or not is_address(address):
        raise BadKeyfile("it tells no address", "restore it from the wallet that it belongs to")
    return address
