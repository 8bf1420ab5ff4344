"""What a file that was given as a hotkey really is, and what to do about it.

Over `polarisd.keys`, which reads bittensor's own keyfiles; this knows the others by sight.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from polarisd import keys
from polarisd.keys import BadKeyfile, Hotkey

_HOW = {
    "NaCl": "bittensor's own encryption",
    "Ansible Vault": "the Ansible Vault of bittensor 1",
    "legacy": "the Fernet encryption of the first bittensor",
}
_WORDS = (12, 15, 18, 21, 24)
USE_WORDS = "import its mnemonic: polarisctl register --import"


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A keyfile that opens with a password; `how` in words."""

    how: str


def read_hotkey(content: bytes) -> Hotkey | Encrypted:
    """Error handling: BadKeyfile says what it is instead; nothing of its content is told."""
    if how := keys.encryption(content):
        return Encrypted(_HOW.get(how, how))
    try:
        return keys.from_keyfile(content)
    except BadKeyfile as bad:
        raise _by_sight(content) or bad from None


def _by_sight(content: bytes) -> BadKeyfile | None:
    """A better word than that it is no keyfile, where there is one."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return _plain_text(content)
    if not isinstance(document, dict):
        return None
    if "encoded" in document and "encoding" in document:
        return BadKeyfile("it is the JSON export of a Polkadot wallet", USE_WORDS)
    if isinstance(document.get("data"), str):
        return BadKeyfile("it is a key of Commune's own tool", USE_WORDS)
    if "ss58Address" in document and not document.keys() & {"secretSeed", "privateKey"}:
        return BadKeyfile(
            "it is public: it tells the address, and holds no secret key",
            "take the file hotkeys/<name> of the wallet, not <name>pub.txt or coldkeypub.txt",
        )
    return None


def _plain_text(content: bytes) -> BadKeyfile | None:
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    if "BEGIN" in text and "PRIVATE KEY" in text:
        return BadKeyfile(
            "it is a key of SSH or TLS, not of bittensor", "make a new hotkey: --new-hotkey"
        )
    if len(text.split()) in _WORDS and text.replace(" ", "").replace("\n", "").isalpha():
        return BadKeyfile(
            "it is a mnemonic, not a keyfile",
            "give it as one, and then remove the file: --mnemonic-fd 3 3<FILE",
        )
    if keys.is_address(text):
        return BadKeyfile("it is an address, and holds no secret key", USE_WORDS)
    return None


def read_phrase(text: str) -> Hotkey:
    """From a mnemonic of 12 to 24 words, or a seed of 32 bytes in hexadecimal.

    Error handling: BadKeyfile tells the number of words, and never a word.
    """
    words = text.lower().split()
    if len(words) == 1:
        return _from_seed(words[0])
    if len(words) not in _WORDS:
        raise BadKeyfile(
            f"a mnemonic has 12, 15, 18, 21 or 24 words, not {len(words)}",
            "look for a word that is missing, or one too many",
        )
    return keys.from_mnemonic(" ".join(words))


def _from_seed(text: str) -> Hotkey:
    digits = text.removeprefix("0x")
    try:
        seed = bytes.fromhex(digits)
    except ValueError:
        seed = b""
    if len(digits) == 128 and len(seed) == 64:
        raise BadKeyfile("it is a private key of 64 bytes, not a seed of 32", USE_WORDS)
    if len(seed) != 32:
        raise BadKeyfile(
            "it is neither a mnemonic nor a seed of 32 bytes in hexadecimal",
            "a seed is 64 digits of 0 to 9 and a to f, perhaps after 0x",
        )
    return keys.from_seed(seed)
