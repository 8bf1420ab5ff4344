"""Which connections are held at once.  Pure; `server` seats each connection here.

When all seats are taken, a newcomer gets that of the connection which has held one
longest without proving who it is: to open connections is free, to sign is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True, kw_only=True)
class Seat:
    """`leave` ends the connection.  `is_working`: a request on it passed all checks and is
    being answered, so that the seat is not given away."""

    key: str
    leave: Callable[[], None]
    is_working: bool = field(default=False)


class Seats:
    """`key` is whom the peer's address counts for (`limits.address_key`)."""

    def __init__(self, *, most: int, most_of_address: int) -> None:
        self._most = most
        self._most_of_address = most_of_address
        self._taken: dict[Seat, None] = {}  # in order of arrival
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, key: str, leave: Callable[[], None]) -> Seat | None:
        """None if there is none.  Hand it back with `give_back`, also after `leave`."""
        if self._of_address[key] >= self._most_of_address:
            return None
        if len(self._taken) >= self._most and not self._made_room():
            return None
        seat = Seat(key=key, leave=leave)
        self._taken[seat] = None
        self._of_address[key] += 1
        return seat

    def give_back(self, seat: Seat) -> None:
        if seat not in self._taken:
            return  # it was given to somebody else
        del self._taken[seat]
        self._of_address[seat.key] -= 1
        if not self._of_address[seat.key]:
            del self._of_address[seat.key]

    def _made_room(self) -> bool:
        for seat in self._taken:
            if not seat.is_working:
                self.give_back(seat)
                seat.leave()
                return True
        return False
