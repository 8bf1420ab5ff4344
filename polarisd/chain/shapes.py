"""What a node says, checked for being what can be there.  Pure; for `reads`.

All of it goes into the snapshot, whose numbers have 64 bits, and is reckoned with before
that.  So a number that no chain can have is rubbish, as is a text that is too long for an
address, and a subnet with more neurons than any chain lets in.
"""

from __future__ import annotations

from typing import Any

from polarisd.chain.failures import plain

MOST_U8, MOST_U16, MOST_U32 = (1 << 8) - 1, (1 << 16) - 1, (1 << 32) - 1
# At one a millisecond they would last for 285,000 years; exact as a float, too.
MOST_BLOCKS = MOST_MS = 1 << 53
MOST_RAO = (1 << 63) - 1
# The chain's own is 256 at present.
MOST_NEURONS = 4096
_MOST_ADDRESS = 64
_MOST_BLOCK_TIME_S = 3600.0
_MOST_SHOWN = 80


def whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{_shown(value)} is not a number that can be there")
    return int(value)


def limit_blocks(value: Any) -> int:
    """Whoever owns a subnet may set these to anything: what is never is only very long."""
    return min(whole(value, (1 << 64) - 1), MOST_BLOCKS)


def truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return bool(value)


def address(value: Any) -> str:
    """As the SDK has made it of 32 bytes; that it is one is not checked again."""
    if type(value) is not str or not value.isalnum() or len(value) > _MOST_ADDRESS:
        raise ValueError(f"{_shown(value)} is no address")
    return str(value)


def block_hash(value: Any) -> str:
    text = str(value)
    if len(text) != 66 or len(bytes.fromhex(text.removeprefix("0x"))) != 32:
        raise ValueError(f"{_shown(value)} is no hash")
    return text


def block_time_s(value: Any) -> float:
    seconds = float(value)
    if not 0.0 <= seconds <= _MOST_BLOCK_TIME_S:  # nor NaN
        raise ValueError(f"a block every {seconds} s is none that can be")
    return seconds


def name(raw: Any) -> str:
    """Bytes of text, which whoever owns the subnet has chosen."""
    return plain(bytes(list(raw)).decode(errors="replace"))


def _shown(value: Any) -> str:
    return repr(value)[:_MOST_SHOWN]
