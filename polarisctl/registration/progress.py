"""How far a registration has come, so that a second run goes on where the first was cut.

Holds no secret.  Pure; `place` keeps it on the disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import get_type_hints

# The hotkey is kept; a transaction may be on its way; somebody else is to sign one.
KEPT, SENT, AWAITED = "kept", "sent", "awaited"
STAGES = (KEPT, SENT, AWAITED)
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Something was sent after `sent_block`, and is valid for `valid_blocks` from then on.
    `made` is whether the hotkey was made here."""

    stage: str
    mode: str
    hotkey: str
    network: str = ""
    netuid: int = 0
    genesis_hash: str = ""
    subnet_name: str = ""
    coldkey: str = ""
    sent_block: int = 0
    valid_blocks: int = 0
    made: bool = False

    def is_of(self, *, network: str, netuid: int, genesis_hash: str) -> bool:
        """Whether it is of the same subnet of the same chain."""
        here = self.network == network or self.genesis_hash == genesis_hash
        return here and self.netuid == netuid


class Unreadable(Exception):
    """Not what was written: why."""


def to_text(progress: Progress) -> str:
    return json.dumps({"version": _VERSION, **asdict(progress)}, indent=1) + "\n"


def from_text(text: str) -> Progress:
    """Error handling: Unreadable."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(document, dict) or document.pop("version", None) != _VERSION:
        raise Unreadable("it is of another version of polaris")
    hints = get_type_hints(Progress)
    for field in fields(Progress):
        if not _fits(document.get(field.name), hints[field.name]):
            raise Unreadable(f"it has no {field.name} that can be used")
    if document.keys() - hints.keys() or document["stage"] not in STAGES:
        raise Unreadable("it is of another version of polaris")
    return Progress(**document)


def _fits(value: object, kind: type) -> bool:
    return type(value) is kind and not (isinstance(value, int) and value < 0)
