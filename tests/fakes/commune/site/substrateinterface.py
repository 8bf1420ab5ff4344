"""`Keypair` and `ExtrinsicReceipt`, as communex uses them; see tests/fakes/commune/README.md.

An address is made of a public key as py-substrate-interface makes it, by the SS58 format.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass
class ExtrinsicReceipt:
    is_success: bool
    extrinsic_hash: str
    error_message: dict[str, str] | None


class Keypair:
    def __init__(self, public_key: bytes, private_key: bytes, ss58_format: int) -> None:
        self.private_key = private_key
        self.ss58_address = _ss58(public_key, ss58_format)

    @classmethod
    def create_from_private_key(
        cls,
        private_key: bytes | str,
        public_key: bytes | str | None = None,
        ss58_address: str | None = None,
        ss58_format: int | None = None,
        crypto_type: int = 1,
    ) -> Keypair:
        private, public = _bytes(private_key), _bytes(public_key or b"")
        if len(private) != 64 or len(public) != 32:
            raise ValueError("Secret key should be 64 bytes long")
        return cls(public, private, 42 if ss58_format is None else ss58_format)


def _bytes(value: bytes | str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value


def _ss58(public_key: bytes, ss58_format: int) -> str:
    body = bytes([ss58_format]) + public_key
    body += hashlib.blake2b(b"SS58PRE" + body, digest_size=64).digest()[:2]
    number, text = int.from_bytes(body, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return "1" * (len(body) - len(body.lstrip(b"\0"))) + text
