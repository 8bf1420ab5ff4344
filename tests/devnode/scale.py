"""The few pieces of SCALE that are needed outside of bittensor_core: compacts, texts, hashes."""

from __future__ import annotations

import hashlib
from typing import Any


def compact(value: int) -> bytes:
    if value < 1 << 6:
        return bytes([value << 2])
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    raw = value.to_bytes((value.bit_length() + 7) // 8, "little")
    return bytes([(len(raw) - 4) << 2 | 3]) + raw


def compact_at(data: bytes, at: int) -> tuple[int, int]:
    """The value that begins there, and where the next thing begins."""
    mode = data[at] & 3
    if mode == 3:
        length = (data[at] >> 2) + 4
        return int.from_bytes(data[at + 1 : at + 1 + length], "little"), at + 1 + length
    length = 1 << mode
    return int.from_bytes(data[at : at + length], "little") >> 2, at + length


def text(value: str) -> bytes:
    return blob(value.encode())


def blob(value: bytes) -> bytes:
    return compact(len(value)) + value


def blake2(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def unhexed(value: str) -> bytes:
    """ValueError if it is not hexadecimal; `0x` may lead."""
    return bytes.fromhex(value.removeprefix("0x"))


def decoded_bytes(value: Any) -> bytes:
    """Bytes as bittensor_core decodes them: text if they are text, else hexadecimal, or numbers.
    Bytes that read like hexadecimal are mistaken, which cannot be helped."""
    if isinstance(value, str):
        return unhexed(value) if value.startswith("0x") else value.encode()
    return bytes(value)
