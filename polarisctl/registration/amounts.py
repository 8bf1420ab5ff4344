"""TAO and rao: what people write, and what the chain counts in.  Pure."""

from __future__ import annotations

import re

from polarisd.chain.values import RAO_PER_TAO

_TAO = re.compile(r"(?:τ\s*)?(\d{1,9})(?:\.(\d{1,9}))?(?:\s*(?:τ|TAO))?", re.IGNORECASE | re.ASCII)


def parse_tao(text: str) -> int:
    """Rao.  ValueError for anything but an amount of TAO with at most nine decimals."""
    matched = _TAO.fullmatch(text.strip())
    if not matched:
        raise ValueError(f"{text!r} is not an amount of TAO such as 0.5")
    whole, decimals = matched.groups()
    return int(whole) * RAO_PER_TAO + int((decimals or "0").ljust(9, "0"))


def tao(rao: int) -> str:
    """Exactly: τ0.0005, τ12, with no digit lost and none invented."""
    whole, rest = divmod(abs(rao), RAO_PER_TAO)
    decimals = f"{rest:09d}".rstrip("0")
    return f"{'-' if rao < 0 else ''}τ{whole}{'.' if decimals else ''}{decimals}"
