"""How many miners of the book come from one address.  Pure; for `book`.

Where hotkeys cost nothing, one machine can bring as many as the book has room for: it is its
address that tells them from a subnet full of miners.
"""

from __future__ import annotations

from collections.abc import Collection

from polarisd.heartbeat.addresses import owner_of


class Crowds:
    """Hotkeys by the owner of the address that each came from last."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._crowds: dict[str, set[str]] = {}

    def place(self, hotkey: str, address: str) -> None:
        owner = owner_of(address)
        if self._owners.get(hotkey) != owner:
            self.remove(hotkey)
            self._owners[hotkey] = owner
            self._crowds.setdefault(owner, set()).add(hotkey)

    def remove(self, hotkey: str) -> None:
        owner = self._owners.pop(hotkey, None)
        if owner is not None:
            self._crowds[owner].discard(hotkey)
            if not self._crowds[owner]:
                del self._crowds[owner]

    def to_thin(self, address: str) -> Collection[str]:
        """The largest crowd, if it is so much larger than that of `address` that one of it must
        give way to one more from there; else nobody."""
        largest = max(self._crowds.values(), key=len, default=set())
        own = self._crowds.get(owner_of(address), ())
        return largest if len(largest) > len(own) + 1 else ()
