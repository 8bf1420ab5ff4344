"""Whose subnet, and whose hotkey: what may change between a question and its answer.  Pure.

`paying` asks right before it sends, `bittensor` once the UID is there.
"""

from __future__ import annotations

from polarisctl.cells import clean
from polarisctl.registration.judge import Ruling
from polarisd.chain.values import Terms


def changed_hands(shown: Terms, now: Terms | None) -> list[Ruling]:
    """Why it is not the subnet that was shown and confirmed."""
    if now is None:
        change = "is gone"
    elif now.name != shown.name:
        change = (
            f"calls itself {clean(now.name)!r} now, and {clean(shown.name)!r} when it was shown"
        )
    elif now.owner_coldkey != shown.owner_coldkey:
        change = (
            f"belongs to {now.owner_coldkey or 'nobody'} now, and to "
            f"{shown.owner_coldkey or 'nobody'} when it was shown"
        )
    else:
        return []
    return [
        Ruling(
            "changed_hands",
            f"subnet {shown.netuid} {change}",
            "nothing was sent; run it again, and look at what the chain says of it now",
        )
    ]


def of_another(hotkey: str, uid: int, owner: str, meant: str, kept: str) -> list[Ruling]:
    """`meant` is the coldkey that was to pay, empty where nobody said which; `kept` is where
    the key is."""
    if not meant or owner == meant:
        return []
    whose = owner or "a coldkey that the chain does not tell"
    return [
        Ruling(
            "owned_by_another",
            f"the hotkey {hotkey} has UID {uid}, but it belongs to {whose}, and not to {meant}: "
            f"what it earns goes to {whose}",
            f"make another hotkey: --new-hotkey (this one stays in {kept}); or, if that coldkey is "
            f"yours as well: --hotkey-file {kept} --sign elsewhere --coldkey {owner or 'SS58'}",
        )
    ]
