"""What is wrong with the node at present, as a test has asked for it."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

SUBMITTING = "author_submit*"
# of a refusal by the pool; the node has their codes and texts
REASONS = (
    "stale", "bad_signature", "payment", "ancient", "call", "banned", "imported", "priority",
    "cycle", "full", "unavailable",
)  # fmt: skip
GARBAGE = ("not_json", "not_object", "wrong_type", "wrong_scale", "truncated")
# each, with its options and what they are unless told; see README.md
KINDS: dict[str, dict[str, Any]] = {
    "refuse": {},
    "handshake": {"status": 429, "retry_after": "30"},
    "error": {
        "method": "*",
        "code": -32005,
        "message": "Too many requests",
        "data": {"retry_after": "30", "policy": "devnode"},
    },
    "slow": {"method": "*", "delay_s": 1.0},
    "silent": {"method": "*"},
    "garbage": {"method": "*", "how": "not_json"},
    "drop_before": {"method": SUBMITTING},
    "drop_after": {"method": SUBMITTING},
    "mute_heads": {},
    "mute_watch": {},
    "lose": {},
    "sealed": {},
    "reject": {"reason": "banned"},
    "nonce": {"by": -1},
}


@dataclass
class Fault:
    """Ends when `count` is used up, at block `until_block` or at time `until`, if these are set."""

    id: int
    name: str
    options: dict[str, Any]
    count: int | None
    until_block: int | None
    until: float | None
    hits: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            **self.options,
            "count": self.count,
            "until_block": self.until_block,
            "hits": self.hits,
        }


class Faults:
    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._ids = itertools.count(1)

    def add(
        self,
        name: str,
        *,
        block: int,
        count: int | None = None,
        blocks: int | None = None,
        seconds: float | None = None,
        **options: Any,
    ) -> int:
        """ValueError for a fault or an option that there is not."""
        if name not in KINDS:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(KINDS)}")
        unknown = set(options) - set(KINDS[name])
        if unknown:
            raise ValueError(f"fault {name!r} has no option {', '.join(sorted(unknown))}")
        for option, allowed in (("how", GARBAGE), ("reason", REASONS)):
            if option in options and options[option] not in allowed:
                there_are = ", ".join(allowed)
                raise ValueError(f"there is no {option} {options[option]!r}; there are {there_are}")
        fault = Fault(
            id=next(self._ids),
            name=name,
            options={**KINDS[name], **options},
            count=count,
            until_block=None if blocks is None else block + blocks,
            until=None if seconds is None else time.monotonic() + seconds,
        )
        self._active.append(fault)
        return fault.id

    def clear(self, id_: int | None = None) -> None:
        self._active = [found for found in self._active if id_ is not None and found.id != id_]

    def take(self, name: str, *, block: int, method: str = "") -> Fault | None:
        """The first of that name that applies; counts as a hit."""
        self._expire(block)
        for fault in self._active:
            pattern = fault.options.get("method", "*")
            if fault.name == name and (not method or fnmatchcase(method, pattern)):
                fault.hits += 1
                if fault.count is not None:
                    fault.count -= 1
                self._expire(block)
                return fault
        return None

    def shown(self, block: int) -> list[dict[str, Any]]:
        self._expire(block)
        return [fault.shown() for fault in self._active]

    def _expire(self, block: int) -> None:
        now = time.monotonic()
        self._active = [
            found
            for found in self._active
            if (found.count is None or found.count > 0)
            and (found.until_block is None or block < found.until_block)
            and (found.until is None or now < found.until)
        ]
